"""Whole shelves: rails of numbers are price tags, print on goods is not, and distant tags are reported."""

from __future__ import annotations

from datetime import date

from pixel_agent.core import TextLine
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.tags import read_price_tags

Placed = tuple[str, float, float, float, float]


def line(text: str, left: float, top: float, width: float, height: float) -> TextLine:
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    return TextLine(text, corners, 0.95)


def page(*placed: Placed, width: int = 1920, height: int = 1080, unread: tuple[TextLine, ...] = ()) -> Page:
    return Page(tuple(line(*one) for one in placed), width, height, date(2026, 11, 22), "en", {}, unread)


def rail(top: float, *prices: str, start: float = 100.0, step: float = 220.0) -> list[Placed]:
    return [(price, start + index * step, top, 19.0 * len(price), 36.0) for index, price in enumerate(prices)]


def test_a_bare_number_on_a_rail_is_a_price() -> None:
    goods: list[Placed] = [("チョコレート", 300, 250, 260, 80), ("30袋", 900, 260, 40, 22), ("12食", 600, 255, 64, 33)]
    draft = read_price_tags(page(*rail(400, "129", "99", "239"), *goods, *rail(700, "199", "12", "279")))
    assert [row.fields["regular_price"] for row in draft.items] == [129, 99, 239, 199, 12, 279]
    assert {row.fields["currency"] for row in draft.items} == {"JPY"}


def test_small_print_over_a_number_is_its_name() -> None:
    names: list[Placed] = [("つぶつぶチョコ", 60, 372, 110, 16), ("アポロ", 300, 372, 60, 16)]
    draft = read_price_tags(page(*names, *rail(400, "129", "99", "239", "199")))
    assert [row.fields["name"] for row in draft.items] == ["つぶつぶチョコ", "アポロ", None, None]


def test_a_number_that_goods_hide_in_part_has_no_price() -> None:
    hidden: Placed = ("49", 1000, 400, 52, 36)
    draft = read_price_tags(page(*rail(400, "149", "149", "189", "199"), hidden))
    assert [row.fields["regular_price"] for row in draft.items] == [149, 149, 189, 199, None]
    assert [notice.code for notice in draft.warnings] == ["not_understood"]


def test_a_number_that_the_edge_cuts_is_left_out() -> None:
    draft = read_price_tags(page(*rail(400, "149", "149", "189", "199"), ("9", 1901, 400, 19, 36)))
    assert len(draft.items) == 4


def test_a_point_that_no_other_price_has_was_not_printed() -> None:
    draft = read_price_tags(page(*rail(400, "299", "17.9", "499", "129")))
    assert [row.fields["regular_price"] for row in draft.items] == [299, None, 499, 129]


def test_a_receipt_is_no_shelf() -> None:
    rows: list[Placed] = []
    for index, (name, price) in enumerate(
        [("Vollmilch", "1,19"), ("Brot", "2,49"), ("Pfand", "0,25"), ("Kaffee", "5,99")]
    ):
        rows += [
            (name, 30, 100 + 60 * index, 160, 30),
            ("1", 300, 100 + 60 * index, 15, 30),
            (price, 450, 100 + 60 * index, 60, 30),
        ]
    currencies = {row.fields["currency"] for row in read_price_tags(page(*rows, width=560, height=620)).items}
    assert currencies <= {None}


def test_tags_that_are_too_small_are_said_so() -> None:
    far = [(f"{price}", 60.0 + 90 * index, 400.0, 24.0, 12.0) for index, price in enumerate((5862, 5868, 5868))]
    unread = tuple(line("", 60.0 + 90 * index, 500.0, 24.0, 12.0) for index in range(4))
    draft = read_price_tags(page(*far, unread=unread))
    assert (draft.items, [notice.code for notice in draft.warnings]) == ((), ["tags_too_small"])


def test_a_notice_of_words_is_no_far_shelf() -> None:
    words = [("In case of fire leave by the stairs", 60.0, 60.0 + 20 * index, 250.0, 15.0) for index in range(9)]
    assert read_price_tags(page(*words)).warnings == ()
