"""PNG: checks the chunks (W3C PNG, third edition) and passes only those needed for pixels to the codec."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from pixel_agent.photo.refusals import broken, too_costly

MAX_CHUNKS: Final = 65_536
"""Maximum number of chunks. A 20 MB PNG in chunks of 8 kB has 2,500."""
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_FOR_PIXELS: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


@dataclass(frozen=True, slots=True)
class Png:
    """The properties of a PNG. `colour`: 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha. `whole`: the file without
    animation and text.
    """

    width: int
    height: int
    depth: int
    colour: int
    transparent: bool
    exif: bytes
    whole: bytes = field(repr=False)

    @property
    def pixel_bytes(self) -> int:
        """Bytes of a decoded pixel; a palette becomes RGB, transparency becomes a channel."""
        channels = 4 if self.transparent else 3 if self.colour == 3 else _CHANNELS[self.colour]
        return channels * (2 if self.depth == 16 else 1)


def read_png(data: bytes) -> Png:
    """Read all chunks. A wrong checksum makes the photo invalid only in chunks needed for pixels; others are left out.

    Raises InvalidPhoto if the file ends early or is damaged.
    """
    view = memoryview(data)
    kept, exif, at = [view[:8]], b"", 8
    kinds: set[bytes] = set()
    for _ in range(MAX_CHUNKS):
        kind, body, end = _chunk(data, at)
        right = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(data[end - 4 : end], "big")
        if kind[0] & 32 == 0 and not right:
            raise broken("PNG", "is damaged: a checksum is wrong")
        if kind in _FOR_PIXELS and right:
            kept.append(view[at:end])
            kinds.add(kind)
        elif kind == b"eXIf" and right:
            exif = bytes(body)
        elif kind[0] & 32 == 0:
            raise broken("PNG")
        if kind == b"IEND":
            return _result(kept, kinds, exif)
        at = end
    raise too_costly(f"has more than {MAX_CHUNKS} chunks")


def _chunk(data: bytes, at: int) -> tuple[bytes, memoryview, int]:
    if at + 12 > len(data):
        raise broken("PNG", "ends early")
    length, kind = struct.unpack_from(">I4s", data, at)
    end = at + 12 + length
    if end > len(data):
        raise broken("PNG", "ends early")
    return kind, memoryview(data)[at + 8 : end - 4], end


def _result(kept: list[memoryview], kinds: set[bytes], exif: bytes) -> Png:
    head = bytes(kept[1]) if len(kept) > 1 else b""
    if head[4:8] != b"IHDR" or len(head) != 25 or b"IDAT" not in kinds:
        raise broken("PNG")
    width, height, depth, colour, packing, filters, interlace = struct.unpack_from(">IIBBBBB", head, 8)
    if depth not in _DEPTHS.get(colour, ()) or packing or filters or interlace > 1:
        raise broken("PNG")
    transparent = colour >= 4 or b"tRNS" in kinds
    return Png(width, height, depth, colour, transparent, exif, b"".join(kept))
