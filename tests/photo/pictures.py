"""Pictures of every format for the tests of the photo stage, and the bytes that formats are made of."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import pillow_heif
from PIL import Image

from pixel_agent.core import Pixels

FORMATS = ("JPEG", "PNG", "WEBP", "HEIC", "AVIF", "BMP", "TIFF", "GIF")


def scene(width: int = 96, height: int = 64) -> Pixels:
    """Four colour fields, so that every turn and every mirror image is told apart."""
    pixels = np.full((height, width, 3), 240, np.uint8)
    pixels[: height // 2, : width // 2] = (200, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 160, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 200)
    return pixels


def encode(image: Image.Image | Pixels, kind: str = "PNG", **options: object) -> bytes:
    """A picture as a file."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    if kind == "HEIC":
        pillow_heif.from_pillow(image).save(buffer, quality=90, **options)
    else:
        image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif(orientation: int = 1, taken: str | None = None) -> bytes:
    """EXIF with an orientation and the time of a camera."""
    tags = Image.Exif()
    tags[0x0112] = orientation
    if taken is not None:
        tags.get_ifd(0x8769)[0x9003] = taken
    return tags.tobytes()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, body: bytes = b"\0" * 100, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG that says its size, whatever its body holds."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(body, 1)) + chunk(b"IEND", b"")


def slow_png(side: int = 4000) -> bytes:
    """About 16 megapixels in few bytes: most of a second of decoding."""
    return png(side, side, bytes((3 * side + 1) * side))


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG that states another size than it has."""
    small = encode(scene(), "JPEG")
    at = small.index(b"\xff\xc0") + 5
    return small[:at] + struct.pack(">HH", height, width) + small[at + 4 :]


def segment(marker: int, body: bytes) -> bytes:
    """One JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def tiff(pages: Sequence[Mapping[int, Sequence[int]]], *, big_endian: bool = False) -> bytes:
    """A TIFF of pages without pixels; every value is a LONG."""
    order = ">" if big_endian else "<"
    data = bytearray((b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "L", 8))
    for number, tags in enumerate(pages):
        extra_at = len(data) + 2 + 12 * len(tags) + 4
        entries, extra = b"", b""
        for tag, values in sorted(tags.items()):
            packed = struct.pack(f"{order}{len(values)}L", *values)
            where = packed if len(packed) == 4 else struct.pack(order + "L", extra_at + len(extra))
            entries += struct.pack(order + "HHL", tag, 4, len(values)) + where
            extra += packed if len(packed) > 4 else b""
        following = 0 if number == len(pages) - 1 else extra_at + len(extra)
        data += struct.pack(order + "H", len(tags)) + entries + struct.pack(order + "L", following) + extra
    return bytes(data)
