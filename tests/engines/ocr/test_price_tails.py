"""Small print behind a large price: its position in the line."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from pixel_agent.core import Pixels
from pixel_agent.engines.ocr.price_tails import PRICE, TAIL, find_tail


def price(figures: str, small: str = "", *, at: str = "rs", dark: bool = False) -> Pixels:
    image = Image.new("RGB", (360, 96), "navy" if dark else "white")
    draw, fill = ImageDraw.Draw(image), "white" if dark else "black"
    draw.text((20, 80), figures, fill=fill, font=ImageFont.load_default(80), anchor="ls")
    edge = draw.textbbox((20, 80), figures, font=ImageFont.load_default(80), anchor="ls")[2]
    y = 80 if at == "rs" else 36
    draw.text((edge + 12, y), small, fill=fill, font=ImageFont.load_default(26), anchor="ls")
    return np.asarray(image)


@pytest.mark.parametrize("dark", [False, True])
def test_low_writing_behind_the_figures_is_found(dark: bool) -> None:
    box = find_tail(price("36", "/kg", dark=dark))
    assert box is not None
    left, top, right, bottom = box
    assert 0.28 < left < 0.36
    assert 0.4 < top < 0.65
    assert right >= 0.4
    assert 0.8 < bottom <= 1.0


@pytest.mark.parametrize("image", [price("3690"), price("12.5"), price("36", "/kg", at="up"), price("")])
def test_figures_points_and_raised_writing_are_no_tail(image: Pixels) -> None:
    assert find_tail(image) is None


@pytest.mark.parametrize("text", ["元/斤", "/500g", "1瓶", "元／公斤", "/kg"])
def test_units_with_their_slash_are_tails(text: str) -> None:
    assert TAIL.fullmatch(text)


@pytest.mark.parametrize("text", ["", "12.80", "元", "/元", "10月", "会员价"])
def test_other_writing_is_no_tail(text: str) -> None:
    assert TAIL.fullmatch(text) is None


@pytest.mark.parametrize(
    ("text", "may"), [("¥52元", True), ("34630", True), ("会员价", False), ("6913984714730", False)]
)
def test_only_prices_have_tails(text: str, may: bool) -> None:
    assert (PRICE.fullmatch(text) is not None) == may
