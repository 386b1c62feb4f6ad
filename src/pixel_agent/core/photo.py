"""Types for a photo and its contents: pixels, boxes, lines of text, codes, quality."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, floor
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels: TypeAlias = NDArray[np.uint8]
else:
    Pixels = object  # clients import these types, too, and do not need numpy
"""Height x width x 3, RGB, upright, 8 bit."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright original photo; right and bottom are exclusive."""

Point: TypeAlias = tuple[float, float]
Quad: TypeAlias = tuple[Point, Point, Point, Point]
"""Four corners in pixels of the upright original: top-left, top-right, bottom-right, bottom-left *as read*."""

VISUAL_TOKEN_SIDE = 32
"""Side in pixels of the square that one visual token covers (Qwen3-VL: patch 16, merge 2)."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One remark about a scan, with a stable code for programs and a message for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a photo can be read. Scales are those of `pixel_agent.photo.stage`."""

    sharpness: float
    brightness: float
    contrast: float
    glare: float
    tilt_deg: float | None = None
    advice: tuple[Notice, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Assessment:
    """Quality and appearance of a photo, computed from its pixels.

    `fingerprint` is a 64-bit difference hash: near copies differ in few bits.
    """

    quality: Quality
    fingerprint: int


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One prepared photo.

    `pixels` is upright RGB within the pixel budget it was prepared for. `width` and `height` are those of the upright
    original: boxes are always given in its pixels. `decode(max_pixels)` decodes the upload again at another budget
    (None: full size); it blocks, so call it in a worker thread. `captured_at` is the camera's own time, if it has one.
    The photo's quality is in a separate `Assessment`.
    """

    data: bytes
    sha256: str
    media_type: str
    width: int
    height: int
    pixels: Pixels
    decode: Callable[[int | None], Pixels]
    captured_at: datetime | None = None

    @property
    def prepared_size(self) -> tuple[int, int]:
        """Width and height of `pixels`."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def scale(self) -> tuple[float, float]:
        """Factors (x, y) from prepared pixels to pixels of the original."""
        width, height = self.prepared_size
        return self.width / width, self.height / height

    @property
    def visual_tokens(self) -> int:
        """Visual tokens of the prepared photo for a vision-language model: one token per 32 x 32 pixels."""
        width, height = self.prepared_size
        return max(1, round(width / VISUAL_TOKEN_SIDE)) * max(1, round(height / VISUAL_TOKEN_SIDE))


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text that was read. `confidence` is the OCR model's own, 0-1."""

    text: str
    corners: Quad
    confidence: float

    @property
    def box(self) -> Box:
        """The upright rectangle around the line."""
        return bounding_box(self.corners)


@dataclass(frozen=True, slots=True)
class Code:
    """One barcode or QR code that was read *and verified* (check digit, error correction, or equal looks).

    `gtin` has 8, 13 or 14 digits (UPC-A is given as 13 with its leading zero), None if the code has none. `gs1` maps
    application identifiers to values as printed ("17" → "261122"). `add_on` is the 2 or 5 digits next to an EAN (issues
    of magazines, prices of books). `proven` is false for Codabar, which has no check digit of its own.
    """

    symbology: str
    text: str
    corners: Quad
    gtin: str | None = None
    gs1: Mapping[str, str] = field(default_factory=dict)
    add_on: str | None = None
    proven: bool = True

    @property
    def box(self) -> Box:
        """The upright rectangle around the code."""
        return bounding_box(self.corners)


def bounding_box(corners: Quad) -> Box:
    """The smallest upright box around four corners, in whole pixels, at least 1 x 1."""
    xs = [x for x, _ in corners]
    ys = [y for _, y in corners]
    left, top = floor(min(xs)), floor(min(ys))
    return left, top, max(left + 1, ceil(max(xs))), max(top + 1, ceil(max(ys)))


def sha256_of(data: bytes) -> str:
    """The SHA-256 of a photo's bytes, in hexadecimal: the photo's name in the store and in comparisons."""
    return hashlib.sha256(data).hexdigest()
