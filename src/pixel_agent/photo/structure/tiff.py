"""TIFF: selects the page to decode by its tags (TIFF 6.0), and rejects the camera raw formats that look like TIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pixel_agent.core.errors import InvalidPhoto, UnsupportedPhoto
from pixel_agent.photo.refusals import broken, too_costly, unsupported

MAX_PAGES: Final = 64
MAX_TAGS: Final = 1024
MAX_STRIPS: Final = 65_536
_TYPE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_WIDTH, _HEIGHT, _DEPTH, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_STRIPS, _SAMPLES, _TILES, _SUBFILES, _DNG = 273, 277, 324, 330, 50706
_KIND: Final = 254
_RAW_PHOTOMETRIC: Final = (32803, 34892)
_RAW_COMPRESSION: Final = (32767, 32769, 32770, 32867, 34713, 34892, 65535)
_SEND: Final = "Send the JPEG or HEIC that the camera makes of it."


@dataclass(frozen=True, slots=True)
class Tiff:
    """The selected page: the first that is not a reduced copy of another. Width and height are as stored."""

    width: int
    height: int
    pixel_bytes: int
    page: int


@dataclass(frozen=True, slots=True)
class _Page:
    tags: dict[int, tuple[int, ...]]
    value_bytes: int

    def first(self, tag: int, default: int) -> int:
        values = self.tags.get(tag, ())
        return values[0] if values else default

    @property
    def reduced(self) -> bool:
        return bool(self.first(_KIND, 0) & 5)  # a smaller copy, or a mask


def read_tiff(data: bytes) -> Tiff:
    """Select the page to decode, with its size.

    Raises UnsupportedPhoto for camera raw photos, whose first page is a preview, and InvalidPhoto for damaged files.
    """
    order = "<" if data[:2] == b"II" else ">"
    pages = _pages(data, order)
    if not pages:
        raise broken("TIFF")
    if _is_raw(pages, data, order):
        raise raw_photo("DNG" if _DNG in pages[0].tags else "")
    number = next((number for number, page in enumerate(pages) if not page.reduced), 0)
    page = pages[number]
    depths = page.tags.get(_DEPTH, (1,))
    samples = max(page.first(_SAMPLES, 1), len(depths))
    return Tiff(
        page.first(_WIDTH, 0), page.first(_HEIGHT, 0), max(4, samples * -(-max(depths, default=1) // 8)), number
    )


def raw_photo(kind: str) -> UnsupportedPhoto:
    """The error for a camera's raw format, whose readable page is only a small preview."""
    return unsupported(f"a raw photo ({kind})" if kind else "a raw photo of a camera", _SEND)


def _is_raw(pages: list[_Page], data: bytes, order: str) -> bool:
    below = [
        page
        for top in pages[:1]
        for at in top.tags.get(_SUBFILES, ())[:8]
        for page in [_page(data, at, order)[0]]
        if page
    ]
    return _DNG in pages[0].tags or any(
        page.first(_PHOTOMETRIC, 0) in _RAW_PHOTOMETRIC or page.first(_COMPRESSION, 1) in _RAW_COMPRESSION
        for page in (*pages, *below)
    )


def _pages(data: bytes, order: str) -> list[_Page]:
    at, seen, pages = _number(data, 4, order), set[int](), list[_Page]()
    while at and at not in seen and len(pages) < MAX_PAGES:
        seen.add(at)
        page, at = _page(data, at, order)
        if page is None:
            break
        pages.append(page)
    if sum(page.value_bytes for page in pages) > 2 * len(data) + 65_536:
        raise too_costly("has tags that share their bytes, which takes too much memory to read")
    return pages


def _page(data: bytes, at: int, order: str) -> tuple[_Page | None, int]:
    """One page and the offset of the next one; the page is None if it lies outside the file."""
    if at + 2 > len(data):
        return None, 0
    (count,) = struct.unpack_from(order + "H", data, at)
    end = at + 2 + 12 * count
    if end > len(data):
        return None, 0
    if count > MAX_TAGS:
        raise too_costly(f"has more than {MAX_TAGS} tags")
    tags: dict[int, tuple[int, ...]] = {}
    value_bytes = 0
    for tag, kind, number, where in _entries(data, at + 2, count, order):
        size = _TYPE_BYTES.get(kind, 1) * number
        value_bytes += size
        if tag in (_STRIPS, _TILES) and number > MAX_STRIPS:
            raise too_costly(f"has more than {MAX_STRIPS} strips")
        if tag in _NEEDED:
            tags[tag] = _values(data, kind, min(number, 16), where, size, order)
    return _Page(tags, value_bytes), _number(data, end, order) if end + 4 <= len(data) else 0


_NEEDED: Final = frozenset({_KIND, _WIDTH, _HEIGHT, _DEPTH, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _SUBFILES, _DNG})


def _entries(data: bytes, at: int, count: int, order: str) -> Iterator[tuple[int, int, int, int]]:
    """Tag, type, number of values, and offset of the value field, for each entry."""
    for place in range(at, at + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHL", data, place)
        yield tag, kind, number, place + 8


def _values(data: bytes, kind: int, number: int, where: int, size: int, order: str) -> tuple[int, ...]:
    """Values of an integer tag; empty for other types and outside the file."""
    letter = {1: "B", 3: "H", 4: "L", 13: "L"}.get(kind)
    at = where if size <= 4 else _number(data, where, order)
    if letter is None or at + _TYPE_BYTES[kind] * number > len(data):
        return ()
    return struct.unpack_from(f"{order}{number}{letter}", data, at)


def _number(data: bytes, at: int, order: str) -> int:
    if at + 4 > len(data):
        raise _early()
    return int(struct.unpack_from(order + "L", data, at)[0])


def _early() -> InvalidPhoto:
    return broken("TIFF", "ends early")
