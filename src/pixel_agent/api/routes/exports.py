"""Exports: selects scans and a format, and streams the file as it is written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Annotated, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pixel_agent.api.routes.filters import scan_filter
from pixel_agent.api.routes.history import PROBLEMS
from pixel_agent.core import Task
from pixel_agent.core.errors import InvalidPhoto, NotFound, QueueFull, StoreError
from pixel_agent.core.settings import Settings
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.schemas.queries import ExportQuery
from pixel_agent.schemas.records import ExportProgressOut
from pixel_agent.service.service import ScanService
from pixel_agent.storage.corrections import ReviewRecord
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.changes import changes_of
from pixel_agent.storage.exports.coco import CocoExporter
from pixel_agent.storage.exports.csv_file import CsvExporter
from pixel_agent.storage.exports.entry import Entry, Fields, mapping, words
from pixel_agent.storage.exports.jsonl import JsonlExporter
from pixel_agent.storage.exports.progress import ExportProgress, ExportProgresses
from pixel_agent.storage.exports.report import Picture, ReportExporter
from pixel_agent.storage.exports.source import pages
from pixel_agent.storage.exports.stream import Before, opened, written
from pixel_agent.storage.exports.truth import TruthExporter
from pixel_agent.storage.exports.xlsx import XlsxExporter
from pixel_agent.storage.records import ScanFilter, ScanRecord
from pixel_agent.storage.store import Store
from pixel_agent.storage.views import scan_record
from pixel_agent.tasks import Catalogue

log = logging.getLogger("pixel_agent.storage.exports")
router = APIRouter(tags=["history"], responses=PROBLEMS)

REPORT_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The policy for the report, which a browser displays: inline style and photos only, no script, no network."""
_FILES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {
            kind.media_type.partition(";")[0]: {}
            for kind in (CsvExporter, JsonlExporter, XlsxExporter, CocoExporter, ReportExporter, TruthExporter)
        }
    }
}


class Export:
    """One export file from the storage, for HTTP and for the command line."""

    def __init__(
        self, settings: Settings, catalogue: Catalogue, store: Store, query: ExportQuery, photos: PhotoStage
    ) -> None:
        """Prepare an export. Raises UnknownTask and InvalidRequest for a bad query."""
        self._db, self._history, self._lang = store.db, store.history, query.lang
        self._wanted = scan_filter(query, catalogue)
        self.exporter = _exporter(settings, catalogue, store, query, self._wanted, photos)
        self.name = _name(query, self.exporter)

    async def total(self) -> int:
        """Number of scans in the file, as of now. Raises StoreUnavailable."""
        return await self._history.count(self._wanted)

    async def open(self, progress: ExportProgress | None = None) -> AsyncGenerator[bytes, None]:
        """The file in chunks, once the first scans have been read. Raises NotFound, StoreUnavailable."""
        try:
            await self._check_ids()
            found = pages(self._db, self._wanted, as_record)
            if progress is not None:
                found = progress.counted(found)
            found = await opened(found)
        except BaseException:
            self.exporter.close()
            raise
        return written(found, self.exporter, self._before_end())

    async def _check_ids(self) -> None:
        asked = self._wanted.scan_ids
        if not asked:
            return
        found = {one.scan_id for one in await self._history.page(ScanFilter(scan_ids=asked), None, len(asked))}
        missing = [scan_id[:32].encode("unicode_escape").decode("ascii") for scan_id in asked if scan_id not in found]
        if missing:
            raise NotFound(
                f"There is no scan {missing[0]!r}{f' (nor {len(missing) - 1} others)' if missing[1:] else ''}.",
                "It may have been deleted; GET /v1/scans lists all that are kept.",
            )

    def _before_end(self) -> Before | None:
        report = self.exporter
        if not isinstance(report, ReportExporter):
            return None

        async def compare() -> None:
            report.changes = await changes_of(self._db, report.entries, self._lang)

        return compare


@router.get(
    "/v1/exports",
    summary="Scans as a file: CSV, JSON lines, XLSX, COCO, a report to print, or a truth folder to measure with",
    response_class=StreamingResponse,
    responses=_FILES,
)
async def export(request: Request, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """Newest scans first (the report: oldest first); corrected values replace the model's.

    The answer is streamed. If an error occurs after the start, the connection is closed without a proper end, so that a
    partial file is never taken for a complete one.
    """
    service: ScanService = request.app.state.service
    slots = _slots(request)
    if slots.locked():
        raise QueueFull("As many exports as are allowed are running.", "Ask again in a moment.", retry_after_s=10)
    async with slots:
        made = Export(service.settings, service.catalogue, service.storage, query, service.photos)
        progress = None
        if query.export_id is not None:
            progress = _progresses(request).begin(query.export_id, await made.total())
        pieces = await made.open(progress)
    return _ExportResponse(made, pieces, slots, progress)


@router.get(
    "/v1/exports/{export_id}",
    summary="How far an export is",
    response_model=ExportProgressOut,
    responses={204: {"description": "No such export is known here."}},
)
async def export_progress(request: Request, export_id: str) -> Response:
    """The progress of a running or recently finished export of this process, by the `export_id` of its request."""
    found = _progresses(request).get(export_id)
    if found is None:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    body = ExportProgressOut(
        scans_done=found.scans_done, scans_total=max(found.scans_done, found.scans_total), finished=found.finished
    )
    return Response(body.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


class _ExportResponse(StreamingResponse):
    """Occupies an export slot while it is sent, and stops the export when the client disconnects."""

    def __init__(
        self,
        made: Export,
        pieces: AsyncGenerator[bytes, None],
        slots: asyncio.Semaphore,
        progress: ExportProgress | None,
    ) -> None:
        report = isinstance(made.exporter, ReportExporter)
        headers = {
            "Content-Disposition": f'{"inline" if report else "attachment"}; filename="{made.name}"',
            "Cache-Control": "no-store",
            **({"Content-Security-Policy": REPORT_POLICY} if report else {}),
        }
        super().__init__(pieces, headers=headers, media_type=made.exporter.media_type)
        self._pieces, self._slots, self._progress = pieces, slots, progress

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        async with self._slots:
            try:
                await super().__call__(scope, receive, send)
            except Exception as error:
                log.error("an export broke off: %s", error)
                raise
            finally:
                if self._progress is not None:
                    self._progress.finished = True
                await self._pieces.aclose()


def decoders(settings: Settings) -> PhotoStage:
    """The photo stage that shrinks the photos of a report, for an export without a service; the caller closes it."""
    return PhotoStage(settings.photo)


def as_record(record: ScanRecord, said: Sequence[ReviewRecord]) -> Fields:
    """A scan as `GET /v1/scans/{id}` returns it."""
    return scan_record(record, said).model_dump(mode="json")


def _exporter(
    settings: Settings, catalogue: Catalogue, store: Store, query: ExportQuery, wanted: ScanFilter, photos: PhotoStage
) -> Exporter:
    tasks: Sequence[Task] = [catalogue.find(wanted.task)] if wanted.task else list(catalogue)
    lang = query.lang if "lang" in query.model_fields_set else None
    limits = settings.exports
    makers: dict[str, Callable[[], Exporter]] = {
        "csv": lambda: CsvExporter(tasks),
        "jsonl": JsonlExporter,
        "xlsx": lambda: XlsxExporter(tasks, lang),
        "coco": CocoExporter,
        "truth": lambda: TruthExporter(tasks, store.photos.read),
        "html": lambda: ReportExporter(
            catalogue,
            _picture(settings, store, photos),
            query.lang,
            max_scans=limits.report_scans,
            max_photos=limits.report_photos,
        ),
    }
    return makers[query.format]()


def _picture(settings: Settings, store: Store, photos: PhotoStage) -> Picture:
    """A function that shrinks the photo of a scan; it blocks, so call it in a worker thread of this loop."""
    loop = asyncio.get_running_loop()

    def picture(entry: Entry) -> bytes | None:
        try:
            sha256 = words(mapping(entry.reading.get("image")).get("sha256"))
            data = store.photos.read(sha256)
            if data is None:
                return None
            shrinking = photos.jpeg(data, settings.exports.report_photo_side, sha256)
            return asyncio.run_coroutine_threadsafe(shrinking, loop).result()
        except (InvalidPhoto, StoreError):
            return None

    return picture


def _name(query: ExportQuery, exporter: Exporter) -> str:
    """The file name, such as `pixel-agent-2026-11-22.csv`; with one scan, the start of its id replaces the date."""
    about = query.scan_id[0][:12] if len(query.scan_id) == 1 else datetime.now().strftime("%Y-%m-%d")
    kind = f"-{query.format}" if query.format in ("coco", "truth") else ""
    return f"pixel-agent-{''.join(sign for sign in about if sign.isalnum() or sign == '-')}{kind}.{exporter.suffix}"


def _progresses(request: Request) -> ExportProgresses:
    state = request.app.state
    if not hasattr(state, "export_progresses"):
        state.export_progresses = ExportProgresses()
    return cast("ExportProgresses", state.export_progresses)


def _slots(request: Request) -> asyncio.Semaphore:
    """The application-wide limit of concurrent exports."""
    state = request.app.state
    if not hasattr(state, "export_slots"):
        service: ScanService = state.service
        state.export_slots = asyncio.Semaphore(service.settings.exports.at_once)
    return cast("asyncio.Semaphore", state.export_slots)
