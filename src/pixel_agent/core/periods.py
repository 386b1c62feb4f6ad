"""Start and length of a shop's days and weeks, in milliseconds UTC. Pure; for the history and its statistics."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Literal, TypeAlias

Bucket: TypeAlias = Literal["day", "week"]

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
_MONDAY = 4 * DAY_MS
"""1970 began on a Thursday; its first Monday was the 5th."""


def local_offset_min() -> int:
    """This machine's current offset from UTC, in minutes."""
    offset = datetime.now(UTC).astimezone().utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)


def bucket_ms(bucket: Bucket) -> int:
    """Length of a day or a week, in milliseconds."""
    return DAY_MS if bucket == "day" else 7 * DAY_MS


def start_of(at_ms: int, bucket: Bucket, offset_min: int) -> int:
    """Start (ms UTC) of the day, or of the week from Monday, that contains a moment."""
    first = (_MONDAY if bucket == "week" else 0) - offset_min * MINUTE_MS
    return at_ms - (at_ms - first) % bucket_ms(bucket)


def day_ms(day: date, offset_min: int) -> int:
    """Start of a calendar day, in milliseconds UTC."""
    return (day.toordinal() - date(1970, 1, 1).toordinal()) * DAY_MS - offset_min * MINUTE_MS
