"""Untrusted text from photos: every rule answers in linear time and invents no price, whatever the text."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.core import Draft, TextLine
from pixel_agent.engines.ocr.engine import READERS
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.prices import bare_amount, find_prices
from pixel_agent.tasks.rules.tag_names import looks_like_name

LONG = 10_000
HOSTILE = (
    "9" * 400,
    "1e308",
    "€" * LONG,
    "9," * (LONG // 2),
    "1.234" * (LONG // 5),
    " " * LONG,
    "价" * LONG,
    "新鲜直达" * (LONG // 4) + "x",
    "price list " * (LONG // 11) + "9",
    "3 for " * (LONG // 6),
    "pfand " * (LONG // 6),
    "save £" * (LONG // 6),
    "100g = " * (LONG // 7),
    "¥" * LONG + "1",
    "\u202e\u200f12,99 €\u202c" * (LONG // 12),
    "١٢٫٩٩",
    "१२.९९",
    "１２" * (LONG // 2),
    "(" * LONG,
    "0" * LONG,
    "kr." * (LONG // 3),
    "-–—" * (LONG // 3),
)


def page(*texts: str) -> Page:
    lines = tuple(
        TextLine(text, ((10.0, y), (400.0, y), (400.0, y + 30), (10.0, y + 30)), 0.9)
        for y, text in ((40.0 * index, text) for index, text in enumerate(texts))
    )
    return Page(lines, 800, 600, date(2026, 11, 22), "en")


@pytest.mark.parametrize("task", sorted(READERS))
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_line_is_survived_in_every_rule(task: str, text: str) -> None:
    start = time.process_time()
    assert isinstance(READERS[task](page("Milk", text, "12.90")), Draft)
    assert time.process_time() - start < 5.0


@pytest.mark.parametrize("text", ["9" * 400, "1e308", "١٢٫٩٩", "१२.९९", "0" * LONG, "€" * LONG])
def test_a_hostile_line_has_no_price(text: str) -> None:
    assert find_prices(text) == []
    assert bare_amount(text) is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert all(0 < price.amount < 1_000_000_000 for price in find_prices(text))
    assert bare_amount(text) is None or bare_amount(text) is not None
    assert looks_like_name(text) in (True, False)
