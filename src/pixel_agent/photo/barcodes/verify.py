"""Verifies a retail barcode: draws the claimed digits and compares the drawing with the photo, digit by digit.

Part of the barcodes stage; pure. A check digit alone accepts one false reading in ten, and both readers give false
readings under blur and glare. Here each claimed digit competes, at its own place in the photo, with every other digit
that is possible there; the code is verified when the claim wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from pixel_agent.core import Quad

Gray: TypeAlias = NDArray[np.uint8]
"""Grey pixels, height x width, 8 bit."""
_Floats: TypeAlias = NDArray[np.float32]

DIGIT = 7
"""Number of modules of one digit (ISO/IEC 15420)."""
LEFT_ODD = (
    *("0001101", "0011001", "0010011", "0111101", "0100011"),
    *("0110001", "0101111", "0111011", "0110111", "0001011"),
)
"""Bars (1) and spaces (0) of the digits 0-9, set A of ISO/IEC 15420; sets B and C are its mirror and complement."""
DIGITS_AT = {
    zxingcpp.BarcodeFormat.EAN13: (*range(3, 45, 7), *range(50, 92, 7)),
    zxingcpp.BarcodeFormat.EAN8: (*range(3, 31, 7), *range(36, 64, 7)),
    zxingcpp.BarcodeFormat.UPCE: tuple(range(3, 45, 7)),
}
"""Module at which each digit starts."""

EAN_13_DIGITS = 12
"""Digits with bars of their own; the choice of the sets encodes the first digit."""
UPC_E_DIGITS = 6
"""Digits with bars of their own. A UPC-E has no right half: all its digits are of sets A and B."""

LINES = 5
SAMPLES = 4
"""Samples per module."""
MARGIN = 8
"""Modules sampled beyond either end, because readers do not locate the ends of a code exactly."""
CONTEXT = 2
"""Modules of the neighbours that are compared with each digit: they fix the position of its first and last edge."""
SIGMAS = (0.4, 0.8)
"""Blur of the drawing in modules: a sharp photo and a soft one."""
DRIFT = np.arange(-5, 5.1, 0.5, dtype=np.float32)
"""Offsets, in modules, of a digit from its place on a flat code (for bent packages)."""
STEPS = (-3, -2, -1, 0, 1, 2, 3)
"""Differences in length, in half modules, between a digit and the same digit on a flat code."""
SEGMENT_SAMPLES = 32

# Measured on 171 right and 17 wrong readings (all with a valid check digit) of blurred, bent and glaring codes: right
# ones have at least these margins; the best wrong one has -0.03 and 0.01.
WORST_MARGIN = -0.05
SURE_MARGIN = 0.015
DOUBT_MARGIN = 0.03
WORST_MATCH = 0.55
MOST_UNREST = 0.5
QUIET = (1.0, 4.5)
"""Range of modules beyond an end that must be quiet in a short code; the standard requires 7."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The ideal image of a code: `modules` (1 bar, 0 space), the starts of its digits, and the ends of its segments."""

    modules: _Floats
    digits: tuple[int, ...]

    @property
    def bounds(self) -> tuple[int, ...]:
        """Ends of the segments in modules; each contains one digit, and a guard belongs to the digit beside it."""
        return (0, *(start + DIGIT for start in self.digits[:-1]), len(self.modules))


@dataclass(frozen=True, slots=True)
class Proof:
    """How clearly the photo shows the claim.

    `worst` and `second`: the two smallest leads of a claimed digit over its best rival. `match`: the smallest
    correlation of a claimed digit. `unrest`: contrast just outside the code, as a share of the contrast inside.
    """

    worst: float
    second: float
    match: float
    unrest: float
    is_short: bool

    @property
    def holds(self) -> bool:
        """Whether the claim is verified.

        One digit can be in doubt: the check digit excludes exactly one wrong digit. A short code also needs its quiet
        zones, because its pattern also occurs inside longer codes.
        """
        if self.is_short and self.unrest > MOST_UNREST:
            return False
        lead = SURE_MARGIN if self.worst >= 0 else DOUBT_MARGIN
        return self.worst >= WORST_MARGIN and self.second >= lead and self.match >= WORST_MATCH


def draw(text: str, symbology: zxingcpp.BarcodeFormat) -> Drawing | None:
    """Draw an EAN-13, EAN-8 or UPC-E; None for another symbology or for digits that such a code cannot encode."""
    digits = DIGITS_AT.get(symbology)
    if digits is None:
        return None
    try:
        image = zxingcpp.create_barcode(text, symbology).to_image(scale=1, add_quiet_zones=False)
    except (ValueError, RuntimeError):
        return None
    pixels = np.array(image)
    row = pixels[pixels.shape[0] // 4] < 128
    bars = np.flatnonzero(row)
    return Drawing(row[bars[0] : bars[-1] + 1].astype(np.float32), digits)


def prove(gray: Gray, corners: Quad, drawing: Drawing) -> Proof:
    """Compare a drawing with the photo between `corners`. The time does not depend on the photo's size."""
    lines = _scan_lines(gray, corners, len(drawing.modules))
    paths, fits = _follow(lines, drawing)
    best = np.argsort(fits)[-3:]
    return _compete(lines[best], paths[best], drawing)


def locate(strip: Gray, drawing: Drawing) -> tuple[tuple[float, float], ...]:
    """The place in an upright strip (left, right) where the drawing fits best: OpenCV does not give the ends of a code.

    The second place is that of the drawing read from the right, with left and right swapped.
    """
    width = strip.shape[1]
    line = cv2.GaussianBlur(strip.mean(axis=0, dtype=np.float32)[None], (0, 0), 2)[0]
    lefts = np.arange(0, 0.36, 0.0125) * width
    rights = np.arange(0.6, 1.001, 0.0125) * width
    left, right = (grid.ravel() for grid in np.meshgrid(lefts, rights))
    at = left[:, None] + (right - left)[:, None] * (np.arange(4 * len(drawing.modules)) + 0.5) / (
        4 * len(drawing.modules)
    )
    windows = _unit(line[np.clip(at.astype(np.intp), 0, width - 1)])
    template = _unit(_blur(drawing.modules[None], 0.8))[0]
    forth, back = int((windows @ template).argmax()), int((windows @ template[::-1]).argmax())
    return (float(left[forth]), float(right[forth])), (float(right[back]), float(left[back]))


def _scan_lines(gray: Gray, corners: Quad, modules: int) -> _Floats:
    """Sample LINES lines across the code, MARGIN modules beyond both ends, SAMPLES per module."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(corners, np.float32)
    down = np.linspace(0.1, 0.9, LINES, dtype=np.float32)[:, None]
    along = (np.arange(-MARGIN * SAMPLES, (modules + MARGIN) * SAMPLES, dtype=np.float32) + 0.5) / (modules * SAMPLES)
    starts = top_left + (bottom_left - top_left) * down
    spans = top_right + (bottom_right - top_right) * down - starts
    xs = starts[:, :1] + spans[:, :1] * along
    ys = starts[:, 1:] + spans[:, 1:] * along
    sampled = cv2.remap(gray, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32)


def _follow(lines: _Floats, drawing: Drawing) -> tuple[NDArray[np.intp], _Floats]:
    """Fit the drawing to each line, stretching it segment by segment (dynamic programming over the segment ends).

    Returns the index into DRIFT of every segment end, lines x ends, and how well each line fits.
    """
    bounds = drawing.bounds
    segments, states = len(bounds) - 1, len(DRIFT)
    index, templates = _segment_index(bounds), _segment_templates(drawing)
    windows = _unit(lines[:, index])
    scores = np.einsum("lksdm,km->lksd", windows, templates, optimize=True)
    total = np.zeros((len(lines), states), np.float32)
    came = np.zeros((len(lines), segments, states), np.intp)
    for segment in range(segments):
        reach = np.full((len(lines), states, len(STEPS)), -np.inf, np.float32)
        for d, step in enumerate(STEPS):
            source = slice(max(0, -step), states - max(0, step))
            target = slice(max(0, step), states - max(0, -step))
            reach[:, target, d] = total[:, source] + scores[:, segment, source, d]
        choice = reach.argmax(2)
        total = np.take_along_axis(reach, choice[:, :, None], 2)[:, :, 0]
        came[:, segment] = np.arange(states) - np.asarray(STEPS)[choice]
    path = np.zeros((len(lines), segments + 1), np.intp)
    path[:, -1] = total.argmax(1)
    rows = np.arange(len(lines))
    for segment in range(segments - 1, -1, -1):
        path[:, segment] = came[rows, segment, path[:, segment + 1]]
    return path, total.max(1) / np.float32(segments)


def _compete(lines: _Floats, paths: NDArray[np.intp], drawing: Drawing) -> Proof:
    """Compare each claimed digit with every other digit at the place where `_follow` found it."""
    bounds = np.asarray(drawing.bounds, np.float32)
    ends = bounds + DRIFT[paths]
    starts, lengths = bounds[:-1], np.diff(bounds)
    rate = np.diff(ends, axis=1) / lengths
    digit = np.asarray(drawing.digits, np.float32)
    middle = ends[:, :-1] + (digit + DIGIT / 2 - starts) * rate
    width = DIGIT + 2 * CONTEXT
    inside = (np.arange(width * SAMPLES, dtype=np.float32) + 0.5) / SAMPLES - width / 2
    shift = np.arange(-0.75, 0.76, 0.25, dtype=np.float32)[:, None, None]
    stretch = np.array([0.93, 1.0, 1.07], np.float32)[:, None]
    offsets = (shift + stretch * inside).reshape(-1, inside.size)
    at = middle[:, :, None, None] + rate[:, :, None, None] * offsets
    index = np.clip(((at + MARGIN) * SAMPLES).astype(np.intp), 0, lines.shape[1] - 1)
    windows = _unit(np.take_along_axis(lines[:, None, None, :], index, 3))
    templates = _rivals(drawing)
    scores = np.einsum("lkwm,kam->lkaw", windows, templates, optimize=True).max(3)
    scores = scores.reshape(*scores.shape[:2], len(SIGMAS), -1).max(2)
    lead = np.median(scores[:, :, 0] - scores[:, :, 1:].max(2), axis=0)
    worst, second = np.sort(lead)[:2]
    match = float(np.median(scores[:, :, 0], axis=0).min())
    return Proof(float(worst), float(second), match, _unrest(lines, ends), len(drawing.digits) < EAN_13_DIGITS)


def _unrest(lines: _Floats, ends: _Floats) -> float:
    """Standard deviation just outside the code on the worse side, as a share of that inside; median over the lines."""
    outside = np.arange(QUIET[0], QUIET[1], 1 / SAMPLES, dtype=np.float32)
    ratios = []
    for line, path in zip(lines, ends, strict=True):
        zones = [path[0] - outside, path[-1] + outside]
        left, right = (np.clip(((zone + MARGIN) * SAMPLES).astype(np.intp), 0, line.size - 1) for zone in zones)
        inside = line[left[0] : right[0] + 1]
        ratios.append(max(line[left].std(), line[right].std()) / (inside.std() + 1e-3))
    return float(np.median(ratios))


@lru_cache(maxsize=8)
def _segment_index(bounds: tuple[int, ...]) -> NDArray[np.intp]:
    """Samples of every segment at every drift and step: segments x drifts x steps x SEGMENT_SAMPLES."""
    edges = np.asarray(bounds, np.float32)
    start = edges[:-1, None, None, None] + DRIFT[:, None, None]
    length = np.diff(edges)[:, None, None, None] + np.asarray(STEPS)[:, None] * 0.5
    at = start + length * (np.arange(SEGMENT_SAMPLES) + 0.5) / SEGMENT_SAMPLES
    last = (bounds[-1] + 2 * MARGIN) * SAMPLES - 1
    return np.asarray(np.clip(((at + MARGIN) * SAMPLES).astype(np.intp), 0, last), np.intp)


def _segment_templates(drawing: Drawing) -> _Floats:
    """The drawing's own segments, blurred a little: segments x SEGMENT_SAMPLES, unit vectors."""
    line = _blur(np.pad(drawing.modules, MARGIN)[None], 0.5)[0]
    edges = np.asarray(drawing.bounds, np.float32)
    at = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(SEGMENT_SAMPLES) + 0.5) / SEGMENT_SAMPLES
    return _unit(line[((at + MARGIN) * SAMPLES).astype(np.intp)])


def _rivals(drawing: Drawing) -> _Floats:
    """For each digit and each blur: the claim first, then the other digits possible there; unit vectors."""
    modules = np.pad(drawing.modules, CONTEXT)
    rows = []
    for number, start in enumerate(drawing.digits):
        window = modules[start : start + DIGIT + 2 * CONTEXT]
        right = len(drawing.digits) > UPC_E_DIGITS and number >= len(drawing.digits) // 2
        rivals = [np.concatenate([window[:CONTEXT], other, window[-CONTEXT:]]) for other in _patterns(right)]
        others = [rival for rival in rivals if not np.array_equal(rival, window)]
        others += [others[-1]] * (2 * len(LEFT_ODD) - 1 - len(others))
        rows.append(np.array([window, *others]))
    stacked = np.array(rows)
    flat = stacked.reshape(-1, stacked.shape[-1])
    blurred = [_blur(flat, sigma).reshape(*stacked.shape[:2], -1) for sigma in SIGMAS]
    return _unit(np.concatenate(blurred, axis=1))


@lru_cache(maxsize=2)
def _patterns(right: bool) -> tuple[_Floats, ...]:
    odd = tuple(np.array([int(bit) for bit in digit], np.float32) for digit in LEFT_ODD)
    complement = tuple(np.asarray(1 - digit, np.float32) for digit in odd)
    return complement if right else odd + tuple(digit[::-1] for digit in complement)


def _blur(modules: _Floats, sigma: float) -> _Floats:
    """Rows of modules as brightness (bars dark), SAMPLES per module, blurred by sigma modules along the row."""
    drawn = np.repeat(-modules.astype(np.float32), SAMPLES, axis=1)
    size = 2 * int(3 * sigma * SAMPLES) + 1
    kernel = np.asarray(cv2.getGaussianKernel(size, sigma * SAMPLES), np.float32)
    return np.asarray(
        cv2.sepFilter2D(drawn, cv2.CV_32F, kernel, np.ones(1, np.float32), borderType=cv2.BORDER_REPLICATE), np.float32
    )


def _unit(rows: _Floats) -> _Floats:
    """Rows without their mean, at length 1: their product is the correlation."""
    centred = rows - rows.mean(axis=-1, keepdims=True)
    length = np.sqrt(np.einsum("...m,...m->...", centred, centred))[..., None]
    return np.asarray(centred / (length + 1e-3), np.float32)
