"""Finds the small text after a large price: `元/斤` in a line of tall figures is too low to be read with them.

Used by `text_reader`. Input: pixels; output: the area to read again. No neural network runs here.
"""

from __future__ import annotations

import re
from typing import Final

import cv2
import numpy as np

from pixel_agent.core import Pixels

PRICE: Final = re.compile(r"[¥￥夫羊]?\s*\d{1,6}(?:[.。,]\s?\d{0,2})?\s*(?:\D.{0,6})?")
"""Lines that can end in small text: a price, then any text, often misread."""
TAIL: Final = re.compile(
    r"(?P<yuan>[元兀A-Z])?\s*[/／|1Il]\s*(?:[1-9]\d{0,2}\s*(?:[gG克]|kg|KG|[mM][lL]|毫升)|kg|KG|(?![元角分年月日])[\u4e00-\u9fff]{1,2})"
)
"""Text accepted as a tail: an optional 元, a slash and a possible unit."""

_LOW: Final = 0.47
"""Largest height of a tail, as a share of the figures' height (drawn tags: about 0.3); decimals are taller."""
_WIDE: Final = 0.25
"""Smallest width of a tail, as a share of the figures' height; anything narrower is a point."""


def find_tail(crop: Pixels) -> tuple[float, float, float, float] | None:
    """Locate low text at the foot of a line's last figure: shares of the crop (left, top, right, bottom), or None.

    `crop` is the line, cut out upright. The box can extend past the right edge, which often cuts through the text.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, dark = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    height, width = gray.shape
    ink = dark if np.count_nonzero(dark) * 2 < dark.size else cv2.bitwise_not(dark)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    pieces = [
        (left, top, left + wide, top + high)
        for left, top, wide, high, area in stats[1:].tolist()
        if wide < 0.8 * width and high < height - 1 and area >= 3
    ]
    tallest = max((bottom - top for _, top, _, bottom in pieces), default=0)
    large = [piece for piece in pieces if piece[3] - piece[1] >= 0.8 * tallest and tallest >= 0.4 * height]
    if not large:
        return None
    last = max(large, key=lambda piece: piece[2])
    middle, foot = (last[1] + last[3]) / 2, last[3] + 0.25 * tallest
    behind = [piece for piece in pieces if piece[0] >= last[2] - 1]
    on_line = [p for p in behind if p[3] - p[1] > _LOW * tallest and p[3] > last[3] - 0.2 * tallest]
    edge = max((piece[2] for piece in on_line), default=last[2])
    raised = max((p[3] for p in behind if p[1] < middle - 0.2 * tallest), default=middle - 0.1 * tallest)
    tail = [p for p in behind if p[0] >= edge - 1 and p[1] >= min(raised, middle + 0.15 * tallest) and p[3] <= foot]
    tail = [piece for piece in tail if piece[3] - piece[1] <= _LOW * tallest]
    if not tail or max(p[2] for p in tail) - min(p[0] for p in tail) < _WIDE * tallest:
        return None
    top, bottom = min(piece[1] for piece in tail), max(piece[3] for piece in tail)
    if bottom - top < 0.12 * tallest:  # an underline
        return None
    margin = 0.25 * (bottom - top)
    left = min(piece[0] for piece in tail) - margin
    right = max(max(piece[2] for piece in tail) + margin, width + 0.6 * (bottom - top))
    return left / width, (top - margin) / height, right / width, (bottom + margin) / height
