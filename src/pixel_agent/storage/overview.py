"""Shop overviews: scans, findings and frequent topics of a period, and of the period before. Read by the API."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Integer, Select, and_, case, exists, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Review, Status
from pixel_agent.storage.records import Topic
from pixel_agent.storage.tables import scan_topics, scans, topics

UNRATED = "unrated"
"""The key under which findings without a severity are counted."""
TOP = 20
MAX_SHOPS = 1000


@dataclass(frozen=True, slots=True)
class ShopLine:
    """A shop in the list. `last_at` is milliseconds UTC."""

    store_id: str
    scans: int
    last_at: int
    findings: int
    alerts: int
    advised: int


@dataclass(slots=True)
class Tally:
    """Counts over the scans of a time span. `findings`: rows of readings; `severities`: problems per severity."""

    scans: int = 0
    completed: int = 0
    partial: int = 0
    retake_required: int = 0
    failed: int = 0
    findings: int = 0
    alerts: int = 0
    advised: int = 0
    severities: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the counts of another tally to this one."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for severity, number in other.severities.items():
            self.severities[severity] = self.severities.get(severity, 0) + number


@dataclass(frozen=True, slots=True)
class Period:
    """Times in milliseconds UTC: from `since` to before `until`, in buckets of `bucket_ms` that begin at `since`."""

    since: int
    until: int
    bucket_ms: int

    @property
    def before(self) -> Period:
        """The period of the same length that ends where this one begins."""
        return Period(self.since - (self.until - self.since), self.since, self.bucket_ms)

    @property
    def starts(self) -> list[int]:
        """Start of each bucket, in milliseconds UTC."""
        return list(range(self.since, self.until, self.bucket_ms))


@dataclass(frozen=True, slots=True)
class Overview:
    """A shop over a period: a tally per bucket, and the topics of its findings and alerts, most frequent first."""

    buckets: list[Tally]
    topics: list[Topic]

    @property
    def total(self) -> Tally:
        """The tally of the whole period."""
        total = Tally()
        for bucket in self.buckets:
            total.add(bucket)
        return total


# In the order of `Tally`.
_STATES = (
    (Status.COMPLETED.value,),
    (Status.PARTIAL.value,),
    (Status.RETAKE_REQUIRED.value,),
    (Status.FAILED.value, Status.EXPIRED.value),
)
_SUMMED = ("scans", "completed", "partial", "retake_required", "failed", "findings", "alerts", "advised")


async def all_shops(conn: AsyncConnection) -> list[ShopLine]:
    """All shops that scans name, the last scanned first."""
    query = (
        select(
            scans.c.store_id,
            func.count(),
            func.max(scans.c.received_at).label("last_at"),
            func.sum(scans.c.findings),
            func.sum(scans.c.alerts),
            func.sum(_one_where(scans.c.review == Review.ADVISED.value)),
        )
        .where(scans.c.store_id.is_not(None))
        .group_by(scans.c.store_id)
        .order_by(func.max(scans.c.received_at).desc())
        .limit(MAX_SHOPS)
    )
    return [ShopLine(str(row[0]), *(int(number) for number in row[1:])) for row in await conn.execute(query)]


async def of_shop(conn: AsyncConnection, shop_id: str, period: Period) -> tuple[Overview, Overview]:
    """Overview of a shop for a period and for the period before; empty without scans."""
    whole = Period(period.before.since, period.until, period.bucket_ms)
    half = len(period.starts)
    buckets = [Tally() for _ in whole.starts]
    for sums in await conn.execute(_tallies(shop_id, whole)):
        bucket = buckets[int(sums[0])]
        for name, number in zip(_SUMMED, sums[1:], strict=True):
            setattr(bucket, name, int(number))
    before: Counter[tuple[str, str, str]] = Counter()
    now: Counter[tuple[str, str, str]] = Counter()
    for number, kind, label, severity, count in await conn.execute(_topics(shop_id, whole)):
        if kind == "finding":
            name = severity or UNRATED
            rated = buckets[int(number)].severities
            rated[name] = rated.get(name, 0) + int(count)
        (before if number < half else now)[kind, label, severity] += int(count)
    return Overview(buckets[half:], _most_frequent(now)), Overview(buckets[:half], _most_frequent(before))


async def known(conn: AsyncConnection, shop_id: str) -> bool:
    """Whether any scan names this shop."""
    return bool((await conn.execute(select(exists().where(scans.c.store_id == shop_id)))).scalar_one())


def _tallies(shop_id: str, period: Period) -> Select[*tuple[int, ...]]:
    bucket = _bucket(period)
    return (
        select(
            bucket,
            func.count(),
            *(func.sum(_one_where(scans.c.status.in_(states))) for states in _STATES),
            func.sum(scans.c.findings),
            func.sum(scans.c.alerts),
            func.sum(_one_where(scans.c.review == Review.ADVISED.value)),
        )
        .where(_within(shop_id, period))
        .group_by(bucket)
    )


def _topics(shop_id: str, period: Period) -> Select[int, str, str, str, int]:
    bucket, about = _bucket(period), scan_topics.c
    counted = (
        select(bucket, about.topic, func.sum(about.number).label("number"))
        .join(scans, scans.c.seq == about.seq)
        .where(_within(shop_id, period))
        .group_by(bucket, about.topic)
        .subquery("counted")
    )
    told = counted.join(topics, topics.c.topic == counted.c.topic)
    return select(counted.c.bucket, topics.c.kind, topics.c.label, topics.c.severity, counted.c.number).select_from(
        told
    )


def _bucket(period: Period) -> ColumnElement[int]:
    # Literals, not parameters: PostgreSQL would not see that the selected and the grouped expression are the same.
    since, width = literal_column(str(period.since), Integer), literal_column(str(period.bucket_ms), Integer)
    return ((scans.c.received_at - since) // width).label("bucket")


def _within(shop_id: str, period: Period) -> ColumnElement[bool]:
    at = scans.c.received_at
    return and_(scans.c.store_id == shop_id, at >= period.since, at < period.until)


def _one_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _most_frequent(topics: Mapping[tuple[str, str, str], int]) -> list[Topic]:
    counted: Iterable[Topic] = (
        Topic("alert" if kind == "alert" else "finding", label, severity, number)
        for (kind, label, severity), number in topics.items()
    )
    return sorted(counted, key=lambda topic: (-topic.number, topic))
