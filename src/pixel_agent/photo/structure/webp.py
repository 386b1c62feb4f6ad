"""WebP: checks the RIFF chunks (RFC 9649), for `decode.py`. Of an animation, the first frame is used."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from pixel_agent.photo.refusals import broken, too_costly

MAX_CHUNKS: Final = 4096
"""Maximum number of chunks. A photo has up to six; an animation has one more per frame."""


@dataclass(frozen=True, slots=True)
class WebP:
    """The properties of a WebP file. `whole`: the file up to its stated end."""

    width: int
    height: int
    exif: bytes
    whole: bytes = field(repr=False)


def read_webp(data: bytes) -> WebP:
    """Read size and EXIF. Raises InvalidPhoto if the file ends early or has no picture."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise broken("WEBP", "ends early")
    size, exif, at, chunks = (0, 0), b"", 12, 0
    while at + 8 <= end:
        chunks += 1
        if chunks > MAX_CHUNKS:
            raise too_costly(f"has more than {MAX_CHUNKS} chunks")
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise broken("WEBP", "ends early")
        if kind == b"EXIF":
            exif = data[at + 8 : at + 8 + length]
        elif size == (0, 0):
            size = _size(kind, data[at + 8 : at + 18])
        at += 8 + length + (length & 1)
    return WebP(*size, exif, data[:end])


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    if len(body) < 10 and not (kind == b"VP8L" and len(body) >= 5):
        return 0, 0
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return 0, 0
