"""Routes of batches: upload photos, follow the progress, cancel, and retry failed scans."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.api.http.batch_upload import Received, only_fields, receive
from pixel_agent.api.http.clients import client_of, new_scan_id
from pixel_agent.api.http.idempotency import REPLAYED, Key, StoredAnswer, once
from pixel_agent.api.http.ids import BatchId
from pixel_agent.api.http.json_body import explain
from pixel_agent.api.http.problems import IDEMPOTENCY_KEY, problems
from pixel_agent.api.http.sse import EventStream, Write, error_event, event
from pixel_agent.api.http.uploads import query_fields, without_empty
from pixel_agent.api.routes.async_scans import task_for_later
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.batches import BatchFields, BatchOut, BatchPage, RefusedPhoto
from pixel_agent.service.service import ScanService
from pixel_agent.storage import batches
from pixel_agent.storage.batches import BatchRecord, NewBatch
from pixel_agent.storage.records import NewScan, now_ms
from pixel_agent.storage.views import batch_out, scan_summary

PACE_S: Final = 0.1
"""Minimum time between two reads of a batch that changes; changes in between are published together."""
MAX_SEQ: Final = 2**63
_REFUSED: Final = TypeAdapter(list[RefusedPhoto])
_FILES: dict[str, object] = {"type": "array", "items": {"type": "string", "format": "binary"}}
_TEXT: dict[str, object] = {"type": "string"}
_FORM: dict[str, object] = {"photos": _FILES, "archive": {"type": "string", "format": "binary"}}
_ASKED: dict[str, object] = dict.fromkeys(
    ("name", "task", "question", "store_id", "priority", "lang", "force", "options", "open"), _TEXT
)

router = APIRouter(prefix="/v1/batches", tags=["batches"], responses=problems(400, 404, 409, 413, 415, 422, 503, 507))


def _body(properties: dict[str, object]) -> dict[str, object]:
    schema = {"type": "object", "properties": properties}
    content = {"multipart/form-data": {"schema": schema}}
    return {"parameters": [IDEMPOTENCY_KEY], "requestBody": {"required": True, "content": content}}


@router.post(
    "",
    name="create_batch",
    status_code=202,
    summary="Hand in many photos",
    openapi_extra=_body({**_FORM, **_ASKED}),
)
async def create(request: Request, response: Response) -> BatchOut:
    """Send photos in `photos`, a ZIP archive in `archive`, or both. The response comes once all of them are on disk.

    Photos that cannot be accepted are listed in `refused` and do not stop the others. With an `Idempotency-Key`, a
    repeated request creates only one batch.
    """
    service: ScanService = request.app.state.service
    received = await receive(request, service)
    fields = _fields({**query_fields(request), **received.fields})
    new = _new(service, fields, client_of(request))
    if not (fields.open or received.photos):
        raise _nothing(received)

    async def work(conn: AsyncConnection) -> None:
        await batches.create(conn, new)
        await _add(conn, service, new, received)

    key = Key.of(request, fields, received.content)
    return await _taken(service, response, key, _answer(202, new.batch_id, received), work)


@router.post("/{batch_id}/photos", name="add_photos", summary="Add photos to an open batch", openapi_extra=_body(_FORM))
async def add(request: Request, response: Response, batch_id: BatchId) -> BatchOut:
    """A photo that the batch already contains, with the same bytes and file name, is not added again."""
    service: ScanService = request.app.state.service
    await _get(service, batch_id)
    received = await receive(request, service)
    only_fields(received.fields)

    async def work(conn: AsyncConnection) -> None:
        await batches.expect_open(conn, batch_id)
        await _add(conn, service, await batches.get(conn, batch_id), received)

    key = Key.of(request, BatchFields(), received.content)
    return await _taken(service, response, key, _answer(200, batch_id, received), work)


@router.post("/{batch_id}/close", name="close_batch", summary="Say that no more photos come")
async def close(request: Request, batch_id: BatchId) -> BatchOut:
    """Close the batch: no more photos can be added. A closed batch is left unchanged."""
    service: ScanService = request.app.state.service
    await service.storage.batches.close(batch_id)
    return await _changed(service, batch_id)


@router.post("/{batch_id}/cancel", name="cancel_batch", summary="End what has not ended")
async def cancel(request: Request, batch_id: BatchId) -> BatchOut:
    """Cancel the batch's queued and running scans. Finished readings stay."""
    service: ScanService = request.app.state.service
    await service.persistence.worker.cancel_batch(batch_id)
    return _out(await _get(service, batch_id))


@router.post("/{batch_id}/retry", name="retry_batch", summary="Scan again what failed")
async def retry(request: Request, batch_id: BatchId) -> BatchOut:
    """Run failed and expired scans again, under the same ids."""
    service: ScanService = request.app.state.service
    await service.storage.batches.retry(batch_id)
    return await _changed(service, batch_id)


@router.get("", summary="Batches, newest first")
async def list_batches(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,19}$")] = None,
) -> BatchPage:
    """One page of the batches; `next` is the cursor of the following page."""
    service: ScanService = request.app.state.service
    before = None if cursor is None else min(int(cursor), MAX_SEQ - 1)
    found = await service.storage.batches.page(before, limit + 1)
    more = str(found[limit - 1].seq) if len(found) > limit else None
    return BatchPage(batches=[_out(record) for record in found[:limit]], next=more)


@router.get("/{batch_id}", name="get_batch", summary="One batch")
async def get(request: Request, batch_id: BatchId) -> BatchOut:
    """The progress of one batch. GET /v1/scans?batch_id= lists its scans."""
    return _out(await _get(request.app.state.service, batch_id))


@router.get(
    "/{batch_id}/events",
    name="follow_batch",
    summary="What happens in a batch, live",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def tell(request: Request, batch_id: BatchId, after: Annotated[int, Query(ge=0, lt=MAX_SEQ)] = 0) -> EventStream:
    """Server-sent events: `scan` for each scan that ended, `progress`, and finally `done`.

    Each `scan` has an id; a client that reconnects with `Last-Event-ID` (or `after`) gets each scan exactly once.
    """
    service: ScanService = request.app.state.service
    given = request.headers.get("last-event-id", "")
    if given.isdecimal() and int(given) < MAX_SEQ:
        after = int(given)
    await _get(service, batch_id)
    return EventStream(partial(_told, service, batch_id, after), error_event)


async def _told(service: ScanService, batch_id: str, after: int, write: Write) -> None:
    write("retry: 1000\n\n")
    shown: BatchOut | None = None
    with service.storage.notifier.listening(batch_id) as changed:
        while not service.admission.draining:
            news = await service.storage.batches.news(batch_id, after)
            after, record = news.after, news.record
            for seq, scan in news.ended:
                write(event("scan", scan_summary(scan).model_dump_json(), seq))
            out = _out(record)
            if not news.more:
                if record.final:
                    write(event("done", out.model_dump_json(), after))
                    return
                if shown is None or out.model_copy(update={"eta_s": shown.eta_s}) != shown:
                    shown = out
                    write(event("progress", out.model_dump_json()))
                await asyncio.sleep(PACE_S)
                await changed(service.settings.asynchronous.poll_s)


def _fields(given: dict[str, str]) -> BatchFields:
    try:
        return BatchFields.model_validate(without_empty(BatchFields, given, strict=True))
    except ValidationError as error:
        accepted = ", ".join(name for name in BatchFields.model_fields if name != "deadline_ms")
        raise InvalidRequest(explain(error), f"Accepted fields: {accepted}.") from None


def _new(service: ScanService, fields: BatchFields, client: str) -> NewBatch:
    return NewBatch(
        batch_id=uuid.uuid4().hex,
        spec=fields.spec(task_for_later(service, fields), client),
        created_at=now_ms(),
        name=fields.name,
        open=fields.open,
    )


async def _add(conn: AsyncConnection, service: ScanService, batch: NewBatch | BatchRecord, received: Received) -> None:
    at = now_ms()
    new = [
        NewScan(
            scan_id=new_scan_id(),
            origin="async",
            spec=batch.spec,
            received_at=at,
            photo=kept.photo,
            filename=kept.filename,
        )
        for kept in received.photos
    ]
    await batches.add(conn, batch.batch_id, new, service.settings.batches.max_photos)
    await service.persistence.ingest.check_there([kept.photo for kept in received.photos])


def _answer(status: int, batch_id: str, received: Received) -> StoredAnswer:
    return StoredAnswer("batch", status, (batch_id,), _REFUSED.dump_json(received.refused).decode())


async def _taken(
    service: ScanService,
    response: Response,
    key: Key | None,
    answer: StoredAnswer,
    work: Callable[[AsyncConnection], Awaitable[None]],
) -> BatchOut:
    """Store the upload, or replay the answer to the first request with this key."""
    first = await once(service, key, answer, work)
    if first is not None:
        answer = first
        response.headers.update(REPLAYED)
    (batch_id,) = answer.ids
    service.persistence.worker.wake()
    service.storage.notifier.notify(batch_id)
    response.headers["Location"] = f"/v1/batches/{batch_id}"
    return _out(await _get(service, batch_id), _REFUSED.validate_json(answer.body))


async def _changed(service: ScanService, batch_id: str) -> BatchOut:
    """Wake the workers and the subscribers of the batch; returns its current state."""
    service.persistence.worker.wake()
    service.storage.notifier.notify(batch_id)
    return _out(await _get(service, batch_id))


async def _get(service: ScanService, batch_id: str) -> BatchRecord:
    return await service.storage.batches.get(batch_id)


def _out(record: BatchRecord, refused: Sequence[RefusedPhoto] = ()) -> BatchOut:
    return batch_out(record, batches.eta_s(record, now_ms()), refused)


def _nothing(received: Received) -> InvalidRequest:
    if not received.refused:
        return InvalidRequest("No photo came.", "Send photos in 'photos', or a ZIP archive in 'archive'.")
    first = received.refused[0]
    return InvalidRequest(
        f"None of the {len(received.refused)} files was taken; {first.filename[:60] or 'the first'}: {first.error.detail}",
        first.error.advice,
    )
