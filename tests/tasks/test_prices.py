from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Box, Code, Draft, FinishContext, Reading, Review, Row, Source, TextLine
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.prices import check_prices, gs1_price
from tests.tasks.build import COLA, TODAY, code, row, warned

PLACE = (0, 0, 200, 100)


def line(text: str, box: Box = (10, 10, 60, 30)) -> TextLine:
    left, top, right, bottom = box
    return TextLine(text, ((left, top), (right, top), (right, bottom), (left, bottom)), 0.9)


def finish(task: str, *rows: Row, lines: tuple[str | TextLine, ...] = (), codes: tuple[Code, ...] = ()) -> Reading:
    read = tuple(one if isinstance(one, TextLine) else line(one) for one in lines)
    return Catalogue().find(task).finish(Draft(rows), FinishContext(1000, 1000, TODAY, lines=read, codes=codes))


def tag(bbox: Box | None = PLACE, source: Source = Source.MODEL, **fields: JsonValue) -> Row:
    return row(bbox, source, **{"name": "可乐", "unit": "瓶", **fields})


@pytest.mark.parametrize("words", ["¥3.50", "3.50", "3.5", "售价：3元5角", "会员价 ¥3.00 原价 ¥3.50"])
def test_a_price_that_text_shows_too_is_verified_and_needs_no_review(words: str) -> None:
    [found] = finish("price_tag", tag(regular_price=3.5), lines=(words,)).items
    assert found.verified_by == (Source.TEXT,)
    assert found.review is Review.NONE
    assert found.fields["regular_price"] == 3.5


def test_a_price_that_text_contradicts_is_unclear_and_nobody_wins() -> None:
    reading = finish("price_tag", tag(regular_price=3.5, member_price=3.0), lines=("¥8.50",))
    [found] = reading.items
    assert (found.fields["regular_price"], found.fields["member_price"]) == (None, None)
    assert found.fields["price_status"] == "unclear"
    assert found.review is Review.ADVISED
    assert warned(reading) == ["price_conflict"]


@pytest.mark.parametrize("words", ["85", "500ml", "满100减20", "电话 021-12345678", "2026.11.22", "可乐"])
def test_numbers_that_are_no_prices_beyond_doubt_contradict_nothing(words: str) -> None:
    reading = finish("price_tag", tag(regular_price=3.5), lines=(words,))
    assert reading.items[0].fields["regular_price"] == 3.5
    assert not reading.items[0].verified_by
    assert not warned(reading)


def test_the_price_of_the_next_tag_says_nothing() -> None:
    reading = finish("price_tag", tag(regular_price=3.5), lines=(line("¥8.50", (210, 10, 290, 30)),))
    assert reading.items[0].fields["regular_price"] == 3.5
    assert not warned(reading)


def test_one_of_two_prices_confirmed_still_wants_a_look() -> None:
    [found] = finish("price_tag", tag(regular_price=3.5, member_price=3.0), lines=("¥3.50",)).items
    assert not found.verified_by
    assert found.review is Review.ADVISED
    assert found.fields["member_price"] == 3.0


def test_rows_that_came_from_text_do_not_confirm_themselves() -> None:
    [found] = finish("price_tag", tag(regular_price=3.5, source=Source.TEXT), lines=("¥3.50",)).items
    assert not found.verified_by


def test_text_without_a_place_counts_for_an_only_row_alone() -> None:
    assert finish("price_tag", tag(None, regular_price=3.5), lines=("¥3.50",)).items[0].verified_by
    two = finish("price_tag", tag(None, regular_price=3.5), tag(None, regular_price=8.5), lines=("¥3.50",))
    assert not any(found.verified_by for found in two.items)


@pytest.mark.parametrize(
    ("lines", "confirmed"), [(("¥3.50",), False), (("¥3.50", f"{COLA[0]} {COLA[1:7]} {COLA[7:]}"), True)]
)
def test_text_vouches_for_a_gtin_only_where_it_shows_it(lines: tuple[str, ...], confirmed: bool) -> None:
    [found] = finish("price_tag", tag(regular_price=3.5, gtin=COLA), lines=lines).items
    assert (Source.TEXT in found.verified_by) is confirmed


def test_a_gtin_and_a_price_can_be_verified_by_barcode_and_text_together() -> None:
    seen = code(COLA, (20, 50, 90, 80))
    [found] = finish("price_tag", tag(regular_price=3.5, gtin=COLA), lines=("¥3.50",), codes=(seen,)).items
    assert set(found.verified_by) == {Source.BARCODE, Source.TEXT}


@pytest.mark.parametrize(
    ("identifier", "value", "price"),
    [
        ("3922", "350", "3.50"),
        ("3932", "1561250", "12.50"),
        ("3920", "7", "7"),
        ("3902", "350", None),
        ("3922", "x", None),
        ("17", "261122", None),
    ],
)
def test_prices_in_gs1_codes(identifier: str, value: str, price: str | None) -> None:
    assert gs1_price({identifier: value}) == (None if price is None else Decimal(price))


def test_a_price_in_a_code_confirms_or_contradicts() -> None:
    weighed = code(None, (20, 50, 90, 80), ai3922="350")
    [agreed] = finish("price_tag", tag(regular_price=3.5), codes=(weighed,)).items
    assert agreed.verified_by == (Source.BARCODE,)
    reading = finish("price_tag", tag(regular_price=3.6), codes=(weighed,))
    assert reading.items[0].fields["regular_price"] is None
    assert "price_conflict" in warned(reading)


def test_a_confirmed_price_does_not_confirm_a_count() -> None:
    [priced] = finish("product_full_scan", tag(price=3.5), lines=("¥3.50",)).items
    [counted] = finish("product_full_scan", tag(price=3.5, facings=4), lines=("¥3.50",)).items
    assert (priced.review, counted.review) == (Review.NONE, Review.ADVISED)


@given(
    st.lists(st.floats(0, 1e6) | st.none() | st.text(max_size=4), max_size=3),
    st.lists(st.text(alphabet="¥0123456789.元角原价特/ ", max_size=12), max_size=4),
)
@settings(deadline=None, max_examples=100)
def test_prices_stay_or_become_null_and_never_change(prices: list[JsonValue], words: list[str]) -> None:
    rows = [row(PLACE, price=price) for price in prices]
    facts = FinishContext(1000, 1000, TODAY, lines=tuple(map(line, words)))
    checked, notices = check_prices(rows, [()] * len(rows), ("price",), facts)
    assert len(checked) == len(rows)
    for before, after in zip(rows, checked, strict=True):
        assert after.fields["price"] in (before.fields["price"], None)
    assert len(notices) == sum("price_status" in found.fields for found in checked)
