"""Reads the text of photos on the CPU: find lines at a bounded resolution, recognise them at full sharpness.

Used by the `embedded` engine. Pixels in, lines out; what the lines mean is up to `pixel_agent.tasks.rules`.
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

    A first look that finds no text, or text lower than `small_text` pixels, suggests that more was missed.
    Images are enlarged by at most half for a look: enlarging finds text a few pixels high (measured on 960 px photos of
    shops: about twice the lines), more only adds noise.
    `figures_side`: where the tallest line holds no figures, or a currency sign stands alone, look once more at this size
    and add what is found: on price tags a single large figure is missed now at one size, now at another.
    """

    long_side: int
    closer_side: int = 0
    small_text: float = 16.0
    figures_side: int = 0
    blur_px: float = 0.0
    """Standard deviation of a blur before anything is looked at: it joins print in dots."""


CLOSE = DetectionSize(1536)
"""For whole scenes: shelves, storefronts, notices."""
QUICK = DetectionSize(640, closer_side=1536, figures_side=960)
"""For photos that large text fills, such as price tags: half the cost of anything else is in this number."""
_ENLARGE = 1.5
_TALL = 1.5
"""Regions this many times as high as wide may hold a vertical line."""
_ONE_GLYPH = 3.0
"""Regions up to this many times as high as wide may be a single upright character, such as 1."""
_DOUBTFUL = 0.85
"""Below this confidence a line is read upside down as well."""
_BATCH_WIDTH = 2560
"""Pixels of width that lines recognised together have in sum: bounds memory, and costs nothing (batches of one line are
as fast per line on a CPU)."""
_OWN_TAIL = re.compile(r"(?P<price>[¥￥]?\s*\d[\d.]*)\s*[元兀]?\s*[/／].+")
_SURE_TAIL = 0.8
"""Small writing behind a price counts from this confidence: what stands there may be anything."""
_SHORT_LINE = 4
"""Lines of at most this many characters do not tell which way a page stands."""
_GUESS = 0.6
"""A short line follows its page only if it is read with this confidence that way."""
_SURE_REGION = 0.75
"""The detector is this sure that writing stands somewhere, though it could not be recognised."""
MIN_CONFIDENCE = 0.7
"""Below this, what was read on real shop photos was mostly wrong (looked at by eye: nearly all under 0.7 were)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Attempt:
    """One way to read one region: `turn` quarter turns of its corners, or its characters laid side by side."""

    photo: int
    region: Region
    turn: int = 0
    stacked: bool = False
    text: str = ""
    confidence: float = 0.0

    @property
    def corners(self) -> Floats:
        """The corners as read."""
        return np.roll(self.region.corners, -self.turn, axis=0)

    @property
    def worth(self) -> float:
        """Confidence, less for few characters: a wrongly turned word often looks like one certain dash, and the two
        halves of an upright 1 like 11."""
        text = self.text.strip()
        worth = self.confidence * (1 - 0.5 ** len(text))
        doubtful = len(text) < 2 or (self.stacked and len(text) == 2 and text.isascii())
        return worth / 4 if doubtful and (self.stacked or self.turn % 2) else worth


class TextReader:
    """PP-OCR detection and recognition over several photos at once, on `threads` threads.

    Loading takes about a second. Raises EngineUnavailable where the models are missing. Not to be called from two
    threads at the same time. Lines under `min_confidence` are dropped; `unread` has them, of the last call's images.
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

        `sizes`: how to find lines, for each image or for all; recognition always sees full resolution.
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
        """Every way to read every region."""
        ways = [one for photo, some in enumerate(regions) for region in some for one in _first_attempts(photo, region)]
        return self._recognise(images, ways)

    def _look_for_figures(
        self, images: Sequence[Pixels], sizes: Sequence[DetectionSize], read: Sequence[_Attempt]
    ) -> list[_Attempt]:
        """What a look at another size finds beside the lines of photos whose large figures seem to be missing."""
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
        """All lines, and the small writing behind large prices read again by itself, where it was misread with them."""
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
        """All lines; those whose ink shows more raised decimals than were read get them from a look at these alone."""
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
        """Read doubtful lines upside down as well; where most of a photo stands on its head, the rest does, too.

        Lines of a few figures read as well upside down: they follow the long lines of their photo.
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
        """Writing that was found and not recognised: what stands there is unknown, and its text is left out."""
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
    """Indices of quads (4 x 2, corners as read) row by row, along and across the direction that most text runs in."""
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
    """Whether the tallest line holds no figure, or a currency sign (as readers see it) stands alone."""
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
    """Short lines as read in the direction of the long ones, where these agree and the reading is no mere guess."""
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
    """The same, with the point that small raised decimals stand for."""
    if one.stacked or FIGURES.fullmatch(one.text.strip()) is None:
        return one
    return replace(one, text=with_point(one.text, _crop(image, one)))


def _tail_region(one: _Attempt, image: Pixels) -> Region | None:
    """Where small writing stands behind a price, in its line or up to one height past its end."""
    top_left, top_right, bottom_right, bottom_left = one.corners
    past = (top_right - top_left) * (np.linalg.norm(bottom_left - top_left) / np.linalg.norm(top_right - top_left))
    top_right, bottom_right = top_right + past, bottom_right + past
    box = find_tail(cut(image, np.stack([top_left, top_right, bottom_right, bottom_left])))
    return None if box is None else _part_of(one, np.stack([top_left, top_right, bottom_right, bottom_left]), box)


def _part_of(one: _Attempt, corners: Floats, box: tuple[float, float, float, float]) -> Region:
    """The part of four corners that a box names in shares (left, top, right, bottom)."""
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
    # Upright characters one under the other: cut into squares and lay them side by side.
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
