"""Raised decimals, found in the ink of a line."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pixel_agent.core import Pixels
from pixel_agent.engines.ocr.raised_figures import count_raised, unread_part, with_cents, with_point


def price(large: str, small: str, *, lower: int = 0, dark: bool = False) -> Pixels:
    image = Image.new("RGB", (300, 96), "navy" if dark else "white")
    draw, fill = ImageDraw.Draw(image), "white" if dark else "black"
    draw.text((20, 84), large, fill=fill, font=ImageFont.load_default(80), anchor="ls")
    edge = draw.textbbox((20, 84), large, font=ImageFont.load_default(80), anchor="ls")
    draw.text((edge[2] + 6, edge[1] + lower), small, fill=fill, font=ImageFont.load_default(40), anchor="lt")
    return np.asarray(image.resize((150, 48)))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("large", "small"), [("36", "90"), ("8", "80"), ("342", "9"), ("3", "42")])
def test_raised_decimals_get_their_point(large: str, small: str, dark: bool) -> None:
    assert with_point(large + small, price(large, small, dark=dark)) == f"{large}.{small}"


def test_a_sign_is_not_counted_with_the_figures() -> None:
    assert with_point("¥36", price("36", "90")) == "¥36"
    assert with_point("¥3690", price("36", "90")) == "¥36.90"


def test_figures_on_the_line_and_figures_of_one_size_stay_whole() -> None:
    assert count_raised(price("36", "90", lower=32), 4) == 0
    assert with_point("3690", price("3690", "")) == "3690"


def test_a_line_whose_edge_cuts_the_next_figure_stays_as_read() -> None:
    assert with_point("36", price("36", "9")) == "36"


def test_superscripts_come_down_to_the_line() -> None:
    assert with_point("28⁶1", np.full((48, 90, 3), 255, np.uint8)) == "28.61"


@pytest.mark.parametrize("text", ["12.80", "会员价", "5", ""])
def test_other_texts_are_left_alone(text: str) -> None:
    assert with_point(text, price("36", "90")) == text


def test_a_shadow_over_the_decimals_hides_no_point() -> None:
    image = price("16", "08").astype(np.float32)
    image[:, 100:] *= 0.45
    assert with_point("1608", image.astype(np.uint8)) == "16.08"


def test_the_unit_that_stands_low_behind_the_decimals_stays() -> None:
    image = Image.fromarray(price("17", "57"))
    ImageDraw.Draw(image).rectangle((92, 34, 100, 44), fill="black")
    assert with_point("¥1757元", np.asarray(image)) == "¥17.57元"


def test_a_zero_read_as_an_ordinal_sign_is_a_raised_figure() -> None:
    assert with_point("¥15º⁸", np.full((48, 90, 3), 255, np.uint8)) == "¥15.08"


def test_raised_figures_that_the_text_lacks_are_found() -> None:
    found = unread_part("¥170", price("17", "88"))
    assert found is not None
    before, count, (left, top, right, bottom) = found
    assert (before, count) == ("¥17.", 2)
    assert 0.3 < left < right < 0.75
    assert -0.1 <= top < bottom < 0.75


@pytest.mark.parametrize("text", ["1788", "17.8", "会员价", "17888"])
def test_nothing_lacks_where_text_and_ink_agree_or_no_figures_are(text: str) -> None:
    assert unread_part(text, price("17", "88")) is None


def test_raised_figures_read_alone_complete_a_price() -> None:
    assert with_cents("¥170", "¥17.", 2, "OO") == "¥17.00"


@pytest.mark.parametrize(("text", "cents"), [("46", "46"), ("¥170", "0"), ("¥170", "元"), ("¥170", "")])
def test_decimals_in_a_line_of_their_own_and_other_writing_complete_nothing(text: str, cents: str) -> None:
    assert with_cents(text, "4.", 2, cents) is None
