"""The work of a decoder on one photo: check it, decode it to pixels, or make a small JPEG of it. Blocks.

The same functions run in decoder processes (`decoder.py`) and in threads (`decoders.py`). All input and output besides
bytes and pixels is plain JSON, so that a message of a compromised decoder cannot run code in the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

import cv2
import numpy as np

from pixel_agent.core import Assessment, Notice, Pixels, Quality
from pixel_agent.core.errors import (
    EmptyPhoto,
    InvalidPhoto,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PixelAgentError,
    UnsupportedPhoto,
)
from pixel_agent.photo import quality
from pixel_agent.photo.decode import Header, Source, decode, read_photo
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.refusals import too_costly

MAX_PIXEL_PASSES: Final = 600_000_000
"""Maximum of pixels times scans of a progressive JPEG: 50 megapixels in twelve scans, about three seconds."""
THUMBNAIL_QUALITY: Final = 82
_ERRORS: Final[dict[str, type[PixelAgentError]]] = {
    error.code: error for error in (InvalidPhoto, EmptyPhoto, UnsupportedPhoto, PhotoTooLarge, PhotoTooManyPixels)
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """One piece of work for a decoder.

    `what` is `check`: the header only; `pixels`: at most `budget` of them (None: all), on a `grid`, or with a longer
    side of at most `side` if that is given; `jpeg`: upright, with a longer side of at most `side`. The photo is first
    checked against `max_pixels` and `max_decoded_bytes`.
    """

    what: Literal["check", "pixels", "jpeg"]
    max_pixels: int
    max_decoded_bytes: int
    budget: int | None = None
    grid: int = 1
    side: int | None = None
    assess: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """The result of an order: always the header; pixels or a JPEG if they were ordered."""

    header: Header
    pixels: Pixels | None = None
    jpeg: bytes | None = None


def perform(order: Order, data: bytes) -> Made:
    """Check the photo and run the order. Raises only errors of the InvalidPhoto family, and MemoryError."""
    source = check(data, order.max_pixels, order.max_decoded_bytes)
    if order.what == "check":
        return Made(source.header)
    budget = order.budget if order.side is None else _budget(source.header, order.side)
    pixels = decode(source, budget, order.grid)
    return Made(source.header, jpeg=_jpeg(pixels)) if order.what == "jpeg" else Made(source.header, pixels)


def check(data: bytes, max_pixels: int, max_decoded_bytes: int) -> Source:
    """Check type, structure, pixels and cost against the limits; a photo exactly at a limit is accepted."""
    source = read_photo(data, media_type_of(data))
    header = source.header
    pixels = header.width * header.height
    if pixels > max_pixels:
        raise PhotoTooManyPixels(
            f"The photo has {header.width} x {header.height} pixels; the limit is {max_pixels:,} pixels.",
            "Send a smaller version of the photo.",
        )
    if pixels * header.pixel_bytes > max_decoded_bytes:
        raise too_costly(
            f"takes {pixels * header.pixel_bytes:,} bytes when it is decoded; the limit is {max_decoded_bytes:,} bytes"
        )
    if pixels * header.passes > MAX_PIXEL_PASSES:
        raise too_costly(f"has {header.passes} scans of {pixels:,} pixels, which takes too long to decode")
    return source


def assess(pixels: Pixels, header: Header) -> Assessment:
    """Quality and fingerprint of upright pixels; takes about 2 ms."""
    return Assessment(quality.assess(pixels, header.upright_size), fingerprint(pixels))


def fingerprint(pixels: Pixels) -> int:
    """64-bit difference hash (Krawetz's dHash): 9 x 8 grey cells, one bit for each cell darker than its right one."""
    step = max(1, min(pixels.shape[:2]) // 128)  # a cell's mean needs no more than 16 x 16 samples
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[::step, ::step]), cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(cells[:, :-1] < cells[:, 1:]).tobytes(), "big")


# On the wire -----------------------------------------------------------------------------------------------------


def header_json(header: Header) -> Json:
    """A header as a JSON object, for the way between processes."""
    taken = header.captured_at
    return {**asdict(header), "captured_at": None if taken is None else taken.isoformat()}


def header_of(said: Mapping[str, Any]) -> Header:
    """The header from its JSON object."""
    taken = said["captured_at"]
    return Header(**{**said, "captured_at": None if taken is None else datetime.fromisoformat(taken)})


def assessment_json(found: Assessment) -> Json:
    """An assessment as a JSON object, for the way between processes."""
    return {"quality": asdict(found.quality), "fingerprint": found.fingerprint}


def assessment_of(said: Mapping[str, Any]) -> Assessment:
    """The assessment from its JSON object."""
    advice = tuple(Notice(**notice) for notice in said["quality"]["advice"])
    return Assessment(Quality(**{**said["quality"], "advice": advice}), int(said["fingerprint"]))


def error_json(error: PixelAgentError) -> Json:
    """An error as a JSON object, for the way between processes."""
    return {"error": error.code, "message": error.message, "advice": error.advice}


def error_of(said: Mapping[str, Any]) -> PixelAgentError:
    """The error from its JSON object; an unknown code becomes an internal error."""
    return _ERRORS.get(said["error"], PixelAgentError)(said["message"], said["advice"])


def _budget(header: Header, side: int) -> int:
    scale = min(1.0, side / max(header.width, header.height))
    return max(1, int(header.width * scale)) * max(1, int(header.height * scale))


def _jpeg(pixels: Pixels) -> bytes:
    parameters = [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), parameters)
    return bytes(encoded)
