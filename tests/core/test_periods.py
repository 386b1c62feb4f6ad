"""Days and weeks as a shop has them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.periods import Bucket, bucket_ms, day_ms, start_of
from pixel_agent.storage.records import millis, moment

BEIJING = 8 * 60


def test_a_day_in_beijing_begins_at_four_in_the_afternoon_utc() -> None:
    late = millis(datetime(2026, 11, 22, 17, tzinfo=UTC))
    assert moment(start_of(late, "day", BEIJING)) == datetime(2026, 11, 22, 16, tzinfo=UTC)
    assert day_ms(date(2026, 11, 23), BEIJING) == start_of(late, "day", BEIJING)


def test_a_week_begins_on_monday() -> None:
    sunday = millis(datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert moment(start_of(sunday, "week", 0)) == datetime(2026, 11, 16, tzinfo=UTC)


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["day", "week"]), st.integers(-14 * 60, 14 * 60))
def test_buckets_begin_at_midnight_there_and_hold_their_moments(at: int, bucket: Bucket, offset: int) -> None:
    start = start_of(at, bucket, offset)
    assert start <= at < start + bucket_ms(bucket)
    there = moment(start).astimezone(timezone(timedelta(minutes=offset)))
    assert (there.hour, there.minute, there.second) == (0, 0, 0)
    assert bucket == "day" or there.weekday() == 0
