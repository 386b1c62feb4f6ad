"""Scans and tasks over HTTP. A handler reads the request, calls the service and builds the response; nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import JsonValue

from pixel_agent.api.http.clients import client_of, new_scan_id
from pixel_agent.api.http.idempotency import Key, Slot, StoredAnswer, held
from pixel_agent.api.http.problems import IDEMPOTENCY_KEY, PREFER, inlined, other_errors, problems
from pixel_agent.api.http.sse import EventStream, Write, error_event, event
from pixel_agent.api.http.uploads import (
    Grow,
    Submission,
    cancel_on_disconnect,
    check_length,
    check_question,
    is_json,
    read_form,
    read_json,
    scan_fields,
)
from pixel_agent.api.routes.async_scans import accept, wants_async
from pixel_agent.api.views import legacy_answer, server_timing, task_out
from pixel_agent.core import Lang, OnEvent, Priority, ScanRequest
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import PixelAgentError, ScanCancelled
from pixel_agent.scheduling.admission import Arrival
from pixel_agent.schemas.records import ScanRecordList, ScanRecordOut
from pixel_agent.schemas.scans import (
    FailedPart,
    LegacyAnswer,
    LegacyError,
    ScanBody,
    ScanFields,
    ScanList,
    overall_status,
)
from pixel_agent.schemas.tasks import TaskOut
from pixel_agent.service.service import ScanService
from pixel_agent.tasks import DEFAULT_TASK

router = APIRouter()

FORM = "multipart/form-data"
_BINARY: dict[str, object] = {"type": "string", "format": "binary"}
_STATES = (400, 408, 413, 415, 422, 502, 503, 504)
_PROBLEMS = problems(*_STATES)
_LEGACY_ERRORS = other_errors(LegacyError, *_STATES)


def _form(field: str, photo: dict[str, object]) -> dict[str, object]:
    properties = {field: photo, **inlined(ScanFields)["properties"]}
    return {FORM: {"schema": {"type": "object", "properties": properties, "required": [field]}}}


_PHOTOS: dict[str, object] = {"type": "array", "items": _BINARY}
_JSON: dict[str, object] = {"application/json": {"schema": inlined(ScanBody)}}


@router.post(
    "/scan",
    tags=["scans"],
    summary="Scan one photo (the contract of the first rebuild)",
    responses={200: {"model": LegacyAnswer}, **_LEGACY_ERRORS},
    openapi_extra={
        "parameters": [IDEMPOTENCY_KEY],
        "requestBody": {"required": True, "content": _form("file", _BINARY)},
    },
)
async def legacy_scan(request: Request) -> Response:
    """Send one photo in `file` and one task; `result` is the reading as text, `scan` the whole envelope."""
    service: ScanService = request.app.state.service
    with arriving(request, service, _early_priority(request), most=1) as arrival:
        submission = await read_form(request, "file", service.settings, most=1, strict=False, grow=arrival.grow)
        asked = _requests(submission, request)
        async with held(service, _key(request, submission)) as slot:
            if slot.answer is not None:
                return slot.answer.response()
            with service.admission.enter_all(asked, arrival):
                scan = await cancel_on_disconnect(request, service.scan(asked[0]))
            body = legacy_answer(scan).model_dump_json()
            await slot.complete(body)
    headers = {"Server-Timing": server_timing(scan.timings)}
    return Response(body, media_type="application/json", headers=headers)


_STREAMED: dict[str, object] = {"model": Envelope | ScanList, "content": {"text/event-stream": {}}}
_ACCEPTED: dict[str, object] = {"model": ScanRecordOut | ScanRecordList, "description": "Accepted for later."}


@router.post(
    "/v1/scans",
    tags=["scans"],
    summary="Scan up to 8 photos",
    responses={200: _STREAMED, 202: _ACCEPTED, **_PROBLEMS, **problems(409, 507)},
    openapi_extra={
        "parameters": [IDEMPOTENCY_KEY, PREFER],
        "requestBody": {"required": True, "content": {**_form("photos", _PHOTOS), **_JSON}},
    },
)
async def create_scan(
    request: Request, stream: Annotated[bool, Query(description="Answer with server-sent events.")] = False
) -> Response:
    """One photo returns its envelope; several photos return a list, in which a bad photo does not stop the others.

    Send multipart with the photos in `photos`, or JSON with `photos` in base64. With `stream=true` the answer comes as
    events: `queued`, `stage`, `text`, and finally `done` with the whole answer, or `error`.
    """
    service: ScanService = request.app.state.service
    most = service.settings.photo.max_photos
    if wants_async(request) and not stream:
        return await _accept(request, service, most)
    async with AsyncExitStack() as stack:
        arrival = stack.enter_context(arriving(request, service, _early_priority(request), most=most))
        submission = await _read(request, service, most, arrival.grow)
        asked = _requests(submission, request)
        slot = await stack.enter_async_context(held(service, _key(request, submission)))
        if slot.answer is not None:
            return EventStream(partial(_told_again, slot.answer), error_event) if stream else slot.answer.response()
        stack.enter_context(service.admission.enter_all(asked, arrival))
        if stream:
            return EventStream(partial(_told, service, asked, slot), error_event, stack.pop_all())
        answer = await cancel_on_disconnect(request, _answered(service, asked))
        body = answer.model_dump_json()
        await slot.complete(body)
    headers = {"Server-Timing": server_timing(answer.timings)} if isinstance(answer, Envelope) else {}
    return Response(body, media_type="application/json", headers=headers)


async def _accept(request: Request, service: ScanService, most: int) -> Response:
    """Accept the upload without an admission slot: queued scans do not compete with interactive ones."""
    length = check_length(request, service.settings.photo, most=most)
    service.storage.check()
    early = None if length is None else min(length, service.settings.admission.assumed_bytes)
    with service.admission.reserve(early, client_of(request)) as reserved:
        grow = partial(service.admission.grow, reserved)
        return await accept(service, request, await _read(request, service, most, grow))


async def _read(request: Request, service: ScanService, most: int, grow: Grow) -> Submission:
    if is_json(request):
        return await read_json(request, service.settings, most=most, grow=grow)
    return await read_form(request, "photos", service.settings, most=most, strict=True, grow=grow)


def _key(request: Request, submission: Submission) -> Key | None:
    """The request's Idempotency-Key with what it identifies; None without the header."""
    return Key.of(request, submission.fields, [upload.sha256 for upload in submission.uploads])


async def _answered(service: ScanService, asked: Sequence[ScanRequest]) -> Envelope | ScanList:
    if asked[0].task.photos > 1:
        return Envelope.of(await service.compare(asked))
    if len(asked) == 1:
        return Envelope.of(await service.scan(asked[0]))
    return await _several(service, asked)


async def _told(service: ScanService, asked: Sequence[ScanRequest], slot: Slot, write: Write) -> None:
    """Stream the progress events, then the answer. With several photos, `photo` is the photo's index (from 0)."""

    def teller(index: int) -> OnEvent:
        which: dict[str, JsonValue] = {"photo": index} if len(asked) > 1 else {}
        return lambda name, values: write(event(name, json.dumps({**which, **values}, ensure_ascii=False)))

    told = [replace(part, on_event=teller(index)) for index, part in enumerate(asked)]
    answer = await _answered(service, told)
    body = answer.model_dump_json()
    await slot.complete(body)
    write(event("done", body))


async def _told_again(answer: StoredAnswer, write: Write) -> None:
    write(event("done", answer.body))


@router.get(
    "/v1/tasks",
    tags=["tasks"],
    summary="What a scan can be asked",
    response_model=list[TaskOut],
    responses=problems(400),
)
async def list_tasks(request: Request, lang: Annotated[Lang, Query()] = "zh") -> list[TaskOut]:
    """Names, schema, and how well the engine in use supports each task."""
    service: ScanService = request.app.state.service
    return [task_out(task, service.engine.plan(task), lang) for task in service.catalogue]


@router.get(
    "/v1/tasks/{name}", tags=["tasks"], summary="One task", response_model=TaskOut, responses=problems(400, 404)
)
async def get_task(request: Request, name: str, lang: Annotated[Lang, Query()] = "zh") -> TaskOut:
    """One task by its id, Chinese or English name."""
    service: ScanService = request.app.state.service
    task = service.catalogue.find(name)
    return task_out(task, service.engine.plan(task), lang)


def _requests(submission: Submission, request: Request) -> list[ScanRequest]:
    service: ScanService = request.app.state.service
    fields = submission.fields
    task = service.catalogue.find(fields.task or DEFAULT_TASK.id)
    arrived = asyncio.get_running_loop().time()
    check_question(task, fields.question)
    spec = fields.spec(task, client_of(request))
    return [
        ScanRequest(
            scan_id=new_scan_id(),
            spec=spec,
            task=task,
            data=upload.data,
            sha256=upload.sha256,
            received_at=datetime.now(UTC),
            filename=upload.filename,
            deadline=arrived + fields.deadline_ms / 1000 if fields.deadline_ms else None,
            fresh="no-cache" in request.headers.get("cache-control", ""),
        )
        for upload in submission.uploads
    ]


async def _several(service: ScanService, asked: Sequence[ScanRequest]) -> ScanList:
    async def one(part: ScanRequest) -> Envelope | FailedPart | PixelAgentError:
        try:
            return Envelope.of(await service.scan(part))
        except ScanCancelled:
            raise
        except PixelAgentError as error:
            return error

    results = await asyncio.gather(*(one(part) for part in asked))
    errors = [result for result in results if isinstance(result, PixelAgentError)]
    if len(errors) == len(results):
        raise errors[0]
    parts = [
        FailedPart(scan_id=part.scan_id, status="failed", error=Problem.of(result))
        if isinstance(result, PixelAgentError)
        else result
        for part, result in zip(asked, results, strict=True)
    ]
    return ScanList(scan_id=new_scan_id(), status=overall_status(parts), task=asked[0].task.id, scans=parts)


def arriving(request: Request, service: ScanService, priority: Priority, *, most: int) -> Arrival:
    """Admission check by the headers, before the body is read. Raises Refused, PhotoTooLarge."""
    length = check_length(request, service.settings.photo, most=most)
    return service.admission.arriving(length, priority, client_of(request))


def _early_priority(request: Request) -> Priority:
    """The priority known before the body is read: the query's; for `/scan`, interactive is the default.

    On other paths the form can still say `bulk`, so a request is rejected this early only if a bulk scan would be
    rejected too.
    """
    given = request.query_params.get("priority")
    if given is not None:
        return scan_fields({"priority": given}, strict=True).priority
    return Priority.INTERACTIVE if request.url.path == "/scan" else Priority.BULK
