"""EXIF orientation and time in all written forms; invalid values are ignored, and bombs cost nothing."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.photo.exif import read_exif
from tests.photo.pictures import exif


def tags(*entries: tuple[int, int, int, bytes], order: str = "<") -> bytes:
    head = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(order + "HHL", tag, kind, count) + value for tag, kind, count, value in entries)
    return head + struct.pack(order + "LH", 8, len(entries)) + body + bytes(4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_pillow_writes_is_read(orientation: int) -> None:
    found = read_exif(exif(orientation, "2026:11:22 09:30:00"))
    assert found == (orientation, datetime(2026, 11, 22, 9, 30))
    assert read_exif(exif(orientation)) == (orientation, None)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("kind", "letter"), [(1, "B3x"), (3, "H2x"), (4, "L")])
def test_an_orientation_of_any_width_is_read(order: str, kind: int, letter: str) -> None:
    value = struct.pack(order + letter, 6)
    assert read_exif(tags((0x0112, kind, 1, value), order=order)) == (6, None)
    assert read_exif(b"Exif\0\0" + tags((0x0112, kind, 1, value), order=order)) == (6, None)


@pytest.mark.parametrize("raw", [b"", b"II*\0", b"junk", b"II*\0\xff\xff\xff\xff", tags((0x0112, 3, 1, b"\x09\0\0\0"))])
def test_nonsense_says_nothing(raw: bytes) -> None:
    assert read_exif(raw) == (1, None)


def test_thousands_of_tags_that_share_their_bytes_cost_nothing() -> None:
    bomb = tags((0x0112, 3, 1, b"\x06\0\0\0"), *[(1000, 7, 10**9, b"\x08\0\0\0")] * 60_000)
    assert read_exif(bomb)[0] == 6


@given(st.binary(max_size=200))
def test_any_bytes_give_an_answer(raw: bytes) -> None:
    for data in (raw, b"II*\0\x08\0\0\0" + raw, b"MM\0*\0\0\0\x08" + raw):
        assert read_exif(data)[0] in range(1, 9)
