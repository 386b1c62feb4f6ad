"""PNG: only chunks that make pixels pass; a wrong checksum in another chunk does no harm."""

from __future__ import annotations

import zlib

import pytest
from PIL import Image

from pixel_agent.core.errors import InvalidPhoto, PhotoTooLarge
from pixel_agent.photo.structure.png import MAX_CHUNKS, read_png
from tests.photo.pictures import chunk, encode, exif, png, scene

PLAIN = encode(scene())


def with_chunk(part: bytes) -> bytes:
    return PLAIN[:33] + part + PLAIN[33:]


def spoiled(part: bytes) -> bytes:
    return part[:-1] + bytes((part[-1] ^ 1,))


def test_the_facts_of_a_png() -> None:
    found = read_png(encode(scene(), exif=exif(3)))
    assert (found.width, found.height, found.depth, found.colour, found.transparent) == (96, 64, 8, 2, False)
    assert found.exif[:2] in (b"II", b"MM")
    assert read_png(PLAIN).whole == PLAIN


def test_animation_and_remarks_are_left_out() -> None:
    animation = chunk(b"acTL", bytes(8)) + chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", b"\0\0\0\1broken")
    assert read_png(with_chunk(animation + chunk(b"tEXt", b"k\0v") + chunk(b"iCCP", b"x"))).whole == PLAIN


def test_a_wrong_checksum_of_a_remark_harms_nothing() -> None:
    assert read_png(with_chunk(spoiled(chunk(b"tEXt", b"k\0v")))).whole == PLAIN


def test_a_wrong_checksum_of_pixels_breaks_the_photo() -> None:
    with pytest.raises(InvalidPhoto, match="checksum"):
        read_png(PLAIN[:33] + spoiled(PLAIN[33:-12]) + PLAIN[-12:])


@pytest.mark.parametrize(("mode", "size"), [("L", 1), ("P", 3), ("RGB", 3), ("RGBA", 4), ("LA", 4)])
def test_a_pixel_has_its_bytes(mode: str, size: int) -> None:
    assert read_png(encode(Image.fromarray(scene()).convert(mode))).pixel_bytes == size


def test_sixteen_bits_are_two_bytes() -> None:
    assert read_png(png(9, 9, depth=16, colour=6)).pixel_bytes == 8


def test_many_chunks_are_refused() -> None:
    with pytest.raises(PhotoTooLarge, match="chunks"):
        read_png(with_chunk(chunk(b"aaAa", b"") * (MAX_CHUNKS + 1)))


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-12],
        PLAIN[:8] + PLAIN[33:],
        PLAIN[:33] + PLAIN[-12:],
        with_chunk(chunk(b"NEWC", b"a critical chunk that nobody knows")),
        png(9, 9, depth=3),
        png(9, 9, colour=5),
        PLAIN[:8] + b"\xff" * 20,
    ],
    ids=["no end", "no head", "no pixels", "unknown", "depth", "colour", "length"],
)
def test_nonsense_is_broken(data: bytes) -> None:
    with pytest.raises(InvalidPhoto) as caught:
        read_png(data)
    assert caught.value.code == "photo_broken"


def test_checksums_are_those_of_zlib() -> None:
    assert chunk(b"IEND", b"")[-4:] == zlib.crc32(b"IEND").to_bytes(4, "big")
