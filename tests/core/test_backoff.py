"""Pauses between attempts stay bounded, and every form of a Retry-After header is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.backoff import Backoff, retry_after_s

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.pause_s(failures) for failures in (1, 2, 3, 4, 1000)] == [0.5, 1.0, 2.0, 3.0, 3.0]


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 2000), st.floats(0, 1))
def test_pauses_vary_within_the_spread_and_stay_bounded(failures: int, chance: float) -> None:
    pause_s = Backoff(1.0, 3600.0, 0.25).pause_s(failures, chance)
    assert 0.75 <= pause_s / min(3600.0, 2.0 ** min(failures - 1, 40)) <= 1.25
    assert pause_s <= 3600.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 0.5 ", 0.5),
        ("100000", 60.0),
        (format_datetime(NOW + timedelta(seconds=7), usegmt=True), 7.0),
        (format_datetime(NOW - timedelta(seconds=7), usegmt=True), 0.0),
        (None, None),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("1e9", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, 60.0, NOW) == seconds


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=100)
def test_any_retry_after_is_a_bounded_pause_or_none(header: str) -> None:
    assert 0 <= (retry_after_s(header, 60.0, NOW) or 0.0) <= 60.0
