"""Before and after: compares two recorded scans, or two visits of a store."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pixel_agent.api.http.ids import check_id
from pixel_agent.api.routes.history import PROBLEMS
from pixel_agent.core import Lang
from pixel_agent.core.envelope import Envelope, NoticeOut, RowOut
from pixel_agent.core.errors import Conflict, InvalidRequest, NotFound, UnknownTask
from pixel_agent.core.periods import DAY_MS, day_ms, local_offset_min
from pixel_agent.schemas.comparison import CompareQuery, ComparisonOut
from pixel_agent.service.service import ScanService
from pixel_agent.storage.records import ScanFilter
from pixel_agent.storage.views import reading_of, scan_summary
from pixel_agent.storage.visits import READ, ReadScan, Visit
from pixel_agent.tasks.compare_visits import Difference, compare_visits, latest_visits

router = APIRouter(tags=["compare"], responses=PROBLEMS)

MAX_PHOTOS = 100
"""Maximum photos of one visit; if there are more, the newest are compared."""
LOOK_BACK = 250
"""Number of recent scans that are searched for the latest two visits."""


@router.get("/v1/compare", summary="Before and after")
async def compare(request: Request, query: Annotated[CompareQuery, Query()]) -> ComparisonOut:
    """Compare two scans of one task (`before`, `after`), or two visits of a store for a task.

    The two visits are the latest two, or those of two given days. Corrected values replace the model's. Deleted photos
    are not needed.
    """
    service: ScanService = request.app.state.service
    ids = query.before is not None or query.after is not None
    before, after, left_out = await (_two_scans if ids else _two_visits)(service, query)
    _check_task(service, before.records[0].spec.task)
    difference = await asyncio.to_thread(_compared, before, after, query.lang)
    return _answer(before, after, left_out, difference)


def _compared(before: Visit, after: Visit, lang: Lang) -> Difference:
    return compare_visits(_envelopes(before), _envelopes(after), lang)


def _envelopes(visit: Visit) -> list[Envelope]:
    found = (reading_of(record, visit.reviews.get(record.seq, ())) for record in visit.records)
    return [envelope for envelope in found if envelope is not None]


async def _two_scans(service: ScanService, query: CompareQuery) -> tuple[Visit, Visit, int]:
    if query.before is None or query.after is None:
        raise InvalidRequest("Only one scan is named.", "Give both `before` and `after`, or `store_id` and `task`.")
    if any((query.store_id, query.task, query.before_day, query.after_day)):
        raise InvalidRequest("Scans are named, and visits too.", "Give `before` and `after`, or `store_id` and `task`.")
    if query.before == query.after:
        raise InvalidRequest("Both are the same scan.", "Name two different scans of one task.")
    before, after = await _one(service, query.before), await _one(service, query.after)
    if before.records[0].spec.task != after.records[0].spec.task:
        raise InvalidRequest(
            f"The scans are of two tasks, {before.records[0].spec.task} and {after.records[0].spec.task}.",
            "Name two scans of one task.",
        )
    return before, after, 0


async def _one(service: ScanService, scan_id: str) -> Visit:
    check_id(scan_id)
    record, said = await service.storage.history.with_reviews(scan_id)
    if record.document is None or record.status not in READ:
        raise Conflict(
            f"Scan {scan_id} is {record.status.value} and has nothing to compare.",
            "Compare scans that are completed or partial.",
        )
    return Visit([record], {record.seq: said})


async def _two_visits(service: ScanService, query: CompareQuery) -> tuple[Visit, Visit, int]:
    if not query.store_id or not query.task:
        raise InvalidRequest(
            "Nothing says what to compare.", "Give `before` and `after` (ids of scans), or `store_id` and `task`."
        )
    days = (query.before_day, query.after_day)
    if days[0] and days[1] and days[0] >= days[1]:
        raise InvalidRequest("`before_day` is not before `after_day`.", "Exchange them, or leave them out.")
    wanted = ScanFilter(task=service.catalogue.find(query.task).id, store_id=query.store_id)
    offset = local_offset_min() if query.utc_offset_min is None else query.utc_offset_min
    after = await _visit(service, _within(wanted, query.after_day, offset), whole_day=query.after_day is not None)
    if query.before_day is None:
        wanted = replace(wanted, until=min(one.record.received_at for one in after))
    before = await _visit(service, _within(wanted, query.before_day, offset), whole_day=query.before_day is not None)
    left_out = sum(max(0, len(visit) - MAX_PHOTOS) for visit in (before, after))
    return await _loaded(service, before), await _loaded(service, after), left_out


def _within(wanted: ScanFilter, day: date | None, offset_min: int) -> ScanFilter:
    if day is None:
        return wanted
    start = day_ms(day, offset_min)
    return replace(wanted, since=start, until=start + DAY_MS)


async def _visit(service: ScanService, wanted: ScanFilter, *, whole_day: bool) -> list[ReadScan]:
    """The scans of the latest visit, or of a whole day. Raises NotFound."""
    found = await service.storage.history.read_scans(wanted, LOOK_BACK)
    if not found:
        raise NotFound(
            f"There is no {'other ' if wanted.until and not wanted.since else ''}visit of this store for {wanted.task} with "
            "a reading.",
            "Scans of a store count as one visit until nothing came for an hour; GET /v1/scans?store_id=…&task=… lists them.",
        )
    return found if whole_day else latest_visits(found, lambda one: one.record.received_at, 1)[0]


async def _loaded(service: ScanService, visit: Sequence[ReadScan]) -> Visit:
    return await service.storage.history.visit([one.reading_id for one in visit[:MAX_PHOTOS]])


def _check_task(service: ScanService, name: str) -> None:
    """Reject a task that itself compares several photos: two of its readings cannot be compared."""
    try:
        task = service.catalogue.find(name)
    except UnknownTask:
        return  # the task is no longer in the catalogue
    if task.photos > 1:
        raise InvalidRequest(f"Scans of {task.id} cannot be compared.", "Compare the scans that it was made of.")


def _answer(before: Visit, after: Visit, left_out: int, found: Difference) -> ComparisonOut:
    return ComparisonOut(
        before=scan_summary(before.records[0]),
        after=scan_summary(after.records[0]),
        before_scans=[record.scan_id for record in before.records],
        after_scans=[record.scan_id for record in after.records],
        task=after.records[0].spec.task,
        resolved=[RowOut.of(row) for row in found.resolved],
        remaining=[RowOut.of(row) for row in found.remaining],
        new=[RowOut.of(row) for row in found.new],
        counts=found.counts,
        summary=found.summary,
        left_out=left_out,
        warnings=[NoticeOut.of(notice) for notice in found.warnings],
    )
