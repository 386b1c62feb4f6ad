"""JPEG: checks markers and segments (ISO 10918-1, Annex B) in the order in which libjpeg reads them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.photo.refusals import broken, too_costly, unsupported

MAX_SEGMENTS: Final = 4096
"""Maximum number of segments. A 20 MB JPEG with a large colour profile and metadata has about 300."""
MAX_SCANS: Final = 50
"""Maximum number of scans. Progressive JPEGs have about ten; each is a pass over all coefficients, so thousands are an
attack."""

_MARKER: Final = re.compile(rb"\xff+([^\x00\xff])")
_SCAN_END: Final = re.compile(rb"\xff+([^\x00\x01\xd0-\xd7\xff])")
_ALONE: Final = {0x01, *range(0xD0, 0xD8)}
_SEQUENTIAL: Final = (0xC0, 0xC1, 0xC9)
_PROGRESSIVE: Final = (0xC2, 0xCA)
_OTHER_FRAMES: Final = {
    0xC3: "a lossless JPEG",
    0xC5: "a hierarchical JPEG",
    0xC6: "a hierarchical JPEG",
    0xC7: "a hierarchical JPEG",
    0xC8: "a JPEG of an unknown kind",
    0xCB: "a lossless JPEG",
    0xCD: "a hierarchical JPEG",
    0xCE: "a hierarchical JPEG",
    0xCF: "a hierarchical JPEG",
    0xF7: "a JPEG-LS image",
}
_SAVE_ANEW: Final = "Save it as an ordinary JPEG (8 bit, baseline or progressive), or send a PNG."


@dataclass(frozen=True, slots=True)
class Jpeg:
    """The properties of a JPEG. `whole`: the data for the codec, with an end marker even if the camera wrote none."""

    width: int
    height: int
    components: int
    scans: int
    adobe: bool
    exif: bytes
    whole: bytes = field(repr=False)


@dataclass(slots=True)
class _Walk:
    """State of the walk through a JPEG."""

    data: bytes
    frame: int = 0
    size: tuple[int, int] = (0, 0)
    components: tuple[int, ...] = ()
    scans: int = 0
    adobe: bool = False
    exif: bytes = b""
    precision: dict[tuple[int, int], int] = field(default_factory=dict)
    ended: bool = False


def read_jpeg(data: bytes) -> Jpeg:
    """Read all segments up to the end of the main picture: phones append videos, and previews are inside segments.

    Raises UnsupportedPhoto for lossless, hierarchical, 12-bit and JPEG-LS files, InvalidPhoto for damaged ones.
    """
    walk, at = _Walk(data), 2
    for _ in range(MAX_SEGMENTS):
        found = (_SCAN_END if walk.scans else _MARKER).search(data, at)
        if found is None:
            break
        kind, at = data[found.end() - 1], found.end()
        if kind == 0xD9:
            walk.ended = True
            break
        if kind in _ALONE:
            continue
        at = _segment(walk, kind, at)
        if walk.scans == 1 and walk.frame in _SEQUENTIAL and _whole_scan(walk, found.end()):
            walk.ended = data.find(b"\xff\xd9", at) >= 0
            break
    else:
        raise too_costly(f"has more than {MAX_SEGMENTS} segments")
    return _result(walk)


def _segment(walk: _Walk, kind: int, at: int) -> int:
    """Process one segment; returns the offset of its end."""
    data = walk.data
    if kind == 0xD8:
        raise _broken()
    length = int.from_bytes(data[at : at + 2], "big")
    body, end = data[at + 2 : at + length], at + length
    if length < 2 or end > len(data):
        raise _broken()
    if kind in _OTHER_FRAMES:
        raise unsupported(_OTHER_FRAMES[kind], _SAVE_ANEW)
    if kind in _SEQUENTIAL or kind in _PROGRESSIVE:
        _frame(walk, kind, body)
    elif kind == 0xDA:
        _scan(walk, body)
    elif kind == 0xE1 and not walk.exif and body.startswith(b"Exif\0"):
        walk.exif = body[6:]
    elif kind == 0xEE and body.startswith(b"Adobe"):
        walk.adobe = True
    return end


def _frame(walk: _Walk, kind: int, body: bytes) -> None:
    if walk.frame or len(body) < 6:
        raise _broken()
    precision, height, width, count = struct.unpack(">BHHB", body[:6])
    if precision != 8:
        raise unsupported(f"a {precision}-bit JPEG", _SAVE_ANEW)
    if count not in (1, 3, 4) or len(body) < 6 + 3 * count:
        raise _broken()
    walk.frame, walk.size = kind, (width, height)
    walk.components = tuple(body[6 + 3 * index] for index in range(count))


def _scan(walk: _Walk, body: bytes) -> None:
    count = body[0] if body else 0
    if not walk.frame or not 1 <= count <= 4 or len(body) < 4 + 2 * count:
        raise _broken()
    walk.scans += 1
    if walk.scans > MAX_SCANS:
        raise too_costly(f"has more than {MAX_SCANS} scans")
    first, last, bits = body[1 + 2 * count], min(body[2 + 2 * count], 63), body[3 + 2 * count] & 15
    for index in range(count):
        for coefficient in range(first, last + 1):
            walk.precision[body[1 + 2 * index], coefficient] = bits


def _whole_scan(walk: _Walk, at: int) -> bool:
    """A sequential JPEG ends with a first scan that contains every component, so its pixel data is not searched."""
    return walk.data[at + 2] == len(walk.components)


def _result(walk: _Walk) -> Jpeg:
    if not walk.scans:
        raise _broken()
    if not walk.ended and not _complete(walk):
        raise _broken()
    whole = walk.data if walk.ended else walk.data.rstrip(b"\xff") + b"\xff\xd9"
    return Jpeg(*walk.size, len(walk.components), walk.scans, walk.adobe, walk.exif, whole)


def _complete(walk: _Walk) -> bool:
    """Whether the scans so far contain every bit, so that only the end marker can be missing.

    Decoding shows whether the last scan itself is complete.
    """
    if walk.frame in _SEQUENTIAL:
        return {component for component, _ in walk.precision} == set(walk.components)
    return all(
        walk.precision.get((component, coefficient), 1) == 0
        for component in walk.components
        for coefficient in range(64)
    )


def _broken() -> InvalidPhoto:
    return broken("JPEG")
