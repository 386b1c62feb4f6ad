"""Small raised decimals, read from the ink of a line: a recogniser that sees `36⁹⁰` says `3690`.

Used by `text_reader` on lines of mere figures. Pixels in, the text with its point out; nothing here runs a network.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Pixels

_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_ON_THE_LINE: Final = str.maketrans(_SUPERSCRIPTS, "0123456789")
FIGURES: Final = re.compile(rf"(?P<sign>[¥￥]?)\s*(?P<digits>[0-9][0-9{_SUPERSCRIPTS}]{{1,5}})")
"""Texts that may hide a decimal point: a sign or none, and figures."""

_MIN_HEIGHT: Final = 0.25
"""Ink lower than this share of the line is a point, an underline or noise."""
_LARGE: Final = 0.85
_SMALL: Final = (0.3, 0.78)
"""Heights of whole and raised figures, as shares of the tallest (drawn tags: raised ones are 0.4 to 0.7)."""
_ALIGNED: Final = 0.22
"""How far tops may differ, and how much higher than the large ones the small must end, as shares of the tallest."""


@dataclass(frozen=True, slots=True)
class _Ink:
    left: int
    right: int
    top: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def with_point(text: str, crop: Pixels) -> str:
    """The text with a point before one or two last figures that stand small and raised; else as it was.

    `crop` is the line cut out upright (h x w x 3, RGB).
    """
    found = FIGURES.fullmatch(text.strip())
    if found is None:
        return text
    digits = found["digits"].translate(_ON_THE_LINE)
    raised = count_raised(crop, len(digits), signed=bool(found["sign"]))
    small = re.search(rf"[{_SUPERSCRIPTS}].?$", found["digits"])
    raised = raised or (len(small[0]) if small else 0)
    if not raised or raised >= len(digits):
        return text
    return f"{found['sign']}{digits[:-raised]}.{digits[-raised:]}"


def count_raised(crop: Pixels, digits: int, *, signed: bool = False) -> int:
    """How many figures (0 to 2) at the end of a line are small and aligned to the top of large ones before them.

    0 where the ink shows another number of figures than `digits`: the edge of the line may cut through the next one.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, dark = cv2.threshold(gray, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    return max(_raised(_figures(ink > 0), digits, signed) for ink in (dark, cv2.bitwise_not(dark)))


def _figures(ink: NDArray[np.bool_]) -> list[_Ink]:
    """Connected ink that is high enough for a figure and is no frame, from left to right; parts above each other one."""
    height, width = ink.shape[:2]
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink.astype(np.uint8), connectivity=8)
    pieces: list[_Ink] = []
    for left, top, wide, high, _ in sorted(stats[1:].tolist()):
        frame = wide > 0.8 * width or high >= height - 1
        if high < _MIN_HEIGHT * height or frame or wide > 1.6 * high:
            continue
        piece = _Ink(left, left + wide, top, top + high)
        if pieces and piece.left < pieces[-1].right - 0.5 * min(wide, pieces[-1].right - pieces[-1].left):
            last = pieces.pop()
            piece = _Ink(
                last.left, max(last.right, piece.right), min(last.top, piece.top), max(last.bottom, piece.bottom)
            )
        pieces.append(piece)
    return pieces


def _raised(figures: list[_Ink], digits: int, signed: bool) -> int:
    tallest = max((one.height for one in figures), default=0)
    large = [index for index, one in enumerate(figures) if one.height >= _LARGE * tallest]
    small = figures[large[-1] + 1 :] if large else []
    last = figures[large[-1]] if large else None
    if last is None or not 1 <= len(small) <= 2 or len(large) + len(small) not in (digits, digits + signed):
        return 0
    if len(large) + len(small) > digits and large[0] != 0:  # only a sign as large as the figures counts with them
        return 0
    low, high = _SMALL
    fits = all(
        low * tallest <= one.height <= high * tallest
        and abs(one.top - last.top) <= _ALIGNED * tallest
        and last.bottom - one.bottom >= _ALIGNED * tallest
        and one.left - before.right <= 0.5 * tallest
        for before, one in itertools.pairwise([last, *small])
    )
    return len(small) if fits else 0
