"""Barcodes and QR codes in a photo: a cascade that stops at the first proven reading.

Part of the evidence stage; pure. zxing-cpp reads first, which is all that a clear code costs. Where OpenCV's detector
sees a bar pattern that was not read, a strip is cut along it, straightened, and prepared in one way after another.
Every reading has to be proven: OpenCV and zxing-cpp both invent numbers with valid check digits under blur and glare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from pixel_agent.core import Code, Pixels, Point, Quad
from pixel_agent.photo.barcodes.gs1 import Meaning, gtin_of, of_gs1, of_text
from pixel_agent.photo.barcodes.verify import Gray, draw, locate, prove

Format = zxingcpp.BarcodeFormat

RETAIL = (Format.EAN13, Format.EAN8, Format.UPCE)
MATRIX = (Format.QRCode, Format.DataMatrix, Format.Aztec, Format.PDF417)
LINEAR = (Format.Code128, Format.Code93, Format.Code39, Format.ITF, Format.DataBar)
"""Codabar, Telepen, DX film edge and the micro codes are left out: too weak to be proven in a photo."""
NAMES = {
    Format.EAN13: "EAN-13",
    Format.EAN8: "EAN-8",
    Format.UPCA: "UPC-A",
    Format.UPCE: "UPC-E",
    Format.ITF14: "ITF-14",
    Format.Code128: "Code 128",
    Format.Code93: "Code 93",
    Format.Code39: "Code 39",
    Format.QRCode: "QR Code",
    Format.DataMatrix: "Data Matrix",
    Format.Aztec: "Aztec Code",
    Format.PDF417: "PDF417",
}
GS1_NAMES = {Format.Code128: "GS1-128", Format.DataMatrix: "GS1 DataMatrix", Format.QRCode: "GS1 QR Code"}

OPENCV_KINDS = {"EAN_13": (Format.EAN13, 13), "UPC_A": (Format.EAN13, 13), "EAN_8": (Format.EAN8, 8)}

SHORTEST_TEXT = 4
"""Fewest characters of a Code 128, Code 93 or Code 39: shorter ones are found in any texture."""
THINNEST = 0.01
"""Height of a strip in parts of its width, at least."""
FLATTEST_UPC_E = 12.0
"""Width by height. The left half of an EAN-13 is a UPC-E for a line that leaves the bars in the middle; where the bars
lean, a few lines do."""
SMALL_PIXELS = 640 * 640
"""A picture up to this size is taken as a cut-out of one code, and prepared as a whole as the last resort."""
COVERED = 0.1
"""Share of the picture that a code must fill for nothing else to be looked for."""
MAX_REGIONS = 6

Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A reading without proof, in pixels of the picture that `read_codes` was given. `printed` is what was drawn."""

    format: zxingcpp.BarcodeFormat
    printed: str
    meaning: Meaning
    corners: Quad
    reserve: float = 1.0


def read_codes(pixels: Pixels, *, patient: bool = True, stop: Stop = lambda: False) -> tuple[Code, ...]:
    """Read all codes of an upright RGB picture; corners are in its pixels. Nothing is returned without proof.

    `patient`: a small picture without any code is prepared in further ways as a whole, at about 100 ms. `stop` is asked
    between steps: once it says yes, what was found so far is returned.
    """
    gray: Gray = np.ascontiguousarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    height, width = gray.shape
    found = merge(_proven(gray, _zxing(gray, (*RETAIL, *MATRIX, *LINEAR))))
    small = height * width <= SMALL_PIXELS
    if stop() or sum(_area(code.corners) for code in found) > COVERED * height * width:
        return found
    for quad in _regions(gray, small):
        if stop():
            return found
        if not any(_touch(quad, code.corners) for code in found):
            found = merge([*found, *_first(_proven(gray, _in_strip(gray, quad, stop)))])
    if found or not (small and patient) or stop():
        return found
    return merge(_first(_proven(gray, _as_a_whole(gray, stop))))


def merge(codes: Iterable[Code]) -> tuple[Code, ...]:
    """One entry for one code, in reading order: the same text read twice close together is one code.

    A shorter number that was read inside a longer one is a part of its bars, not a code.
    """
    kept: list[Code] = []
    for code in sorted(codes, key=lambda code: (-len(code.text), -_area(code.corners))):
        if not any(_same(code, other) for other in kept):
            kept.append(code)
    return tuple(sorted(kept, key=lambda code: (code.box[1], code.box[0])))


def _same(code: Code, longer: Code) -> bool:
    if code.text == longer.text:
        if code.symbology != longer.symbology:
            return False  # one number printed as bars and as a matrix, side by side
        return _touch(code.corners, longer.corners, 0.5)
    if code.gtin is None or longer.gtin is None:
        return False
    low, high = _grown(longer.corners, 0.2)
    centre = np.asarray(code.corners, np.float32).mean(axis=0)
    return bool((low < centre).all() and (centre < high).all())


def _zxing(gray: Gray, formats: Iterable[zxingcpp.BarcodeFormat], *, strip: bool = False) -> Iterator[_Candidate]:
    """All that zxing-cpp reads. `strip`: the bars stand upright, so that no turning and shrinking is needed."""
    barcodes = zxingcpp.read_barcodes(
        gray,
        formats=zxingcpp.BarcodeFormats(list(formats)),
        try_rotate=not strip,
        try_downscale=not strip,
        try_invert=not strip,
        text_mode=zxingcpp.TextMode.Plain,
    )
    for barcode in barcodes:
        candidate = _candidate(barcode)
        if candidate is not None:
            yield candidate


def _candidate(barcode: zxingcpp.Barcode) -> _Candidate | None:
    """A candidate that obeys its symbology's own rules (check digit, length), or None."""
    place = barcode.position
    corners = _quad((p.x, p.y) for p in (place.top_left, place.top_right, place.bottom_right, place.bottom_left))
    kind, text = barcode.format, barcode.text
    extra = barcode.extra if isinstance(barcode.extra, dict) else {}
    if kind in RETAIL:
        gtin = gtin_of(text)
        printed = str(extra.get("UPCE", text)) if kind is Format.UPCE else text
        return None if gtin is None else _Candidate(kind, printed, Meaning(printed, gtin), corners)
    if kind in (Format.ITF, Format.ITF14):
        gtin = gtin_of(text) if len(text) == 14 else None
        return None if gtin is None else _Candidate(Format.ITF14, text, Meaning(text, gtin), corners)
    is_gs1 = barcode.content_type == zxingcpp.ContentType.GS1
    meaning = of_gs1(text) if is_gs1 else of_text(text)
    if kind not in MATRIX and not is_gs1 and len(text) < SHORTEST_TEXT:
        return None
    return _Candidate(kind, text, meaning, corners, float(extra.get("UEC", 1.0))) if text.strip() else None


def _proven(gray: Gray, candidates: Iterable[_Candidate]) -> Iterator[Code]:
    """The candidates that the photo bears out."""
    for candidate in candidates:
        if candidate.format in RETAIL:
            drawing = draw(candidate.printed, candidate.format)
            proven = drawing is not None and prove(gray, candidate.corners, drawing).holds
            if candidate.format is Format.UPCE:
                proven = proven and _flatness(candidate.corners) < FLATTEST_UPC_E
        elif candidate.format in MATRIX:
            proven = candidate.format is Format.QRCode or candidate.reserve > 0
        else:
            proven = _read_again(gray, candidate)
        if proven:
            yield _code(candidate)


def _read_again(gray: Gray, candidate: _Candidate) -> bool:
    """Whether a second, differently prepared look at the same place reads the same."""
    kinds = (Format.ITF,) if candidate.format is Format.ITF14 else (candidate.format,)
    top_left, top_right, _, _ = np.asarray(candidate.corners, np.float32)
    width = int(np.clip(1.6 * np.hypot(*(top_right - top_left)), 240, 1600))
    for height in (24, 48):
        strip, _ = _strip(gray, candidate.corners, width, height, lean=0.0, margin=0.12)
        for prepared in (strip, _sharper(strip, 3, 1)):
            if any(again.printed == candidate.printed for again in _zxing(prepared, kinds, strip=True)):
                return True
    return False


def _code(candidate: _Candidate) -> Code:
    meaning, kind = candidate.meaning, candidate.format
    name = NAMES.get(kind, "GS1 DataBar" if "DataBar" in kind.name else kind.name)
    if meaning.gs1 and not meaning.text.lower().startswith("http"):
        name = GS1_NAMES.get(kind, name)
    return Code(name, meaning.text, candidate.corners, meaning.gtin, meaning.gs1)


def _regions(gray: Gray, small: bool) -> list[Quad]:
    """Bar patterns as OpenCV's detector sees them, the largest first; a small picture is enlarged for it."""
    factor = 2.0 if small else 1.0
    seen = cv2.resize(gray, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC) if small else gray
    found, points = cv2.barcode.BarcodeDetector().detectMulti(seen)
    if not found or points is None:
        return []
    # OpenCV lists bottom-left, top-left, top-right, bottom-right.
    quads = [_quad((x, y) for x, y in np.roll(corners, -1, axis=0) / factor) for corners in points]
    return sorted(quads, key=_area, reverse=True)[:MAX_REGIONS]


def _in_strip(gray: Gray, quad: Quad, stop: Stop) -> Iterator[_Candidate]:
    """Read one region: a straightened strip, prepared in one way after another, cheapest and most fruitful first."""
    lean = _lean(gray, quad)
    kinds = (*RETAIL, *LINEAR)
    for width, height in ((640, 24), (420, 32), (900, 64)):
        strip, back = _strip(gray, quad, width, height, lean)
        for prepared in _preparations(strip):
            if stop():
                return
            for candidate in _zxing(prepared, kinds, strip=True):
                yield replace(candidate, corners=_transform(candidate.corners, back))
            if height >= 64:
                yield from _opencv(prepared, back)


def _preparations(strip: Gray) -> Iterator[Gray]:
    equalized = _equalized(strip)
    yield _sharper(strip, 3, 1.5)
    yield equalized
    yield _sharper(strip, 6, 3)
    yield _sharper(equalized, 6, 2)
    yield _sharper(strip, 10, 3)


def _opencv(strip: Gray, back: NDArray[np.float32]) -> Iterator[_Candidate]:
    """What OpenCV reads in a strip, laid over the photo where its drawing fits best."""
    height, width = strip.shape
    corners = np.array([[[0, height - 1], [0, 0], [width - 1, 0], [width - 1, height - 1]]], np.float32)
    _, texts, kinds = cv2.barcode.BarcodeDetector().decodeWithType(strip, corners)
    for text, kind in zip(texts, kinds, strict=True):
        if not text or kind not in OPENCV_KINDS:
            continue
        symbology, digits = OPENCV_KINDS[kind]
        printed = text.zfill(digits)
        gtin, drawing = gtin_of(printed), draw(printed, symbology)
        if gtin is None or drawing is None:
            continue
        for left, right in locate(strip, drawing):
            ends = _quad(((left, 0), (right, 0), (right, height), (left, height)))
            yield _Candidate(symbology, printed, Meaning(printed, gtin), _transform(ends, back))


def _as_a_whole(gray: Gray, stop: Stop) -> Iterator[_Candidate]:
    """The last resort for a small picture: enlarged, smoothed along either axis, sharpened, padded, turned."""
    kinds = (*RETAIL, *MATRIX, *LINEAR)
    factor = float(np.clip(np.sqrt(2 * SMALL_PIXELS / gray.size), 1, 3))
    for name in ("enlarged", "along", "equalized", "padded", "across"):
        if stop():
            return
        source = {"along": cv2.blur(gray, (1, 9)), "across": cv2.blur(gray, (9, 1)), "equalized": _equalized(gray)}
        large = np.asarray(
            cv2.resize(source.get(name, gray), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8
        )
        margin = 40 if name == "padded" else 0
        if name != "equalized":
            large = _sharper(large, 2 * factor, 3)
        if margin:
            large = np.asarray(
                cv2.copyMakeBorder(large, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=255), np.uint8
            )
        back = np.array([[1 / factor, 0, -margin / factor], [0, 1 / factor, -margin / factor], [0, 0, 1]], np.float32)
        for candidate in _zxing(large, kinds):
            yield replace(candidate, corners=_transform(candidate.corners, back))


def _strip(
    gray: Gray, quad: Quad, width: int, height: int, lean: float, margin: float = 0.06
) -> tuple[Gray, NDArray[np.float32]]:
    """Cut a region out as an upright strip, its bars made vertical; and the way back into the photo (3 x 3)."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(quad, np.float32)
    along = (top_right - top_left + bottom_right - bottom_left) / 2
    if np.hypot(*along) < 1:
        along = np.array([1, 0], np.float32)
    down = (bottom_left - top_left + bottom_right - top_right) / 2 * 0.4
    if np.hypot(*down) < THINNEST * np.hypot(*along):  # read on one line only
        down = THINNEST * np.array([-along[1], along[0]], np.float32)
    centre = (top_left + top_right + bottom_right + bottom_left) / 4
    half = along * (0.5 + margin)
    down = down + along * (lean * float(np.hypot(*down) / np.hypot(*along)))
    source = np.array([centre - half - down, centre + half - down, centre + half + down, centre - half + down])
    fine = 3
    target = np.array([[0, 0], [width, 0], [width, height * fine], [0, height * fine]], np.float32)
    forth = cv2.getPerspectiveTransform(source.astype(np.float32), target)
    cut = cv2.warpPerspective(
        gray, forth, (width, height * fine), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    strip = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    back = np.linalg.inv(forth) @ np.diag([1, fine, 1])
    return np.asarray(strip, np.uint8), back.astype(np.float32)


def _lean(gray: Gray, quad: Quad) -> float:
    """How far the bars lean: steps along the code per step down, from the main direction of the gradients."""
    top_left, top_right, _, bottom_left = np.asarray(quad, np.float32)
    width, height = (max(8, int(np.hypot(*side))) for side in (top_right - top_left, bottom_left - top_left))
    scale = min(1.0, 480 / width)
    width, height = int(width * scale), max(8, int(height * scale))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    forth = cv2.getPerspectiveTransform(np.asarray(quad, np.float32), target)
    upright = cv2.warpPerspective(gray, forth, (width, height), flags=cv2.INTER_LINEAR)
    middle = upright[height // 8 : height - height // 8]
    dx, dy = cv2.Scharr(middle, cv2.CV_32F, 1, 0), cv2.Scharr(middle, cv2.CV_32F, 0, 1)
    angle = 0.5 * np.arctan2(2 * float((dx * dy).sum()), float((dx * dx).sum() - (dy * dy).sum()))
    return float(np.clip(-np.tan(angle), -1, 1))


def _sharper(gray: Gray, radius: float, amount: float) -> Gray:
    soft = cv2.GaussianBlur(gray, (0, 0), radius)
    return np.asarray(cv2.addWeighted(gray, 1 + amount, soft, -amount, 0), np.uint8)


def _equalized(gray: Gray) -> Gray:
    tiles = (4, 1) if gray.shape[1] > 6 * gray.shape[0] else (8, 8)
    return np.asarray(cv2.createCLAHE(3, tiles).apply(gray), np.uint8)


def _first(codes: Iterator[Code]) -> list[Code]:
    code = next(codes, None)
    return [] if code is None else [code]


def _touch(one: Quad, other: Quad, reach: float = 0.0) -> bool:
    """Whether the upright boxes overlap, each grown by `reach` times its longer side."""
    (a, b), (c, d) = (_grown(quad, reach) for quad in (one, other))
    return bool((a < d).all() and (c < b).all())


def _grown(quad: Quad, reach: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    points = np.asarray(quad, np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    more = reach * float((high - low).max()) / 2
    return low - more, high + more


def _flatness(quad: Quad) -> float:
    top_left, top_right, bottom_right, bottom_left = np.asarray(quad, np.float32)
    across = np.hypot(*(top_right + bottom_right - top_left - bottom_left))
    return float(across / max(1e-3, np.hypot(*(bottom_left + bottom_right - top_left - top_right))))


def _area(quad: Quad) -> float:
    return float(cv2.contourArea(np.asarray(quad, np.float32)))


def _quad(points: Iterable[Point]) -> Quad:
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in points)
    return top_left, top_right, bottom_right, bottom_left


def _transform(quad: Quad, matrix: NDArray[np.float32]) -> Quad:
    moved = cv2.perspectiveTransform(np.asarray([quad], np.float32), matrix)[0]
    return _quad((x, y) for x, y in moved)
