"""Shops (`stores` on the wire): the list, and one shop over time."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pixel_agent.api.routes.history import PROBLEMS
from pixel_agent.core.errors import InvalidRequest, NotFound
from pixel_agent.core.periods import Bucket, bucket_ms, local_offset_min, start_of
from pixel_agent.schemas.shops import (
    BucketOut,
    ChangeOut,
    ShopLineOut,
    ShopList,
    ShopOut,
    ShopQuery,
    TallyOut,
    TopicOut,
)
from pixel_agent.service.service import ScanService
from pixel_agent.storage import overview
from pixel_agent.storage.overview import Overview, Period, Tally
from pixel_agent.storage.records import Topic, millis, moment, now_ms

router = APIRouter(prefix="/v1/stores", tags=["stores"], responses=PROBLEMS)

MAX_BUCKETS = 400
USUAL_BUCKETS = {"day": 30, "week": 12}
"""Default length of an overview, in buckets."""


@router.get("", summary="All stores")
async def list_stores(request: Request) -> ShopList:
    """Every store named in a scan, at most 1000."""
    service: ScanService = request.app.state.service
    lines = await service.storage.history.shops()
    return ShopList(stores=[ShopLineOut(**{**asdict(line), "last_at": moment(line.last_at)}) for line in lines])


@router.get("/{store_id:path}", summary="A store over time")
async def get_store(request: Request, store_id: str, query: Annotated[ShopQuery, Query()]) -> ShopOut:
    """By day or week: scans, findings, alerts, the most frequent topics, and the change from the previous period."""
    service: ScanService = request.app.state.service
    offset = local_offset_min() if query.utc_offset_min is None else query.utc_offset_min
    period = _period(query, offset)
    if not store_id or len(store_id) > 200 or "\x00" in store_id:
        raise NotFound("No store has such a name.", "GET /v1/stores lists all.")
    now, before = await service.storage.history.shop(store_id, period)
    return _shop(store_id, query.bucket, offset, period, now, before)


def _period(query: ShopQuery, offset_min: int) -> Period:
    """The requested period in whole days or weeks. Raises InvalidRequest."""
    width = bucket_ms(query.bucket)
    last = start_of(millis(query.until) - 1 if query.until else now_ms(), query.bucket, offset_min)
    usual = last - (USUAL_BUCKETS[query.bucket] - 1) * width
    first = start_of(millis(query.since), query.bucket, offset_min) if query.since else usual
    period = Period(first, last + width, width)
    if not 0 < len(period.starts) <= MAX_BUCKETS:
        raise InvalidRequest(
            f"From `since` to `until` are {max(0, len(period.starts))} {query.bucket}s.",
            f"Accepted are 1 to {MAX_BUCKETS}; `bucket=week` reaches further.",
        )
    return period


def _shop(shop_id: str, bucket: Bucket, offset: int, period: Period, now: Overview, before: Overview) -> ShopOut:
    total, previous = _total(now.total), _total(before.total)
    return ShopOut(
        store_id=shop_id,
        since=moment(period.since),
        until=moment(period.until),
        bucket=bucket,
        utc_offset_min=offset,
        total=total,
        previous=previous,
        change=ChangeOut(
            scans=total.scans - previous.scans,
            findings=total.findings - previous.findings,
            alerts=total.alerts - previous.alerts,
            advised=total.advised - previous.advised,
            completed_share=_less(total.completed_share, previous.completed_share),
            readable_share=_less(total.readable_share, previous.readable_share),
        ),
        buckets=[
            BucketOut(start=moment(start), **_tally(tally))
            for start, tally in zip(period.starts, now.buckets, strict=True)
        ],
        top=_top(now.topics, before.topics),
    )


def _total(tally: Tally) -> TallyOut:
    return TallyOut.model_validate(_tally(tally))


def _tally(tally: Tally) -> dict[str, object]:
    said = asdict(tally)
    said["by_severity"] = said.pop("severities")
    said["completed_share"] = _share(tally.completed, tally.scans)
    said["readable_share"] = _share(tally.scans - tally.retake_required, tally.scans)
    return said


def _top(topics: list[Topic], before: list[Topic]) -> list[TopicOut]:
    earlier = {topic[:3]: topic.number for topic in before}
    return [
        TopicOut(
            kind=topic.kind,
            label=topic.label,
            severity=topic.severity or None,
            number=topic.number,
            previous=earlier.get(topic[:3], 0),
        )
        for topic in topics[: overview.TOP]
    ]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else round(one - other, 4)
