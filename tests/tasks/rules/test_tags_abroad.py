"""Tags of any country: currency, comparison prices, doubt and Latin names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from pydantic import JsonValue

from pixel_agent.core import TextLine
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.tag_names import looks_like_name
from pixel_agent.tasks.rules.tags import read_price_tags


def test_a_price_for_comparison_is_given_apart() -> None:
    row = read_price_tags(page_of(["Joghurt", ("0,99 €", 70), "100 g = 0,66 €"])).items[0]
    assert (row.fields["regular_price"], row.fields["unit_price"], row.fields["unit_price_per"]) == (0.99, 0.66, "100g")


def test_currency_is_null_where_nothing_tells_it_and_the_shops_own_where_that_is_set() -> None:
    page = page_of(["Milk", ("12.90", 70)])
    assert read_price_tags(page).items[0].fields["currency"] is None
    assert read_price_tags(replace(page, options={"currency": "NOK"})).items[0].fields["currency"] == "NOK"


def test_a_point_that_cannot_be_seen_is_never_a_hundredfold_price() -> None:
    draft = read_price_tags(page_of(["SALT", ("6800", 70)]))
    assert (draft.items[0].fields["regular_price"], draft.items[0].confidence) == (68.0, 0.3)
    assert [notice.code for notice in draft.warnings] == ["price_doubtful"]
    assert read_price_tags(page_of(["PESTO", ("590", 70)])).items[0].fields["regular_price"] is None


def page_of(lines: Sequence[str | tuple[str, int]]) -> Page:
    """Lines one under the other, each with the height of its letters."""
    placed, y = [], 10.0
    for one in lines:
        text, height = one if isinstance(one, tuple) else (one, 20)
        right = 10 + 0.55 * height * len(text)
        placed.append(TextLine(text, ((10.0, y), (right, y), (right, y + height), (10.0, y + height)), 0.95))
        y += 1.3 * height
    return Page(tuple(placed), 2000, 2000, date(2026, 11, 22), "en")


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        (["Nutella", ("4,99 €", 70), "statt 6,49 €"], {"regular_price": 6.49, "sale_price": 4.99, "currency": "EUR"}),
        (["Milk", ("£1.50", 70), "Clubcard Price £1.20"], {"regular_price": 1.5, "member_price": 1.2}),
        (["Yoghurt", ("3 för 30:-", 70), "12,90/st"], {"regular_price": 12.9, "sale_price": None}),
        (["Cola", ("1,09 €", 70), "+ Pfand 0,25 €"], {"regular_price": 1.09, "currency": "EUR"}),
        (["牛乳 1000ml", ("¥198", 70), "税込 ¥213"], {"regular_price": 198, "currency": "JPY"}),
        (["豚こま肉", ("100g当り 128円", 70), "(税込138円)"], {"regular_price": 128, "unit": "100g"}),
        (["Fish and Chips £13.50"], {"name": "Fish and Chips", "regular_price": 13.5, "currency": "GBP"}),
        ([("Chocolate", 30), "Net 100g", "Origin: France", ("¥ 26.52", 70)], {"spec": "100g", "currency": "CNY"}),
    ],
)
def test_a_tag_of_another_country_is_read(lines: Sequence[str | tuple[str, int]], fields: dict[str, JsonValue]) -> None:
    (row,) = read_price_tags(page_of(lines)).items
    assert {name: row.fields[name] for name in fields} == fields


def test_words_inside_words_do_not_make_a_heading() -> None:
    assert all(looks_like_name(text) for text in ("Photo Frame", "Hot Chili Sauce", "Store Brand Flour", "Newtons"))
    assert not any(
        looks_like_name(text) for text in ("SPECIAL OFFER", "HOT PRICE", "Net 100g", "Angebot", "СЫР СЛИВОЧНЫЙ")
    )
