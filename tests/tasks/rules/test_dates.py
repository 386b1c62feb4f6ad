"""Dates and durations in the forms that labels print."""

from __future__ import annotations

import calendar
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reading.date_forms import DURATIONS, FORMS, NOT_DATES, TODAY
from pixel_agent.tasks.rules.dates import Duration, find_dates, parse_date, parse_duration, parse_gs1_date

NEAR = st.dates(date(2017, 1, 1), date(2041, 12, 31))


@pytest.mark.parametrize(("text", "iso", "kind"), FORMS)
def test_written_forms_are_read(text: str, iso: str, kind: str | None) -> None:
    assert [(mention.date.isoformat(), mention.kind) for mention in find_dates(text, TODAY)] == [(iso, kind)]


@pytest.mark.parametrize("text", NOT_DATES)
def test_impossible_dates_and_other_numbers_are_refused(text: str) -> None:
    assert find_dates(text, TODAY) == []


@pytest.mark.parametrize(("text", "expected"), DURATIONS)
def test_shelf_lives_are_durations(text: str, expected: tuple[int, int] | None) -> None:
    assert parse_duration(text) == (Duration(*expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("生产日期:20260822保质期至:20270821", [("2026-08-22", "production"), ("2027-08-21", "expiry")]),
        ("生产日期/保质期至: 20260822/20270821", [("2026-08-22", "production"), ("2027-08-21", "expiry")]),
        ("MFG 22/08/2026 EXP 22/08/2027", [("2026-08-22", "production"), ("2027-08-22", "expiry")]),
        ("2026.08.22 生产 2027.08.22 到期", [("2026-08-22", "production"), ("2027-08-22", "expiry")]),
        ("消費期限 26.11.22 製造 26.11.20", [("2026-11-22", "use_by"), ("2026-11-20", "production")]),
        ("有效期:2026.08.22至2027.08.22", [("2026-08-22", None), ("2027-08-22", "expiry")]),
        ("2026-11-20~2026-11-30", [("2026-11-20", None), ("2026-11-30", None)]),
        ("GB/T 23596-2009 生产日期:20260822", [("2026-08-22", "production")]),
        ("MFD 08/2026 EXP 08/2028", [("2026-08-01", "production"), ("2028-08-31", "expiry")]),
    ],
)
def test_several_dates_in_a_line_keep_their_own_words(text: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(mention.date.isoformat(), mention.kind) for mention in find_dates(text, TODAY)] == expected


@pytest.mark.parametrize(
    ("text", "ambiguous"),
    [
        ("05/06/2026", True),
        ("22/11/2026", False),
        ("06/06/2026", False),
        ("2026-05-06", False),
        ("EXP 11/26", True),
        ("EXP 05/06/27", True),
        ("EXP (DD/MM/YY) 05/06/27", False),
        ("26.11.22", False),
    ],
)
def test_readings_that_could_be_swapped_are_flagged(text: str, ambiguous: bool) -> None:
    assert [mention.ambiguous for mention in find_dates(text, TODAY)] == [ambiguous]


def test_a_month_alone_ends_where_goods_end_and_begins_where_they_begin() -> None:
    assert [m.date.isoformat() for m in find_dates("EXP 02/2028", TODAY)] == ["2028-02-29"]
    assert [m.date.isoformat() for m in find_dates("生产日期 2028年2月", TODAY)] == ["2028-02-01"]
    assert [m.precision for m in find_dates("NOV 2026", TODAY)] == ["month"]


def test_the_window_can_be_set() -> None:
    assert parse_date("2019-11-22", TODAY) == date(2019, 11, 22)
    assert parse_date("2019-11-22", TODAY, window=(2, 5)) is None


def test_a_text_with_two_different_dates_states_no_one_date() -> None:
    assert parse_date("2026-11-22 2026-11-23", TODAY) is None
    assert parse_date("2026-11-22 (2026.11.22)", TODAY) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("261122", date(2026, 11, 22)),
        ("261100", date(2026, 11, 30)),
        ("280200", date(2028, 2, 29)),
        ("760101", date(2076, 1, 1)),
        ("770101", date(1977, 1, 1)),
        ("261322", None),
        ("260230", None),
        ("260000", None),
        ("26112", None),
        ("2611220", None),
        ("26I122", None),
    ],
)
def test_gs1_dates_follow_the_century_rule(value: str, expected: date | None) -> None:
    assert parse_gs1_date(value, TODAY) == expected


@pytest.mark.parametrize(
    ("duration", "start", "end"),
    [
        (Duration(6), date(2026, 8, 31), date(2027, 2, 28)),
        (Duration(12), date(2028, 2, 29), date(2029, 2, 28)),
        (Duration(1), date(2026, 12, 31), date(2027, 1, 31)),
        (Duration(0, 7), date(2026, 12, 28), date(2027, 1, 4)),
        (Duration(1, 15), date(2026, 1, 31), date(2026, 3, 15)),
    ],
)
def test_months_are_added_in_the_calendar_and_clamped(duration: Duration, start: date, end: date) -> None:
    assert duration.after(start) == end


@settings(deadline=None, max_examples=100)
@given(
    day=NEAR,
    form=st.sampled_from(
        [
            "%Y%m%d",
            "%Y.%m.%d",
            "%Y/%m/%d",
            "%Y-%m-%d",
            "%Y年%m月%d日",
            "%d %b %Y",
            "EXP %d%b%Y",
            "生产日期:%Y %m %d",
            "%B %d, %Y",
        ]
    ),
)
def test_any_day_comes_back_from_any_unmistakable_form(day: date, form: str) -> None:
    text = day.strftime(form)
    (mention,) = find_dates(text, TODAY)
    assert mention.date == day
    assert text[mention.start : mention.end] == mention.raw


@settings(deadline=None, max_examples=100)
@given(text=st.text(st.sampled_from("0123456789OIl./-:年月日 期生产保质至EXPNOV¥元令和个"), max_size=40))
def test_mentions_lie_in_the_window_in_order_and_never_overlap(text: str) -> None:
    mentions = find_dates(text, TODAY)
    assert all(TODAY.year - 10 <= mention.date.year <= TODAY.year + 15 for mention in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))
    assert all(mention.raw == text[mention.start : mention.end] for mention in mentions)
    parse_duration(text)


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=60))
def test_any_text_is_survived(text: str) -> None:
    find_dates(text, TODAY, labelled=True)
    parse_duration(text)


@settings(deadline=None, max_examples=100)
@given(year=st.integers(2016, 2041), month=st.integers(1, 12), over=st.integers(1, 9))
def test_days_past_the_end_of_a_month_are_refused(year: int, month: int, over: int) -> None:
    day = calendar.monthrange(year, month)[1] + over
    for text in (f"{year}-{month:02}-{day}", f"{year}年{month}月{day}日", f"{year}{month:02}{day}"):
        assert find_dates(text, TODAY) == []


@settings(deadline=None, max_examples=100)
@given(start=NEAR, months=st.integers(0, 120))
def test_adding_months_keeps_the_day_or_clamps_it(start: date, months: int) -> None:
    end = Duration(months).after(start)
    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day == min(start.day, calendar.monthrange(end.year, end.month)[1])
