"""Finds small raised decimals in the ink of a line: the recogniser reads `36⁹⁰` as `3690`.

Used by `text_reader` on lines of figures only. Input: pixels; output: the text with its decimal point. No neural
network runs here.
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

_SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹º"
_ON_THE_LINE: Final = str.maketrans(_SUPERSCRIPTS, "01234567890")
_LETTERS: Final = str.maketrans("OoDl", "0001")
FIGURES: Final = re.compile(
    rf"(?P<sign>[¥￥]?)\s*(?P<digits>[0-9][0-9{_SUPERSCRIPTS}]{{1,5}})(?P<tail>\s*(?:[元兀]|[/／]).{{0,5}})?"
)
"""Texts that can lack a decimal point: an optional currency sign, figures, then an optional 元 or unit."""

_MIN_HEIGHT: Final = 0.2
"""Ink lower than this share of the line is a point, an underline or noise."""
_LARGE: Final = 0.85
_SMALL: Final = (0.3, 0.78)
"""Lowest and largest height of raised figures, as shares of the tallest figure (drawn tags: 0.4 to 0.7)."""
_ALIGNED: Final = 0.22
"""Largest difference of the tops, and how much higher than the large figures the small ones must end, as shares of the
tallest."""
_SHIFTS: Final = (0.0, 0.35, -0.35)
"""Shifts of Otsu's threshold towards the paper (positive) or the ink: at one threshold thin strokes break, at another
close figures merge."""


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
    """Insert a point before one or two small raised figures at the end of the text; else return it unchanged.

    `crop` is the line, cut out upright (h x w x 3, RGB).
    """
    found = FIGURES.fullmatch(text.strip())
    if found is None:
        return text
    digits = found["digits"].translate(_ON_THE_LINE)
    tail = found["tail"] or ""
    raised = count_raised(crop, len(digits), signed=bool(found["sign"]), tail=bool(tail))
    small = re.search(rf"[{_SUPERSCRIPTS}].?$", found["digits"])
    raised = raised or (len(small[0]) if small else 0)
    if not raised or raised >= len(digits):
        return text
    return f"{found['sign']}{digits[:-raised]}.{digits[-raised:]}{tail}"


def count_raised(crop: Pixels, digits: int, *, signed: bool = False, tail: bool = False) -> int:
    """Count the figures (0 to 2) at the end of a line that are small and aligned to the top of the large ones.

    Returns 0 if the ink does not show `digits` figures: the edge of the line can cut through the next figure.
    `signed`: a currency sign precedes the figures. `tail`: low text, such as 元, follows them.
    """
    return max(_raised(_figures(ink), digits, signed, tail) for ink in _inks(crop))


def unread_part(text: str, crop: Pixels) -> tuple[str, int, tuple[float, float, float, float]] | None:
    """Find raised figures that the ink shows and the text lacks (`¥170` for `17⁰⁰`).

    Returns the text before them, their number, and their box as shares (left, top, right, bottom) of the crop; None if
    there are none.
    """
    found = FIGURES.fullmatch(text.strip())
    if found is None:
        return None
    digits = found["digits"].translate(_ON_THE_LINE)
    for ink in _inks(crop):
        figures = _figures(ink)
        large, small = _raised_behind(figures, True)
        if not small or not large <= len(digits) < large + small:
            continue
        part = [one for one in figures if one.left >= _large(figures)[-1].right - 1][:small]
        height, width = ink.shape
        margin = 0.2 * max(one.height for one in part)
        left, right = part[0].left - margin, part[-1].right + margin
        top, bottom = min(one.top for one in part) - margin, max(one.bottom for one in part) + margin
        box = (left / width, top / height, right / width, bottom / height)
        return f"{found['sign']}{digits[:large]}.", small, box
    return None


def with_cents(text: str, before: str, count: int, cents: str) -> str | None:
    """Return `before` plus the `cents` read from `count` raised figures; None if `cents` is not `count` figures.

    Also None if `cents` is all that `text` has: then the figures before them belong to another line, and this one only
    shows their edge.
    """
    figures = cents.strip().translate(_LETTERS)
    if not re.fullmatch(r"[0-9]+", figures) or len(figures) != count or figures == re.sub(r"[^0-9]", "", text):
        return None
    return before + figures


def _inks(crop: Pixels) -> list[NDArray[np.bool_]]:
    """Masks of possible ink: dark on light and light on dark, at several thresholds, with and without even lighting."""
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    size = (2 * gray.shape[0]) | 1
    lit = cv2.blur(cv2.morphologyEx(gray, cv2.MORPH_CLOSE, np.ones((size // 4, size // 4), np.uint8)), (size // 4,) * 2)
    even = np.clip(gray.astype(np.float32) * 200 / np.maximum(lit, 1), 0, 255).astype(np.uint8)
    inks: list[NDArray[np.bool_]] = []
    for image in (gray, even):
        middle, dark = cv2.threshold(image, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
        below, above = image[dark > 0], image[dark == 0]
        if not below.size or not above.size:
            continue
        low, high = float(np.median(below)), float(np.median(above))
        for shift in _SHIFTS:
            inks.append(image < middle + shift * (high - middle if shift > 0 else middle - low))
            if image is gray:
                inks.append(image > middle - shift * (middle - low if shift > 0 else high - middle))
    return inks or [np.zeros(gray.shape, np.bool_)]


def _figures(ink: NDArray[np.bool_]) -> list[_Ink]:
    """Connected ink tall enough for a figure and not a frame, left to right; parts above each other are merged."""
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


def _raised(figures: list[_Ink], digits: int, signed: bool, tail: bool) -> int:
    large, small = _raised_behind(figures, tail)
    if large + small not in (digits, digits + signed):
        return 0
    # A currency sign counts as a figure only if it is as large as the figures.
    return small if large + small == digits or figures[0] == _large(figures)[0] else 0


def _large(figures: list[_Ink]) -> list[_Ink]:
    tallest = max((one.height for one in figures), default=0)
    return [one for one in figures if one.height >= _LARGE * tallest]


def _raised_behind(figures: list[_Ink], tail: bool) -> tuple[int, int]:
    """The numbers of large figures and of small raised ones after them; (0, 0) if there are no raised ones."""
    whole = _large(figures)
    if not whole:
        return 0, 0
    last, tallest = whole[-1], max(one.height for one in figures)
    behind = figures[figures.index(last) + 1 :]
    low, high = _SMALL
    fits = [
        low * tallest <= one.height <= high * tallest
        and abs(one.top - last.top) <= _ALIGNED * tallest
        and last.bottom - one.bottom >= _ALIGNED * tallest
        and one.left - before.right <= 0.5 * tallest
        for before, one in itertools.pairwise([last, *behind])
    ]
    small = fits.index(False) if False in fits else len(fits)
    low_rest = all(one.top + one.bottom > last.top + last.bottom for one in behind[small:])
    if not 1 <= small <= 2 or (behind[small:] and not (tail and low_rest)):
        return 0, 0
    return len(whole), small
