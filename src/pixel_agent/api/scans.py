"""Scans and tasks over HTTP. A handler reads the request, asks the service, and shapes the answer; nothing else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from pixel_agent.admission import Ticket
from pixel_agent.api.uploads import (
    ScanBody,
    ScanFields,
    Submission,
    check_length,
    is_json,
    read_form,
    read_json,
    scan_fields,
    unless_gone,
)
from pixel_agent.api.wire import (
    Envelope,
    FailedPart,
    LegacyAnswer,
    LegacyError,
    Problem,
    ScanList,
    TaskOut,
    overall_status,
    server_timing,
)
from pixel_agent.core import Lang, Priority, Scan, ScanRequest
from pixel_agent.errors import InvalidRequest, PixelAgentError, ScanCancelled
from pixel_agent.service import ScanService
from pixel_agent.tasks import DEFAULT_TASK

router = APIRouter()

FORM = "multipart/form-data"
PARK_AFTER_S = 1.0
"""An upload that takes longer stands in nobody's way meanwhile."""
_BINARY: dict[str, object] = {"type": "string", "format": "binary"}
_PROBLEM: dict[str, object] = {"application/problem+json": {}}
_STATES = (400, 408, 413, 415, 422, 502, 503, 504)
_PROBLEMS: dict[int | str, dict[str, object]] = {code: {"model": Problem, "content": _PROBLEM} for code in _STATES}
_LEGACY_ERRORS: dict[int | str, dict[str, object]] = {code: {"model": LegacyError} for code in _STATES}


def _form(field: str, photo: dict[str, object]) -> dict[str, object]:
    properties = {field: photo, **_inlined(ScanFields)["properties"]}
    return {FORM: {"schema": {"type": "object", "properties": properties, "required": [field]}}}


def _inlined(model: type[BaseModel]) -> dict[str, dict[str, object]]:
    """A model's JSON Schema without references, which would point nowhere inside a request body."""
    schema = model.model_json_schema(ref_template="{model}")
    parts = schema.pop("$defs", {})

    def resolve(node: object) -> object:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve({**parts[node["$ref"]], **{k: v for k, v in node.items() if k != "$ref"}})
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(value) for value in node] if isinstance(node, list) else node

    parts["JsonValue"] = {}
    return cast("dict[str, dict[str, object]]", resolve(schema))


_PHOTOS: dict[str, object] = {"type": "array", "items": _BINARY}
_JSON: dict[str, object] = {"application/json": {"schema": _inlined(ScanBody)}}


@router.post(
    "/scan",
    tags=["scans"],
    summary="Scan one photo (the contract of the first rebuild)",
    responses={200: {"model": LegacyAnswer}, **_LEGACY_ERRORS},
    openapi_extra={"requestBody": {"required": True, "content": _form("file", _BINARY)}},
)
async def legacy_scan(request: Request) -> Response:
    """One photo in `file`, one task; `result` is the reading as text, `scan` the whole envelope."""
    service: ScanService = request.app.state.service
    with _admitted(request, service, most=1) as ticket:
        submission = await read_form(request, "file", service.settings, most=1, strict=False)
        asked = _requests(submission, request)
        with service.admit_all(ticket, asked):
            scan = await unless_gone(request, service.scan(asked[0]))
    return _answer(LegacyAnswer.of(scan).model_dump_json(), scan)


@router.post(
    "/v1/scans",
    tags=["scans"],
    summary="Scan up to 8 photos",
    responses={200: {"model": Envelope | ScanList}, **_PROBLEMS},
    openapi_extra={"requestBody": {"required": True, "content": {**_form("photos", _PHOTOS), **_JSON}}},
)
async def create_scan(request: Request) -> Response:
    """One photo answers with its envelope; several answer with a list, in which one bad photo does not stop the rest.

    Multipart with the photos in `photos`, or JSON with `photos` in base64.
    """
    service: ScanService = request.app.state.service
    most = service.settings.photo.max_photos
    with _admitted(request, service, most=most) as ticket:
        if is_json(request):
            submission = await read_json(request, service.settings, most=most)
        else:
            submission = await read_form(request, "photos", service.settings, most=most, strict=True)
        asked = _requests(submission, request)
        with service.admit_all(ticket, asked):
            if asked[0].task.photos > 1:
                scan = await unless_gone(request, service.compare(asked))
            elif len(asked) == 1:
                scan = await unless_gone(request, service.scan(asked[0]))
            else:
                return await _several(request, service, asked)
    return _answer(Envelope.of(scan).model_dump_json(), scan)


@router.get("/v1/tasks", tags=["tasks"], summary="What a scan can be asked", response_model=list[TaskOut])
async def list_tasks(request: Request, lang: Annotated[Lang, Query()] = "zh") -> list[TaskOut]:
    """Names, schema, and how well the engine in use answers each task."""
    service: ScanService = request.app.state.service
    return [TaskOut.of(task, service.engine.plan(task), lang) for task in service.catalogue]


@router.get("/v1/tasks/{name}", tags=["tasks"], summary="One task", response_model=TaskOut, responses=_PROBLEMS)
async def get_task(request: Request, name: str, lang: Annotated[Lang, Query()] = "zh") -> TaskOut:
    """By id, Chinese or English name."""
    service: ScanService = request.app.state.service
    task = service.catalogue.find(name)
    return TaskOut.of(task, service.engine.plan(task), lang)


def _requests(submission: Submission, request: Request) -> list[ScanRequest]:
    service: ScanService = request.app.state.service
    fields = submission.fields
    task = service.catalogue.find(fields.task or DEFAULT_TASK.id)
    arrived = asyncio.get_running_loop().time()
    if task.needs_question and not (fields.question or "").strip():
        raise InvalidRequest(f"The task {task.id} needs a question.", "Send it in the field 'question'.")
    return [
        ScanRequest(
            scan_id=new_scan_id(),
            data=upload.data,
            filename=upload.filename,
            task=task,
            received_at=datetime.now(UTC),
            question=fields.question,
            store_id=fields.store_id,
            priority=fields.priority,
            deadline=arrived + fields.deadline_ms / 1000 if fields.deadline_ms else None,
            lang=fields.lang,
            force=fields.force,
            fresh="no-cache" in request.headers.get("cache-control", ""),
            options=fields.options,
            client=_client(request),
        )
        for upload in submission.uploads
    ]


def new_scan_id() -> str:
    """A new id that nobody guesses."""
    return uuid.uuid4().hex


async def _several(request: Request, service: ScanService, asked: list[ScanRequest]) -> Response:
    async def one(part: ScanRequest) -> Envelope | FailedPart | PixelAgentError:
        try:
            return Envelope.of(await service.scan(part))
        except ScanCancelled:
            raise
        except PixelAgentError as error:
            return error

    async def all_of_them() -> list[Envelope | FailedPart | PixelAgentError]:
        return list(await asyncio.gather(*(one(part) for part in asked)))

    results = await unless_gone(request, all_of_them())
    errors = [result for result in results if isinstance(result, PixelAgentError)]
    if len(errors) == len(results):
        raise errors[0]
    parts = [
        FailedPart(scan_id=part.scan_id, status="failed", error=Problem.of(result))
        if isinstance(result, PixelAgentError)
        else result
        for part, result in zip(asked, results, strict=True)
    ]
    answer = ScanList(scan_id=new_scan_id(), status=overall_status(parts), task=asked[0].task.id, scans=parts)
    return Response(answer.model_dump_json(exclude_none=False), media_type="application/json")


def _answer(body: str, scan: Scan) -> Response:
    return Response(body, media_type="application/json", headers={"Server-Timing": server_timing(scan.timings)})


@contextmanager
def _admitted(request: Request, service: ScanService, *, most: int) -> Iterator[Ticket]:
    """Come in before the body is read. An upload that takes long is not counted as a scan until it is here."""
    length = check_length(request, service.settings.photo, most=most)
    with service.admit(length, _early_priority(request), _client(request)) as ticket:
        slow = asyncio.get_running_loop().call_later(PARK_AFTER_S, ticket.park)
        try:
            yield ticket
        finally:
            slow.cancel()


def _early_priority(request: Request) -> Priority:
    """The priority as far as it is known before the body: that of the query, and `/scan` is interactive by default.

    Elsewhere the form may still say `bulk`, so only what would refuse even a bulk scan refuses before the body is read.
    """
    given = request.query_params.get("priority")
    if given is not None:
        return scan_fields({"priority": given}, strict=True).priority
    return Priority.INTERACTIVE if request.url.path == "/scan" else Priority.BULK


def _client(request: Request) -> str:
    return request.client.host if request.client else ""
