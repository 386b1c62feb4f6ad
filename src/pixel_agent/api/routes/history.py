"""Recorded scans: the filtered list, one scan, its photo, thumbnail and annotated photo."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response

from pixel_agent.api.http.ids import ScanId
from pixel_agent.api.http.problems import pictures, problems
from pixel_agent.api.http.uploads import cancel_on_disconnect
from pixel_agent.api.routes.filters import scan_filter
from pixel_agent.core import Row
from pixel_agent.core.envelope import Envelope
from pixel_agent.core.errors import InvalidPhoto, NotFound, PhotoGone
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.schemas.queries import ListQuery
from pixel_agent.schemas.records import ScanPage, ScanRecordOut
from pixel_agent.service.service import ScanService
from pixel_agent.storage.records import PhotoRecord, Position, ScanRecord
from pixel_agent.storage.views import reading_of, scan_record, scan_summary

PROBLEMS = problems(400, 404, 409, 503)
_UNCHANGED: dict[int | str, dict[str, object]] = {304: {"description": "Unchanged."}}
_JPEG = {**pictures("image/jpeg"), **_UNCHANGED}
_PHOTO = {**pictures("image/*"), **_UNCHANGED}

router = APIRouter(tags=["history"], responses=PROBLEMS)

HEAD_BYTES = 4096
"""Bytes at the start of a photo from which its type is detected."""
FRESH = {"Cache-Control": "private, no-cache"}
"""Browsers can cache it, but revalidate it each time."""
KEPT = {"Cache-Control": "private, max-age=3600"}
"""A photo never changes; one hour, so that a deleted photo soon disappears from caches."""
# A photo opened as a page must not run anything, whatever type it claims.
_INERT = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


@router.get("/v1/scans", summary="The history, newest first", response_model=ScanPage)
async def list_scans(request: Request, query: Annotated[ListQuery, Query()]) -> Response:
    """One page of the history; `next` leads to the following page. New scans do not shift the pages."""
    service: ScanService = request.app.state.service
    wanted = scan_filter(query, service.catalogue)
    after = Position.parse(query.cursor) if query.cursor else None
    found = await service.storage.history.page(wanted, after, query.limit + 1)
    shown = found[: query.limit]
    page = ScanPage(
        scans=[scan_summary(record) for record in shown],
        next=str(shown[-1].position) if len(found) > query.limit else None,
    )
    return Response(page.model_dump_json(), media_type="application/json", headers=FRESH)


@router.get("/v1/scans/{scan_id}", summary="One scan", response_model=ScanRecordOut)
async def get_scan(
    request: Request,
    scan_id: ScanId,
    wait_s: Annotated[float, Query(ge=0, le=60, description="Wait so long for a final status.")] = 0,
) -> Response:
    """The whole record; corrections are applied to its reading."""
    service: ScanService = request.app.state.service
    if wait_s:
        waiting = service.storage.history.until_final(scan_id, wait_s, lambda: service.admission.draining)
        await cancel_on_disconnect(request, waiting)
    return record_answer(await whole(service, scan_id))


@router.delete("/v1/scans/{scan_id}", status_code=204, summary="Delete a scan", response_class=Response)
async def delete_scan(request: Request, scan_id: ScanId) -> Response:
    """Delete a scan with its reading and reviews; its photo too, unless another scan uses it."""
    service: ScanService = request.app.state.service
    await service.storage.history.delete(scan_id)
    return Response(status_code=204)


@router.get("/v1/scans/{scan_id}/photo", summary="The photo as it came", response_class=Response, responses=_PHOTO)
async def get_photo(request: Request, scan_id: ScanId) -> Response:
    """The original bytes, with the media type detected from them."""
    service: ScanService = request.app.state.service
    record = await fetch(service, scan_id, document=False)
    photo = _photo(record)
    tag = f'"{photo.sha256}"'
    if unchanged(request, tag):
        return _not_modified(tag, KEPT)
    head = await asyncio.to_thread(_head, service, photo.sha256)
    if head is None:
        raise _gone("is missing from the data folder")
    return FileResponse(
        service.storage.photos.path(photo.sha256),
        media_type=_type_of(head),
        filename=record.filename or None,
        content_disposition_type="inline",
        headers={**KEPT, **_INERT, "ETag": tag},
    )


@router.get(
    "/v1/scans/{scan_id}/thumbnail", summary="The photo, small and upright", response_class=Response, responses=_JPEG
)
async def get_thumbnail(
    request: Request,
    scan_id: ScanId,
    size: Annotated[int, Query(ge=64, le=2048, description="Longer side, in pixels.")] = 320,
) -> Response:
    """A JPEG, whatever the format of the photo."""
    service: ScanService = request.app.state.service
    photo = _photo(await fetch(service, scan_id, document=False))
    tag = f'"{photo.sha256[:40]}-{size}"'
    if unchanged(request, tag):
        return _not_modified(tag, KEPT)
    picture = service.pictures.kept(photo.sha256, size)
    if picture is None:
        picture = await service.pictures.thumbnail(await _bytes(service, photo), photo.sha256, size)
    return Response(picture, media_type="image/jpeg", headers={**KEPT, **_INERT, "ETag": tag})


@router.get(
    "/v1/scans/{scan_id}/annotated",
    summary="The photo with what was found drawn on it",
    response_class=Response,
    responses=_JPEG,
)
async def get_annotated(request: Request, scan_id: ScanId) -> Response:
    """A JPEG, its longer side at most 2048 pixels; corrected values are drawn instead of the model's."""
    service: ScanService = request.app.state.service
    record, said = await service.storage.history.with_reviews(scan_id)
    photo = _photo(record)
    reading = await asyncio.to_thread(reading_of, record, said)
    if reading is None:
        raise NotFound("This scan has no reading to draw.", f"GET /v1/scans/{scan_id} shows its status.")
    tag = f'"{_digest(photo.sha256, scan_id, *(f"{one.id}.{one.undone_at}" for one in said))}"'
    if unchanged(request, tag):
        return _not_modified(tag, FRESH)
    picture = await service.pictures.annotated(await _bytes(service, photo), _drawn(reading))
    return Response(picture, media_type="image/jpeg", headers={**FRESH, **_INERT, "ETag": tag})


async def fetch(service: ScanService, scan_id: str, *, document: bool = True) -> ScanRecord:
    """Load one scan. Raises NotFound."""
    return await service.storage.history.get(scan_id, document=document)


async def whole(service: ScanService, scan_id: str) -> ScanRecordOut:
    """One scan with its reviews, as the API returns it. Raises NotFound."""
    record, said = await service.storage.history.with_reviews(scan_id)
    return scan_record(record, said)


def record_answer(record: ScanRecordOut, status: int = 200) -> Response:
    """A scan as a JSON response."""
    return Response(record.model_dump_json(), status, FRESH, media_type="application/json")


def unchanged(request: Request, tag: str) -> bool:
    """Whether the client's copy is current: weak comparison of `If-None-Match` (RFC 9110, 13.1.2)."""
    asked = request.headers.get("if-none-match", "")
    return asked.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in asked.split(",")]


def _photo(record: ScanRecord) -> PhotoRecord:
    if record.photo is None:
        raise _gone("was never here")
    if record.photo.removed_at is not None:
        raise _gone("was not kept, or was deleted to make room")
    return record.photo


def _gone(what: str) -> PhotoGone:
    return PhotoGone(f"The photo of this scan {what}.", "Its reading is still there: GET the scan itself.")


async def _bytes(service: ScanService, photo: PhotoRecord) -> bytes:
    data = await asyncio.to_thread(service.storage.photos.read, photo.sha256)
    if data is None:
        raise _gone("is missing from the data folder")
    return data


def _type_of(head: bytes) -> str:
    """The media type detected from the bytes; a failed scan's upload is not always a photo."""
    try:
        return media_type_of(head)
    except InvalidPhoto:
        return "application/octet-stream"


def _head(service: ScanService, sha256: str) -> bytes | None:
    try:
        with service.storage.photos.path(sha256).open("rb") as file:
            return file.read(HEAD_BYTES)
    except FileNotFoundError:
        return None


def _drawn(reading: Envelope) -> list[Row]:
    """The rows in this photo; a comparison's resolved rows were in the other photo."""
    rows = [row.as_row() for row in (*reading.items, *reading.findings)]
    return [row for row in rows if row.fields.get("change") != "resolved"]


def _digest(*parts: str) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _not_modified(tag: str, caching: Mapping[str, str]) -> Response:
    return Response(status_code=304, headers={"ETag": tag, **caching})
