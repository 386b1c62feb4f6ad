"""Reads orientation and time from EXIF (CIPA DC-008) for `decode.py`, and no other tags; invalid data is ignored."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Final

MAX_TAGS: Final = 1024
_ORIENTATION, _EXIF_IFD, _TAKEN = 0x0112, 0x8769, 0x9003
_Tag = tuple[int, int, int]
"""Type, number of values, and offset of the value field."""


def read_exif(raw: bytes) -> tuple[int, datetime | None]:
    """Orientation (1-8; 1 where unknown), and the camera's own time without a zone (tag DateTimeOriginal).

    `raw` is a TIFF header and its tags, with or without `Exif` before it.
    """
    raw = raw[6:] if raw.startswith(b"Exif\0\0") else raw
    order = {b"II": "<", b"MM": ">"}.get(raw[:2])
    if order is None:
        return 1, None
    try:
        first = _tags(raw, struct.unpack_from(order + "L", raw, 4)[0], order)
        more = _tags(raw, _whole(raw, first[_EXIF_IFD], order), order) if _EXIF_IFD in first else {}
        orientation = _whole(raw, first[_ORIENTATION], order) if _ORIENTATION in first else 1
        taken = _text(raw, more[_TAKEN], order) if _TAKEN in more else ""
    except struct.error:
        return 1, None
    return orientation if orientation in range(1, 9) else 1, _camera_time(taken)


def _tags(raw: bytes, at: int, order: str) -> dict[int, _Tag]:
    (count,) = struct.unpack_from(order + "H", raw, at)
    found: dict[int, _Tag] = {}
    for place in range(at + 2, at + 2 + 12 * min(count, MAX_TAGS), 12):
        if place + 12 > len(raw):
            break
        tag, kind, number = struct.unpack_from(order + "HHL", raw, place)
        found.setdefault(tag, (kind, number, place + 8))
    return found


def _whole(raw: bytes, tag: _Tag, order: str) -> int:
    kind, _, at = tag
    return int(struct.unpack_from(order + {1: "B", 3: "H", 4: "L", 13: "L"}.get(kind, "H"), raw, at)[0])


def _text(raw: bytes, tag: _Tag, order: str) -> str:
    _, number, at = tag
    if number > 4:
        (at,) = struct.unpack_from(order + "L", raw, at)
    return raw[at : at + min(number, 32)].decode("ascii", "replace")


def _camera_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(" \0")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
