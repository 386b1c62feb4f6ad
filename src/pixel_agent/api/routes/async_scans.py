"""Asynchronous scans: accepted with 202 once record and photo are on disk; the worker runs them. Cancel and rerun."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import JsonValue

from pixel_agent.api.http.clients import client_of, new_scan_id
from pixel_agent.api.http.idempotency import REPLAYED, Key, StoredAnswer, once
from pixel_agent.api.http.ids import ScanId
from pixel_agent.api.http.json_body import parse_model
from pixel_agent.api.http.problems import IDEMPOTENCY_KEY, json_body, problems
from pixel_agent.api.http.uploads import Submission, check_question, read_body
from pixel_agent.api.routes.history import fetch, whole
from pixel_agent.core import Priority, Task
from pixel_agent.core.errors import Conflict, TooManyPhotos
from pixel_agent.schemas.records import ScanRecordList, ScanRecordOut
from pixel_agent.schemas.scans import RerunIn, ScanFields
from pixel_agent.service.service import ScanService
from pixel_agent.storage.records import NewScan, ScanRecord, now_ms
from pixel_agent.tasks import DEFAULT_TASK
from pixel_agent.tasks.options import check_options

router = APIRouter(prefix="/v1/scans", tags=["scans"])
_PROBLEMS = problems(400, 404, 409, 422, 503, 507)
APPLIED: Final = {"Preference-Applied": "respond-async"}


def wants_async(request: Request) -> bool:
    """Whether the client asks for an asynchronous answer, `Prefer: respond-async` (RFC 7240)."""
    given = ",".join(request.headers.getlist("prefer"))
    return any(re.split(r"[;=]", part)[0].strip().lower() == "respond-async" for part in given.split(","))


def check_later(service: ScanService, task: Task, options: dict[str, JsonValue], question: str | None) -> None:
    """Reject a scan that would fail when it runs. Raises TaskUnsupported, InvalidRequest, TooManyPhotos."""
    if task.photos != 1:
        raise TooManyPhotos(
            f"{task.id} takes {task.photos} photos and is answered at once only.",
            "Send it without 'Prefer: respond-async', or compare two recorded scans with GET /v1/compare.",
        )
    service.plan(task)
    check_options(task, options)
    check_question(task, question)


def task_for_later(service: ScanService, fields: ScanFields) -> Task:
    """The task that the fields name. Raises UnknownTask, and the errors of `check_later`."""
    task = service.catalogue.find(fields.task or DEFAULT_TASK.id)
    check_later(service, task, fields.options, fields.question)
    return task


async def accept(service: ScanService, request: Request, submission: Submission) -> Response:
    """Store the scans of a request durably and answer 202, or replay the first answer to its Idempotency-Key.

    Raises the error of a bad photo, a bad field or a failed store; then nothing of the request is stored.
    """
    fields = submission.fields
    task = task_for_later(service, fields)
    photos = await service.persistence.ingest.keep_all([(upload.data, upload.sha256) for upload in submission.uploads])
    key = Key.of(request, fields, [photo.sha256 for photo in photos], later=True)
    received_at = now_ms()
    spec = fields.spec(task, client_of(request))
    if "priority" not in fields.model_fields_set:  # a client that asks for an asynchronous answer is not waiting for it
        spec = replace(spec, priority=Priority.NORMAL)
    new = [
        NewScan(
            scan_id=new_scan_id(),
            origin="async",
            spec=spec,
            received_at=received_at,
            photo=photo,
            filename=upload.filename,
            deadline_at=received_at + fields.deadline_ms if fields.deadline_ms else None,
        )
        for upload, photo in zip(submission.uploads, photos, strict=True)
    ]
    return await _accepted(service, new, key)


@router.post("/{scan_id}/cancel", name="cancel_scan", summary="Cancel a scan that has not ended", responses=_PROBLEMS)
async def cancel(request: Request, scan_id: ScanId) -> ScanRecordOut:
    """Cancel a queued or running scan; the response comes once the scan has ended. A cancelled scan stays as it is."""
    service: ScanService = request.app.state.service
    await service.persistence.worker.cancel(scan_id)
    record = await whole(service, scan_id)
    if record.status != "cancelled":
        raise Conflict(f"The scan has ended already: {record.status}.", "Read it, or delete it.")
    return record


@router.post(
    "/{scan_id}/rerun",
    name="rerun_scan",
    status_code=202,
    summary="Read the photo of a scan again, later",
    response_model=ScanRecordOut,
    responses=_PROBLEMS,
    openapi_extra={"parameters": [IDEMPOTENCY_KEY], **json_body(RerunIn, required=False)},
)
async def rerun(request: Request, scan_id: ScanId) -> Response:
    """Create a new scan of the same photo, with `rerun_of`; corrections of the old scan are copied where they fit."""
    service: ScanService = request.app.state.service
    changes = await _changes(request, service)
    old = await fetch(service, scan_id, document=False)
    task = service.catalogue.find(changes.task or old.spec.task)
    options = dict(old.spec.options) if changes.options is None else changes.options
    if changes.options is None and task.id != old.spec.task:
        options = {}
    check_later(service, task, options, old.spec.question)
    key = Key.of(request, changes, [])
    return await _accepted(service, [_again(old, task, options, client_of(request))], key)


def _again(old: ScanRecord, task: Task, options: dict[str, JsonValue], client: str) -> NewScan:
    if old.photo is None or old.photo.removed_at is not None:
        raise Conflict("The photo of this scan is not kept any more.", "Send the photo again.")
    return NewScan(
        scan_id=new_scan_id(),
        origin="async",
        spec=replace(old.spec, task=task.id, options=options, priority=Priority.NORMAL, client=client),
        received_at=now_ms(),
        photo=old.photo,
        filename=old.filename,
        rerun_of=old.scan_id,
    )


async def _accepted(service: ScanService, new: Sequence[NewScan], key: Key | None) -> Response:
    answer = StoredAnswer("scans", 202, tuple(scan.scan_id for scan in new))
    first = await once(service, key, answer, lambda conn: service.persistence.ingest.add(conn, new))
    if first is not None:
        return first.response() if first.form == "body" else await _response(service, first.ids, REPLAYED)
    service.persistence.worker.wake()
    return await _response(service, answer.ids, {})


async def _response(service: ScanService, scan_ids: Sequence[str], headers: dict[str, str]) -> Response:
    outs = [await whole(service, scan_id) for scan_id in scan_ids]
    body = outs[0] if len(outs) == 1 else ScanRecordList(scans=outs)
    where = f"/v1/scans/{scan_ids[0]}" if len(outs) == 1 else f"/v1/scans?{_query(scan_ids)}"
    headers = {"Location": where, **APPLIED, **headers}
    return Response(body.model_dump_json(), 202, headers, media_type="application/json")


def _query(scan_ids: Sequence[str]) -> str:
    return "&".join(f"scan_id={scan_id}" for scan_id in scan_ids)


async def _changes(request: Request, service: ScanService) -> RerunIn:
    body = await read_body(request, service.settings, most=0)
    return await parse_model(RerunIn, body or b"{}", "Send a JSON object with task, options, both or nothing.")
