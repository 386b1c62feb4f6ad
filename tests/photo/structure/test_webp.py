from __future__ import annotations

import struct

import pytest

from pixel_agent.core.errors import InvalidPhoto, PhotoTooLarge
from pixel_agent.photo.structure.webp import MAX_CHUNKS, read_webp
from tests.photo.pictures import encode, exif, scene


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": exif(6)}])
def test_every_kind_says_its_size(options: dict[str, object]) -> None:
    found = read_webp(encode(scene(), "WEBP", **options))
    assert (found.width, found.height) == (96, 64)
    assert bool(found.exif) == ("exif" in options)


def test_what_follows_the_file_is_left_out() -> None:
    data = encode(scene(), "WEBP")
    assert read_webp(data + b"film").whole == data


def test_many_chunks_are_refused() -> None:
    data = encode(scene(), "WEBP")
    body = data[12:] + b"aaaa\0\0\0\0" * MAX_CHUNKS
    with pytest.raises(PhotoTooLarge, match="chunks"):
        read_webp(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body)


@pytest.mark.parametrize("length", [20, 40, -1])
def test_half_a_file_is_broken(length: int) -> None:
    with pytest.raises(InvalidPhoto):
        read_webp(encode(scene(), "WEBP")[:length])
