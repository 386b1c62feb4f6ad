"""Reads the text of photos on the CPU: finds lines at a bounded resolution, recognises them at full resolution.

Used by the `embedded` engine. Input: pixels; output: lines. `pixel_agent.tasks.rules` interprets the lines.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from pixel_agent.core import Pixels, TextLine
from pixel_agent.core.geometry import area, shared_area
from pixel_agent.engines.ocr.price_tails import PRICE, TAIL, find_tail
from pixel_agent.engines.ocr.raised_figures import FIGURES, unread_part, with_cents, with_point
from pixel_agent.engines.ocr.text_models import Detector, Floats, Recognizer, Region, bucket, chunks, cut


@dataclass(frozen=True, slots=True)
class DetectionSize:
    """The image size for finding lines: `long_side` in pixels, and when to search again at `closer_side`.

    A first pass that finds no text, or text lower than `small_text` pixels, has probably missed more.
    Images are enlarged by at most half for detection: this finds text a few pixels high (measured on 960 px photos of
    shops: about twice the lines); enlarging more only adds noise.
    `figures_side`: if the tallest line has no figures, or a line is only a currency sign, search again at this size and
    add the new lines: on price tags, different sizes miss different large figures.
    """

    long_side: int
    closer_side: int = 0
    small_text: float = 16.0
    figures_side: int = 0
    blur_px: float = 0.0
    """Standard deviation, in pixels, of a blur before detection: it joins the dots of dot-matrix print."""


CLOSE = DetectionSize(1536)
"""For whole scenes: shelves, storefronts, notices."""
QUICK = DetectionSize(640, closer_side=1536, figures_side=960)
"""For photos filled by large text, such as price tags: this size sets about half of the total cost."""
_ENLARGE = 1.5
_TALL = 1.5
"""A region this many times as high as wide can be a vertical line."""
_ONE_GLYPH = 3.0
"""A region up to this many times as high as wide can be a single upright character, such as 1."""
_DOUBTFUL = 0.85
"""Below this confidence a line is also read upside down."""
_BATCH_WIDTH = 2560
"""Total width in pixels of the lines recognised together: it bounds memory and costs no time (on a CPU, batches of one
line are as fast per line)."""
_OWN_TAIL = re.compile(r"(?P<price>[¥￥]?\s*\d[\d.]*)\s*[元兀]?\s*[/／].+")
_SURE_TAIL = 0.8
"""Lowest confidence for small text after a price: anything can be printed there."""
_SHORT_LINE = 4
"""Lines of at most this many characters do not show which way up a page is."""
_GUESS = 0.6
"""A short line takes its page's direction only if it is read that way with this confidence."""
_SURE_REGION = 0.75
"""Lowest detector score for text that was found but not recognised."""
MIN_CONFIDENCE = 0.7
"""Lines with a lower confidence are dropped: on real shop photos nearly all of them under 0.7 were wrong (by eye)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """One way to read one region: after `turn` quarter turns of its corners, or with its characters side by side."""

    photo: int
    region: Region
    turn: int = 0
    stacked: bool = False
    text: str = ""
    confidence: float = 0.0

    @property
    def corners(self) -> Floats:
        """The corners (4 x 2) in the direction of reading."""
        return np.roll(self.region.corners, -self.turn, axis=0)

    @property
    def worth(self) -> float:
        """Confidence, reduced for few characters: a word turned the wrong way is often read as a dash with high
        confidence, and the two halves of an upright 1 as 11."""
        text = self.text.strip()
        worth = self.confidence * (1 - 0.5 ** len(text))
        doubtful = len(text) < 2 or (self.stacked and len(text) == 2 and text.isascii())
        return worth / 4 if doubtful and (self.stacked or self.turn % 2) else worth


class TextReader:
    """PP-OCR detection and recognition over several photos at once, on `threads` threads.

    Loading takes about a second. Raises EngineUnavailable if the models are missing. Not thread-safe. Lines under
    `min_confidence` are dropped; for the images of the last call, `unread` lists the clearly detected ones.
    """

    def __init__(self, threads: int, *, min_confidence: float = MIN_CONFIDENCE) -> None:
        self._detector = Detector(threads)
        self._recognizer = Recognizer(threads)
        self._min_confidence = min_confidence
        self.unread: list[tuple[TextLine, ...]] = []

    def read(
        self, images: Sequence[Pixels], sizes: Sequence[DetectionSize] | DetectionSize = CLOSE
    ) -> list[tuple[TextLine, ...]]:
        """The lines of every image, in reading order, with corners in pixels of the image given.

        `sizes`: detection sizes, one per image or one for all; recognition always uses full resolution.
        """
        each = [sizes] * len(images) if isinstance(sizes, DetectionSize) else sizes
        images = [_blurred(image, size.blur_px) for image, size in zip(images, each, strict=True)]
        regions = self._find(images, [size.long_side for size in each])
        closer = [index for index, size in enumerate(each) if _too_small(regions[index], images[index], size)]
        found = self._find([images[index] for index in closer], [each[index].closer_side for index in closer])
        for index, better in zip(closer, found, strict=True):
            regions[index] = better
        read = self._recognise_regions(images, regions)
        read += self._look_for_figures(images, each, read)
        read = self._settle_direction(images, read)
        read = self._read_tails(images, each, read)
        read = self._read_raised(images, [_pointed(one, images[one.photo]) for one in read])
        pages = [[one for one in read if one.photo == photo] for photo in range(len(images))]
        self.unread = [self._unread(page, image) for page, image in zip(pages, images, strict=True)]
        return [self._lines(page, image) for page, image in zip(pages, images, strict=True)]

    def _recognise_regions(self, images: Sequence[Pixels], regions: Sequence[Sequence[Region]]) -> list[_Attempt]:
        """Read every region in every way."""
        ways = [one for photo, some in enumerate(regions) for region in some for one in _first_attempts(photo, region)]
        return self._recognise(images, ways)

    def _look_for_figures(
        self, images: Sequence[Pixels], sizes: Sequence[DetectionSize], read: Sequence[_Attempt]
    ) -> list[_Attempt]:
        """Additional lines found at another size, in photos that seem to lack large figures."""
        best = _best(read)
        lines = [[one for one in best if one.photo == photo] for photo in range(len(images))]
        again = [photo for photo, size in enumerate(sizes) if size.figures_side and _lacks_figures(lines[photo])]
        found = self._find([images[photo] for photo in again], [sizes[photo].figures_side for photo in again])
        fresh: list[list[Region]] = [[] for _ in images]
        for photo, regions in zip(again, found, strict=True):
            known = [one.region for one in lines[photo] if one.text.strip()]
            fresh[photo] = [region for region in regions if not any(_overlap(region, other) for other in known)]
        return self._recognise_regions(images, fresh)

    def _read_tails(
        self, images: Sequence[Pixels], sizes: Sequence[DetectionSize], read: Sequence[_Attempt]
    ) -> list[_Attempt]:
        """All lines; small text after a large price is read again separately if it was misread together with it."""
        tails = []
        for one in read:
            if sizes[one.photo].figures_side and not one.stacked and PRICE.fullmatch(one.text.strip()):
                region = _tail_region(one, images[one.photo])
                others = [other.region for other in read if other.photo == one.photo and other is not one]
                if region is not None and not any(_overlap(region, other) for other in others):
                    tails.append((one, _Attempt(one.photo, region)))
        seen = self._recognise(images, [tail for _, tail in tails])
        found = {id(one): one for one in read}
        for (one, _), tail in zip(tails, seen, strict=True):
            words = TAIL.fullmatch(tail.text.strip())
            if words is None or tail.confidence < _SURE_TAIL or one.text.endswith(words[0]):
                continue
            text = words[0] if (words["yuan"] or "元") in "元兀" else "元" + words[0][1:]
            own = _OWN_TAIL.fullmatch(one.text.strip())
            if own is None:
                found[id(tail)] = replace(tail, text=text)
            else:
                found[id(one)] = replace(one, text=own["price"] + text)
        return list(found.values())

    def _read_raised(self, images: Sequence[Pixels], read: Sequence[_Attempt]) -> list[_Attempt]:
        """All lines; if the ink shows more raised decimals than were read, the decimals are read again separately."""
        parts = []
        for one in read:
            unread = None if one.stacked else unread_part(one.text, _crop(images[one.photo], one))
            if unread is not None:
                before, count, box = unread
                region = _part_of(one, one.corners, box)
                others = [other.region for other in read if other.photo == one.photo and other is not one]
                if not any(_overlap(region, other) for other in others):
                    parts.append((one, before, count, _Attempt(one.photo, region)))
        seen = self._recognise(images, [part for *_, part in parts])
        found = {id(one): one for one in read}
        for (one, before, count, _), part in zip(parts, seen, strict=True):
            text = with_cents(one.text, before, count, part.text)
            if text is not None and part.confidence >= _SURE_TAIL:
                found[id(one)] = replace(one, text=text)
        return list(found.values())

    def _settle_direction(self, images: Sequence[Pixels], attempts: list[_Attempt]) -> list[_Attempt]:
        """Also read doubtful lines upside down; if most lines of a photo are upside down, turn the rest too.

        A line of a few figures is readable both ways: it takes the direction of its photo's long lines.
        """
        read = _best(attempts)
        doubtful = [one for one in read if not one.stacked and one.confidence < _DOUBTFUL]
        turned_over = self._recognise(images, [_turned(one) for one in doubtful])
        read = _with_the_page([*attempts, *turned_over], _best([*read, *turned_over]))
        balance = Counter[int]()
        for one in read:
            balance[one.photo] += (one.turn == 2) - (one.turn == 0)
        rest = [one for one in read if balance[one.photo] > 0 and one.turn == 0 and not one.stacked]
        turned = self._recognise(images, [_turned(one) for one in rest])
        sure = {id(one.region): one for one in turned if one.confidence >= self._min_confidence}
        return [sure.get(id(one.region), one) for one in read]

    def _find(self, images: Sequence[Pixels], long_sides: Sequence[int]) -> list[list[Region]]:
        running = [
            self._detector.submit(image, min(side, round(_ENLARGE * max(image.shape))))
            for image, side in zip(images, long_sides, strict=True)
        ]
        return [found.result() for found in running]

    def _recognise(self, images: Sequence[Pixels], attempts: Sequence[_Attempt]) -> list[_Attempt]:
        crops = [_crop(images[attempt.photo], attempt) for attempt in attempts]
        buckets: dict[int, list[int]] = {}
        for index, crop in enumerate(crops):
            buckets.setdefault(bucket(crop.shape[1]), []).append(index)
        running = [
            (piece, self._recognizer.submit([crops[index] for index in piece], width))
            for width, indices in sorted(buckets.items(), reverse=True)
            for piece in chunks(indices, max(1, _BATCH_WIDTH // width))
        ]
        read = list(attempts)
        for piece, texts in running:
            for index, (text, confidence) in zip(piece, texts.result(), strict=True):
                read[index] = replace(read[index], text=text, confidence=confidence)
        return read

    def _unread(self, read: Sequence[_Attempt], image: Pixels) -> tuple[TextLine, ...]:
        """Text that was detected but not recognised, as lines with empty text."""
        limit = np.array([image.shape[1], image.shape[0]], np.float32)
        return tuple(
            replace(_line(one, limit), text="")
            for one in read
            if one.confidence < self._min_confidence and one.region.score >= _SURE_REGION
        )

    def _lines(self, read: Sequence[_Attempt], image: Pixels) -> tuple[TextLine, ...]:
        kept = [one for one in read if one.text.strip() and one.confidence >= self._min_confidence]
        limit = np.array([image.shape[1], image.shape[0]], np.float32)
        lines = [_line(one, limit) for one in kept]
        return tuple(lines[index] for index in reading_order([one.corners for one in kept]))


def _blurred(image: Pixels, blur_px: float) -> Pixels:
    return cast(Pixels, cv2.GaussianBlur(image, (0, 0), blur_px)) if blur_px else image


def reading_order(quads: Sequence[Floats]) -> list[int]:
    """Indices of quads (4 x 2, corners as read) in reading order: row by row, in the main direction of the text."""
    if not quads:
        return []
    corners = np.stack(quads).astype(np.float64)
    along = (corners[:, 1] - corners[:, 0]).sum(axis=0)
    along = along / (np.linalg.norm(along) or 1.0) if along.any() else np.array([1.0, 0.0])
    xs = corners @ along
    ys = corners @ np.array([-along[1], along[0]])
    top, bottom, left = ys.min(axis=1), ys.max(axis=1), xs.min(axis=1)
    rows: list[list[int]] = []
    for index in np.argsort((top + bottom) / 2, kind="stable").tolist():
        row = rows[-1] if rows else []
        if row and all(_level(top[index], bottom[index], top[other], bottom[other]) for other in row):
            row.append(index)
        else:
            rows.append([index])
    return [index for row in rows for index in sorted(row, key=lambda one: float(left[one]))]


def _level(top: float, bottom: float, other_top: float, other_bottom: float) -> bool:
    """Whether two spans share more than half of the smaller one."""
    shared = min(bottom, other_bottom) - max(top, other_top)
    return shared > 0.5 * min(bottom - top, other_bottom - other_top)


def _too_small(regions: Sequence[Region], image: Pixels, size: DetectionSize) -> bool:
    if size.closer_side <= size.long_side:
        return False
    scale = min(size.long_side / max(image.shape), _ENLARGE)
    return not regions or min(min(region.size) for region in regions) * scale < size.small_text


def _lacks_figures(lines: Sequence[_Attempt]) -> bool:
    """Whether the tallest line has no figure, or a line is only a currency sign (or a common misreading of one)."""
    tallest = max(lines, key=lambda one: min(one.region.size), default=None)
    if tallest is None:
        return False
    return not re.search(r"\d", tallest.text) or any(re.fullmatch("[¥￥夫天羊半Y]", one.text.strip()) for one in lines)


def _overlap(one: Region, other: Region) -> bool:
    """Whether the upright boxes of two regions share more than a third of the smaller one."""
    box, other_box = (
        [*region.corners.min(axis=0).tolist(), *region.corners.max(axis=0).tolist()] for region in (one, other)
    )
    return shared_area(box, other_box) > min(area(box), area(other_box)) / 3


def _with_the_page(attempts: Sequence[_Attempt], read: list[_Attempt]) -> list[_Attempt]:
    """Use the long lines' direction for short lines, if the long lines agree and the short reading is not a guess."""
    turns: dict[int, Counter[int]] = {}
    for one in read:
        if not one.stacked and len(one.text.strip()) > _SHORT_LINE:
            turns.setdefault(one.photo, Counter())[one.turn] += len(one.text)
    page = {
        photo: turn
        for photo, count in turns.items()
        for turn, letters in count.most_common(1)
        if letters > 0.7 * count.total()
    }
    ways: dict[int, _Attempt] = {}
    for one in attempts:
        if not one.stacked and one.turn == page.get(one.photo) and _figures(one) and one.confidence >= _GUESS:
            ways[id(one.region)] = one
    return [
        ways.get(id(one.region), one)
        if len(one.text.strip()) <= _SHORT_LINE and one.turn != page.get(one.photo)
        else one
        for one in read
    ]


def _figures(one: _Attempt) -> bool:
    return re.fullmatch(r"[¥￥夫]?\s*[\d.]*", one.text.strip()) is not None and bool(one.text.strip())


def _pointed(one: _Attempt, image: Pixels) -> _Attempt:
    """Add the decimal point to the text if its last figures are small and raised."""
    if one.stacked or FIGURES.fullmatch(one.text.strip()) is None:
        return one
    return replace(one, text=with_point(one.text, _crop(image, one)))


def _tail_region(one: _Attempt, image: Pixels) -> Region | None:
    """The region of small text after a price, inside its line or up to one line height past its end; or None."""
    top_left, top_right, bottom_right, bottom_left = one.corners
    past = (top_right - top_left) * (np.linalg.norm(bottom_left - top_left) / np.linalg.norm(top_right - top_left))
    top_right, bottom_right = top_right + past, bottom_right + past
    box = find_tail(cut(image, np.stack([top_left, top_right, bottom_right, bottom_left])))
    return None if box is None else _part_of(one, np.stack([top_left, top_right, bottom_right, bottom_left]), box)


def _part_of(one: _Attempt, corners: Floats, box: tuple[float, float, float, float]) -> Region:
    """The part of a quad given by a box in shares (left, top, right, bottom)."""
    top_left, top_right, bottom_right, bottom_left = corners
    left, top, right, bottom = box

    def at(x: float, y: float) -> Floats:
        upper, lower = top_left + x * (top_right - top_left), bottom_left + x * (bottom_right - bottom_left)
        return np.asarray(upper + y * (lower - upper), np.float32)

    return Region(np.stack([at(left, top), at(right, top), at(right, bottom), at(left, bottom)]), one.region.score)


def _first_attempts(photo: int, region: Region) -> list[_Attempt]:
    width, height = region.size
    if height < _TALL * width:
        return [_Attempt(photo, region)]
    ways = [_Attempt(photo, region, turn=1), _Attempt(photo, region, turn=3), _Attempt(photo, region, stacked=True)]
    if height < _ONE_GLYPH * width:
        ways.append(_Attempt(photo, region))
    return ways


def _turned(one: _Attempt) -> _Attempt:
    return replace(one, turn=(one.turn + 2) % 4)


def _best(attempts: Sequence[_Attempt]) -> list[_Attempt]:
    best: dict[int, _Attempt] = {}
    for attempt in attempts:
        present = best.get(id(attempt.region))
        if present is None or attempt.worth > present.worth:
            best[id(attempt.region)] = attempt
    return list(best.values())


def _crop(image: Pixels, attempt: _Attempt) -> Pixels:
    if not attempt.stacked:
        return cut(image, attempt.corners)
    # Upright characters below each other: cut into squares and set them side by side.
    width, height = attempt.region.size
    cells = max(1, round(height / width))
    top_left, top_right, bottom_right, bottom_left = attempt.region.corners
    edges = np.linspace(0, 1, cells + 1, dtype=np.float32)
    pieces = []
    for start, end in itertools.pairwise(edges):
        left, right = bottom_left - top_left, bottom_right - top_right
        cell = np.stack(
            [top_left + start * left, top_right + start * right, top_right + end * right, top_left + end * left]
        )
        pieces.append(cut(image, cell))
    return np.concatenate(pieces, axis=1)


def _line(one: _Attempt, limit: Floats) -> TextLine:
    corners = np.clip(one.corners, 0, limit)
    (a, b), (c, d), (e, f), (g, h) = corners.tolist()
    return TextLine(one.text.strip(), ((a, b), (c, d), (e, f), (g, h)), min(1.0, round(one.confidence, 4)))
