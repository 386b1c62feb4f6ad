"""Finds the codes of a whole photo: first at a bounded size, then at full resolution only where a code is likely.

Part of the barcodes stage; pure, and blocking. In the first search a code that fills a tenth of a phone's photo has
about one pixel per module: too few to read it, enough to detect it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Box, Code, Photo, Pixels, Point, Quad
from pixel_agent.photo.barcodes.read import merge, read_codes

WORTH_A_CLOSER_LOOK = 1.3
"""Minimum linear gain in resolution for a second search."""
MAX_SUSPECTS = 6
CELL = 4
"""Side in pixels of the cells over which gradients are summed."""
BAR_COHERENCE = 0.75
"""Minimum dominance of one gradient direction: 1 for perfect bars, 0 for none. Bars in photos have 0.8 and more."""
STRONGEST = 0.15
"""Minimum gradient energy of a code, as a share of the photo's strongest texture."""
MARGIN = 0.25
"""Margin added to a suspect on each side, as a share of its longer side: the quiet zone, and what the cells cut off."""

Stop = Callable[[], bool]
Report = Callable[[tuple[Code, ...]], None]


def find_codes(
    photo: Photo,
    first_pixels: int,
    *,
    thorough: bool,
    stop: Stop = lambda: False,
    report: Report = lambda _: None,
) -> tuple[Code, ...]:
    """All verified codes of a photo; corners are in pixels of the upright original.

    The whole photo is read at full resolution only if `thorough`. `stop` is called between steps; `report` gets the
    codes found so far after each step. Raises the errors of the codecs.
    """
    first = _first_look(photo, first_pixels)
    found = merge(_scaled(read_codes(first, stop=stop), _factors(photo, first), (0, 0)))
    report(found)
    x_factor, _ = _factors(photo, first)
    if stop() or x_factor < WORTH_A_CLOSER_LOOK:
        return found
    boxes = _not_covered(suspects(first), found, _factors(photo, first))
    if not boxes and not thorough:
        return found
    full = photo.decode(None)
    for box in boxes:
        if stop():
            return found
        left, top, right, bottom = (round(side * x_factor) for side in box)
        cut = full[max(0, top) : bottom, max(0, left) : right]
        found = merge(
            [*found, *_scaled(read_codes(cut, patient=thorough, stop=stop), (1, 1), (max(0, left), max(0, top)))]
        )
        report(found)
    if thorough and not stop():
        found = merge([*found, *read_codes(full, stop=stop)])
        report(found)
    return found


def suspects(pixels: Pixels) -> tuple[Box, ...]:
    """Boxes where a code is likely, the most likely first: dense parallel edges (bars) or dense square texture (QR)."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    size = (max(1, gray.shape[1] // CELL), max(1, gray.shape[0] // CELL))
    dx, dy = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    xx, yy, xy = (_gather(product, size) for product in (dx * dx, dy * dy, dx * dy))
    energy = xx + yy
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (energy + 1)
    strong = energy > max(2500.0, STRONGEST * float(np.percentile(energy, 99.5)))
    bars = strong & (coherence > BAR_COHERENCE)
    squares = strong & (coherence < 0.5)
    scored = [*_blobs(bars, energy, flat=True), *_blobs(squares, energy, flat=False)]
    scored.sort(key=lambda entry: entry[0], reverse=True)
    return tuple(box for _, box in scored[:MAX_SUSPECTS])


def _gather(product: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    cells = cv2.resize(product, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.blur(cells, (5, 5)), np.float32)


def _blobs(mask: NDArray[np.bool_], energy: NDArray[np.float32], *, flat: bool) -> Iterator[tuple[float, Box]]:
    """Connected cells of a plausible size and shape, with a score that grows with energy and area."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        filled = area / (width * height)
        if area < 20 or filled < (0.3 if flat else 0.55) or not (flat or 0.5 < width / height < 2):
            continue
        more = round(MARGIN * max(width, height)) + 2
        box = (left - more, top - more, left + width + more, top + height + more)
        score = float(energy[labels == label].mean()) * np.sqrt(area)
        yield score, (max(0, box[0]) * CELL, max(0, box[1]) * CELL, box[2] * CELL, box[3] * CELL)


def _first_look(photo: Photo, first_pixels: int) -> Pixels:
    """The photo at about `first_pixels`, from the decoded pixels if their resolution is high enough."""
    height, width = photo.pixels.shape[:2]
    wanted = min(first_pixels, photo.width * photo.height)
    if height * width < wanted * 0.8:
        return photo.decode(first_pixels)
    if height * width <= wanted * 1.2:
        return photo.pixels
    scale = (wanted / (height * width)) ** 0.5
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _factors(photo: Photo, pixels: Pixels) -> Point:
    return photo.width / pixels.shape[1], photo.height / pixels.shape[0]


def _not_covered(boxes: Iterable[Box], codes: Iterable[Code], factors: Point) -> list[Box]:
    centres = [((c.box[0] + c.box[2]) / 2 / factors[0], (c.box[1] + c.box[3]) / 2 / factors[1]) for c in codes]
    return [b for b in boxes if not any(b[0] <= x < b[2] and b[1] <= y < b[3] for x, y in centres)]


def _scaled(codes: Iterable[Code], factors: Point, offset: Point) -> Iterator[Code]:
    for code in codes:
        a, b, c, d = ((x * factors[0] + offset[0], y * factors[1] + offset[1]) for x, y in code.corners)
        corners: Quad = (a, b, c, d)
        yield replace(code, corners=corners)
