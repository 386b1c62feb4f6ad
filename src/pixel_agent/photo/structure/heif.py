"""HEIC: detects a rotation or mirror stored in the container (ISO 23008-12, `irot` and `imir`), for `decode.py`."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

MAX_BOXES: Final = 4096
_Box = tuple[bytes, memoryview]


def turns_itself(data: bytes) -> bool:
    """Whether the container rotates or mirrors the primary picture, which then overrides EXIF.

    False for a file with invalid boxes: the codec reports the error.
    """
    try:
        meta = _child(memoryview(data), b"meta")[4:]
        properties = _child(meta, b"iprp")
        turning = [
            number
            for number, (kind, _) in enumerate(_boxes(_child(properties, b"ipco")), 1)
            if kind in (b"irot", b"imir")
        ]
        return bool(turning) and not _properties(_child(properties, b"ipma"), _primary(meta)).isdisjoint(turning)
    except (LookupError, struct.error):
        return False


def _primary(meta: memoryview) -> int:
    box = _child(meta, b"pitm")
    return int.from_bytes(box[4:6] if box[0] == 0 else box[4:8], "big")


def _properties(box: memoryview, item: int) -> set[int]:
    """Numbers of the properties that belong to an item."""
    version, wide = box[0], box[3] & 1
    (entries,) = struct.unpack_from(">I", box, 4)
    at, item_bytes = 8, 2 if version < 1 else 4
    found: set[int] = set()
    for _ in range(min(entries, MAX_BOXES)):
        number = int.from_bytes(box[at : at + item_bytes], "big")
        count = box[at + item_bytes]
        at += item_bytes + 1
        step = 2 if wide else 1
        places = range(at, at + step * count, step)
        if number == item:
            mask = 0x7FFF if wide else 0x7F
            found |= {int.from_bytes(box[place : place + step], "big") & mask for place in places}
        at += step * count
    return found


def _child(data: memoryview, kind: bytes) -> memoryview:
    return next((body for name, body in _boxes(data) if name == kind), memoryview(b""))


def _boxes(data: memoryview) -> Iterator[_Box]:
    at = 0
    for _ in range(MAX_BOXES):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        end = len(data) if size == 0 else at + size
        if size and size < head:
            return
        yield kind, data[at + head : min(end, len(data))]
        at = end
