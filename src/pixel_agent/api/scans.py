"""Scans and tasks over HTTP. A handler reads the request, asks the service, and shapes the answer; nothing else."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pixel_agent.api.uploads import ScanFields, Submission, read_form, read_json, scan_fields, unless_gone
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
_FIELDS = ScanFields.model_json_schema()["properties"]
_BINARY: dict[str, object] = {"type": "string", "format": "binary"}
_PROBLEMS: dict[int | str, dict[str, object]] = {
    code: {"model": Problem, "content": {"application/problem+json": {}}} for code in (400, 413, 415, 422, 503, 504)
}


def _body(field: str, photo: dict[str, object]) -> dict[str, object]:
    schema = {"type": "object", "properties": {field: photo, **_FIELDS}, "required": [field]}
    return {"required": True, "content": {FORM: {"schema": schema}}}


@router.post(
    "/scan",
    tags=["scans"],
    summary="Scan one photo (the contract of the first rebuild)",
    responses={200: {"model": LegacyAnswer}, 400: {"model": LegacyError}, 503: {"model": LegacyError}},
    openapi_extra={"requestBody": _body("file", _BINARY)},
)
async def legacy_scan(request: Request) -> Response:
    """One photo in `file`, one task; `result` is the reading as text, `scan` the whole envelope."""
    service: ScanService = request.app.state.service
    with service.admit(_content_length(request), _early_priority(request), _client(request)) as ticket:
        submission = await read_form(request, "file", service.settings.photo, most=1, strict=False)
        asked = _requests(submission, request)
        with service.admit_all(ticket, asked):
            scan = await unless_gone(request, service.scan(asked[0]))
    return _answer(LegacyAnswer.of(scan).model_dump_json(), scan)


@router.post(
    "/v1/scans",
    tags=["scans"],
    summary="Scan up to 8 photos",
    responses={200: {"model": Envelope | ScanList}, **_PROBLEMS},
    openapi_extra={"requestBody": _body("photos", {"type": "array", "items": _BINARY})},
)
async def create_scan(request: Request) -> Response:
    """One photo answers with its envelope; several answer with a list, in which one bad photo does not stop the rest.

    Multipart with the photos in `photos`, or JSON with `photos` in base64.
    """
    service: ScanService = request.app.state.service
    limits = service.settings.photo
    with service.admit(_content_length(request), _early_priority(request), _client(request)) as ticket:
        if request.headers.get("content-type", "").startswith("application/json"):
            submission = await read_json(request, limits, most=limits.max_photos)
        else:
            submission = await read_form(request, "photos", limits, most=limits.max_photos, strict=True)
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


def _content_length(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdigit() else None


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
