"""Barcodes and QR codes in a photo: a cascade that stops at the first proven reading.

Part of the barcodes stage; pure. zxing-cpp reads first, which is enough for a clear code. If OpenCV's detector finds a
bar pattern that was not read, a strip is cut along it, straightened, and preprocessed in several ways in turn.
Every reading must be verified: under blur and glare, OpenCV and zxing-cpp both give false numbers with valid check
digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Code, Pixels, Quad
from pixel_agent.core.gtin import check_digit_holds
from pixel_agent.photo.barcodes.candidates import Candidate, read_candidates
from pixel_agent.photo.barcodes.gs1 import Meaning, gtin_of
from pixel_agent.photo.barcodes.quads import area_of, flatness_of, grown, quad_of, touch, transform
from pixel_agent.photo.barcodes.second_look import (
    find_add_on,
    has_quiet_ends,
    reads_again_in_strip,
    reads_again_larger,
    without_add_on,
)
from pixel_agent.photo.barcodes.strips import cut_strip, equalize, lean_of, sharpen
from pixel_agent.photo.barcodes.symbologies import (
    ALL,
    ALL_IN_STRIPS,
    GS1_NAMES,
    INTERLEAVED,
    LINEAR,
    RETAIL,
    SMALL_MATRIX,
    STRONGLY_CHECKED,
    SURE,
    UNCHECKED,
    Format,
    is_databar,
    name_of,
)
from pixel_agent.photo.barcodes.verify import Gray, draw, locate, prove

OPENCV_KINDS = {"EAN_13": (Format.EAN13, 13), "UPC_A": (Format.EAN13, 13), "EAN_8": (Format.EAN8, 8)}

FLATTEST_UPC_E = 12.0
"""Maximum ratio of width to height. A scan line that leaves the bars in the middle reads the left half of an EAN-13 as
a UPC-E; if the bars lean, a few lines do."""
SMALL_PIXELS = 640 * 640
"""A picture up to this size is treated as a crop of one code; as the last resort it is preprocessed as a whole."""
COVERED = 0.1
"""The search ends once a code fills this share of the picture."""
MAX_REGIONS = 6
MOST_UNREST = 0.35
"""Maximum contrast just outside a code without a check digit, as a share of the contrast inside."""
RETAIL_NAMES = frozenset({"EAN-13", "EAN-8", "UPC-E"})

Stop = Callable[[], bool]


def read_codes(pixels: Pixels, *, patient: bool = True, stop: Stop = lambda: False) -> tuple[Code, ...]:
    """Read all codes of an upright RGB picture; corners are in its pixels. Only verified codes are returned.

    `patient`: a small picture without any code is preprocessed as a whole in further ways, which takes about 100 ms.
    `stop` is called between steps; once it returns true, the codes found so far are returned.
    """
    gray: Gray = np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = gray.shape
    found = merge(_proven(gray, read_candidates(gray, ALL)))
    small = height * width <= SMALL_PIXELS
    if stop() or sum(area_of(code.corners) for code in found) > COVERED * height * width:
        return found
    for quad in _regions(gray, small):
        if stop():
            return found
        if not any(touch(quad, code.corners) for code in found):
            found = merge([*found, *_first(_proven(gray, _in_strip(gray, quad, stop)))])
    if found or not (small and patient) or stop():
        return found
    return merge(_first(_proven(gray, _as_a_whole(gray, stop))))


def merge(codes: Iterable[Code]) -> tuple[Code, ...]:
    """Remove duplicates and sort into reading order: the same text read twice close together is one code.

    A shorter number inside a longer one is a part of its bars and is dropped.
    """
    kept: list[Code] = []
    for code in sorted(codes, key=_rank):
        if not any(_same(code, other) for other in kept):
            kept.append(code)
    return tuple(sorted(kept, key=lambda code: (code.box[1], code.box[0])))


def _rank(code: Code) -> tuple[bool, int, bool, float]:
    """Sort key for codes that can be duplicates: the most complete first."""
    return code.symbology in UNCHECKED, -len(code.text), code.add_on is None, -area_of(code.corners)


def _same(code: Code, longer: Code) -> bool:
    if code.text == longer.text:
        if code.symbology != longer.symbology:
            return False  # one number printed as bars and as a matrix, side by side
        return touch(code.corners, longer.corners, 0.5)
    both_retail = all(one.gtin is not None or one.symbology in RETAIL_NAMES for one in (code, longer))
    if not both_retail and code.symbology not in UNCHECKED:
        return False
    low, high = grown(longer.corners, 0.2)
    centre = np.asarray(code.corners, np.float32).mean(axis=0)
    return bool((low < centre).all() and (centre < high).all())


def _proven(gray: Gray, candidates: Iterable[Candidate]) -> Iterator[Code]:
    """The codes of the candidates that the photo verifies."""
    for candidate in candidates:
        if candidate.add_on is not None:
            add_on = find_add_on(gray, candidate)
            candidate = replace(without_add_on(gray, candidate), add_on=add_on)
        if _is_proven(gray, candidate):
            yield _code(candidate)


def _is_proven(gray: Gray, candidate: Candidate) -> bool:
    kind = candidate.format
    if kind in RETAIL:
        return _is_retail(gray, candidate)
    if kind in SURE:
        return True
    if kind in SMALL_MATRIX or is_databar(kind):
        return reads_again_larger(gray, candidate)
    if kind not in LINEAR and kind not in INTERLEAVED:
        return candidate.reserve > 0
    if not candidate.checked:
        return _is_clear(gray, candidate)
    return reads_again_in_strip(gray, candidate) or (
        reads_again_larger(gray, candidate) if kind in STRONGLY_CHECKED else _is_clear(gray, candidate)
    )


def _is_retail(gray: Gray, candidate: Candidate) -> bool:
    drawing = draw(candidate.printed, candidate.format)
    if drawing is None or not prove(gray, candidate.corners, drawing).holds:
        return False
    return candidate.format is not Format.UPCE or flatness_of(candidate.corners) < FLATTEST_UPC_E


def _is_clear(gray: Gray, candidate: Candidate) -> bool:
    """A code without a check digit must be read twice and have quiet ends: a part of another code can look the same."""
    return has_quiet_ends(gray, candidate.corners, MOST_UNREST) and (
        reads_again_larger(gray, candidate) or reads_again_in_strip(gray, candidate)
    )


def _code(candidate: Candidate) -> Code:
    meaning, kind = candidate.meaning, candidate.format
    name = name_of(kind)
    if meaning.gs1 and not meaning.text.lower().startswith("http"):
        name = GS1_NAMES.get(kind, name)
    return Code(
        name,
        meaning.text,
        candidate.corners,
        meaning.gtin,
        meaning.gs1,
        add_on=candidate.add_on,
        proven=kind is not Format.Codabar,
    )


def _regions(gray: Gray, small: bool) -> list[Quad]:
    """Bar patterns from OpenCV's detector, the largest first; a small picture is enlarged first."""
    factor = 2.0 if small else 1.0
    seen = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC) if small else gray
    found, points = cv2.barcode.BarcodeDetector().detectMulti(seen)
    if not found or points is None:
        return []
    # OpenCV lists bottom-left, top-left, top-right, bottom-right.
    quads = [quad_of((x, y) for x, y in np.roll(corners, -1, axis=0) / factor) for corners in points]
    return sorted(quads, key=area_of, reverse=True)[:MAX_REGIONS]


def _in_strip(gray: Gray, quad: Quad, stop: Stop) -> Iterator[Candidate]:
    """Read one region: a straightened strip, preprocessed in several ways, the cheapest and most effective first."""
    lean = lean_of(gray, quad)
    kinds = ALL_IN_STRIPS
    for width, height in ((640, 24), (420, 32), (900, 64)):
        strip, back = cut_strip(gray, quad, width, height, lean)
        for prepared in _preparations(strip):
            if stop():
                return
            for candidate in read_candidates(prepared, kinds, strip=True):
                yield replace(candidate, corners=transform(candidate.corners, back))
            if height >= 64:
                yield from _opencv(prepared, back)


def _preparations(strip: Gray) -> Iterator[Gray]:
    equalized = equalize(strip)
    yield sharpen(strip, 3, 1.5)
    yield equalized
    yield sharpen(strip, 6, 3)
    yield sharpen(equalized, 6, 2)
    yield sharpen(strip, 10, 3)


def _opencv(strip: Gray, back: NDArray[np.float32]) -> Iterator[Candidate]:
    """OpenCV's readings of a strip, each placed in the photo where its drawing fits best."""
    height, width = strip.shape
    corners = np.array([[[0, height - 1], [0, 0], [width - 1, 0], [width - 1, height - 1]]], np.float32)
    _, texts, kinds = cv2.barcode.BarcodeDetector().decodeWithType(strip, corners)
    for text, kind in zip(texts, kinds, strict=True):
        if not text or kind not in OPENCV_KINDS:
            continue
        symbology, digits = OPENCV_KINDS[kind]
        printed = text.zfill(digits)
        drawing = draw(printed, symbology)
        if drawing is None or not check_digit_holds(printed):
            continue
        for left, right in locate(strip, drawing):
            ends = quad_of(((left, 0), (right, 0), (right, height), (left, height)))
            yield Candidate(symbology, printed, Meaning(printed, gtin_of(printed)), transform(ends, back))


def _as_a_whole(gray: Gray, stop: Stop) -> Iterator[Candidate]:
    """The last resort for a small picture: enlarged, smoothed along either axis, sharpened, padded, turned."""
    kinds = ALL
    factor = float(np.clip(np.sqrt(2 * SMALL_PIXELS / gray.size), 1, 3))
    for name in ("enlarged", "along", "equalized", "padded", "across"):
        if stop():
            return
        source = {"along": cv2.blur(gray, (1, 9)), "across": cv2.blur(gray, (9, 1)), "equalized": equalize(gray)}
        large = np.asarray(
            cv2.resize(source.get(name, gray), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8
        )
        margin = 40 if name == "padded" else 0
        if name != "equalized":
            large = sharpen(large, 2 * factor, 3)
        if margin:
            large = np.asarray(
                cv2.copyMakeBorder(large, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255), np.uint8
            )
        back = np.array([[1 / factor, 0, -margin / factor], [0, 1 / factor, -margin / factor], [0, 0, 1]], np.float32)
        for candidate in read_candidates(large, kinds):
            yield replace(candidate, corners=transform(candidate.corners, back))


def _first(codes: Iterator[Code]) -> list[Code]:
    code = next(codes, None)
    return [] if code is None else [code]
