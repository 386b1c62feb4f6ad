"""Only the kinds of JPEG that codecs decode safely pass, whole, with few segments and scans."""

from __future__ import annotations

import struct

import pytest

from pixel_agent.core.errors import InvalidPhoto, PhotoTooLarge, UnsupportedPhoto
from pixel_agent.photo.structure.jpeg import MAX_SCANS, MAX_SEGMENTS, read_jpeg
from tests.photo.pictures import encode, exif, scene, segment

PLAIN = encode(scene(), "JPEG")
PROGRESSIVE = encode(scene(), "JPEG", progressive=True)


def with_frame(marker: int) -> bytes:
    return PLAIN.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)


def with_segments(*parts: bytes) -> bytes:
    return PLAIN[:2] + b"".join(parts) + PLAIN[2:]


def test_the_facts_of_a_plain_jpeg() -> None:
    found = read_jpeg(encode(scene(), "JPEG", exif=exif(6)))
    assert (found.width, found.height, found.components, found.scans, found.adobe) == (96, 64, 3, 1, False)
    assert found.exif[:2] in (b"II", b"MM")
    assert read_jpeg(PLAIN).whole is PLAIN


def test_the_scans_of_a_progressive_jpeg_are_counted() -> None:
    assert read_jpeg(PROGRESSIVE).scans == PROGRESSIVE.count(b"\xff\xda") > 5


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC9])
def test_sequential_frames_pass(marker: int) -> None:
    assert read_jpeg(with_frame(marker)).width == 96


@pytest.mark.parametrize(
    ("marker", "name"),
    [
        (0xC3, "lossless"),
        (0xCB, "lossless"),
        (0xF7, "JPEG-LS"),
        *((m, "hierarchical") for m in (0xC5, 0xC6, 0xC7, 0xCD, 0xCF)),
    ],
)
def test_other_frames_are_named(marker: int, name: str) -> None:
    with pytest.raises(UnsupportedPhoto, match=name):
        read_jpeg(with_frame(marker))


def test_twelve_bits_are_named() -> None:
    at = PLAIN.index(b"\xff\xc0") + 4
    with pytest.raises(UnsupportedPhoto, match="12-bit JPEG"):
        read_jpeg(PLAIN[:at] + b"\x0c" + PLAIN[at + 1 :])


def test_a_lossless_frame_hides_behind_nothing() -> None:
    frame = PLAIN[PLAIN.index(b"\xff\xc0") :][:19]
    hidden = with_segments(
        b"\xff\xd0\xff\x01", b"\xff\xff\xff" + segment(0xFE, b"x"), b"junk", frame.replace(b"\xc0", b"\xc3", 1)
    )
    with pytest.raises(UnsupportedPhoto, match="lossless"):
        read_jpeg(hidden)
    with pytest.raises(InvalidPhoto):  # a second frame
        read_jpeg(
            PROGRESSIVE[: PROGRESSIVE.rindex(b"\xff\xda")] + frame + PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") :]
        )


def test_previews_and_films_are_not_looked_at() -> None:
    preview = segment(0xE1, b"Preview" + with_frame(0xC3))
    assert read_jpeg(with_segments(preview) + b"\xff\xc3" + b"film" * 100).width == 96


def test_thousands_of_segments_and_scans_are_refused() -> None:
    with pytest.raises(PhotoTooLarge, match="segments"):
        read_jpeg(with_segments(segment(0xFE, b"") * (MAX_SEGMENTS + 1)))
    with pytest.raises(PhotoTooLarge, match="segments"):
        read_jpeg(with_segments(b"\xff\xd0" * (MAX_SEGMENTS + 1)))
    at = PROGRESSIVE.rindex(b"\xff\xda")
    with pytest.raises(PhotoTooLarge, match="scans"):
        read_jpeg(PROGRESSIVE[:at] + PROGRESSIVE[at:-2] * (MAX_SCANS + 1) + b"\xff\xd9")


def test_an_end_marker_is_added_where_only_that_is_missing() -> None:
    for data in (PLAIN, PROGRESSIVE):
        assert read_jpeg(data[:-2]).whole == data
        assert read_jpeg(data[:-1]).whole == data
    with pytest.raises(InvalidPhoto):
        read_jpeg(PROGRESSIVE[: PROGRESSIVE.rindex(b"\xff\xda")])


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\0\x01",
        PLAIN[: PLAIN.index(b"\xff\xda")],
        PLAIN[:2] + b"\xff\xd8" + PLAIN[2:],
        PLAIN[:2] + segment(0xDA, b"\x01\x01\0\0\x3f\0"),
        PLAIN.replace(struct.pack(">BHHB", 8, 64, 96, 3), struct.pack(">BHHB", 8, 64, 96, 2), 1),
    ],
    ids=["short", "length", "no scan", "two starts", "scan before frame", "two components"],
)
def test_nonsense_is_broken(data: bytes) -> None:
    with pytest.raises(InvalidPhoto) as caught:
        read_jpeg(data)
    assert caught.value.code == "photo_broken"
