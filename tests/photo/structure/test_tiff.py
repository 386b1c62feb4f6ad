"""TIFF: the page that is not a reduced copy is read; raw photos of cameras are distinguished from TIFF."""

from __future__ import annotations

import struct

import pytest

from pixel_agent.core.errors import InvalidPhoto, PhotoTooLarge, UnsupportedPhoto
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.structure.tiff import MAX_STRIPS, MAX_TAGS, read_tiff
from tests.photo.pictures import encode, scene, tiff

WHOLE = {254: [0], 256: [480], 257: [360], 258: [8], 262: [2], 277: [3]}
PREVIEW = {**WHOLE, 254: [1], 256: [160], 257: [120]}


@pytest.mark.parametrize("big_endian", [False, True])
def test_the_first_page_that_is_no_preview_is_read(big_endian: bool) -> None:
    found = read_tiff(tiff([PREVIEW, WHOLE], big_endian=big_endian))
    assert (found.width, found.height, found.page) == (480, 360, 1)
    assert read_tiff(tiff([WHOLE, PREVIEW], big_endian=big_endian)).page == 0
    assert read_tiff(tiff([PREVIEW], big_endian=big_endian)).width == 160


def test_a_real_file_says_its_size() -> None:
    assert read_tiff(encode(scene(), "TIFF")).width == 96


def test_a_pixel_has_its_bytes() -> None:
    assert read_tiff(tiff([{**WHOLE, 258: [16, 16, 16, 16], 277: [4]}])).pixel_bytes == 8


@pytest.mark.parametrize(
    "pages",
    [
        [{**PREVIEW, 50706: [1]}],
        [{**PREVIEW, 330: [8]}, {**WHOLE, 262: [32803]}],
        [PREVIEW, {**WHOLE, 259: [34713]}],
    ],
    ids=["DNG", "colour filter", "NEF"],
)
def test_raw_photos_are_named_and_not_read_by_their_preview(pages: list[dict[int, list[int]]]) -> None:
    with pytest.raises(UnsupportedPhoto, match="raw photo"):
        read_tiff(tiff(pages))


def test_a_raw_picture_below_the_first_page_is_found() -> None:
    data = bytearray(tiff([{**PREVIEW, 330: [0]}, {**WHOLE, 262: [32803]}]))
    below = struct.unpack_from("<L", data, 8 + 2 + 12 * 7)[0]
    at = data.index(struct.pack("<HHL", 330, 4, 1)) + 8
    struct.pack_into("<L", data, at, below)
    struct.pack_into("<L", data, 8 + 2 + 12 * 7, 0)  # no second page
    with pytest.raises(UnsupportedPhoto, match="raw photo"):
        read_tiff(bytes(data))


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II+\0\x08\0\0\0", "BigTIFF"),
        (b"MM\0+\0\x08\0\0", "BigTIFF"),
        (b"II*\0\x10\0\0\0CR\x02\0", "CR2"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01", "CR3"),
    ],
)
def test_formats_like_tiff_are_named(head: bytes, name: str) -> None:
    with pytest.raises(UnsupportedPhoto, match=name):
        media_type_of(head + bytes(100))


def test_tags_that_share_their_bytes_are_refused() -> None:
    tags = {40_000 + number: list(range(200)) for number in range(900)}
    data = bytearray(tiff([{**WHOLE, **tags}]))
    for at in range(10, 10 + 12 * len({**WHOLE, **tags}), 12):
        if struct.unpack_from("<H", data, at)[0] >= 40_000:
            struct.pack_into("<LL", data, at + 4, len(data) // 4, 8)
    with pytest.raises(PhotoTooLarge, match="share"):
        read_tiff(bytes(data))


def test_many_tags_and_strips_are_refused() -> None:
    with pytest.raises(PhotoTooLarge, match="tags"):
        read_tiff(tiff([{number: [1] for number in range(1, MAX_TAGS + 3)}]))
    with pytest.raises(PhotoTooLarge, match="strips"):
        read_tiff(tiff([{**WHOLE, 273: [0] * (MAX_STRIPS + 1)}]))


def test_pages_in_a_circle_end() -> None:
    data = bytearray(tiff([PREVIEW, PREVIEW]))
    at = data.rindex(b"\0\0\0\0")
    struct.pack_into("<L", data, at, 8)
    assert read_tiff(bytes(data)).page == 0


@pytest.mark.parametrize("data", [b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\0", b"II*\0\x08\0\0\0\xff\xff"])
def test_nonsense_is_broken(data: bytes) -> None:
    with pytest.raises(InvalidPhoto) as caught:
        read_tiff(data)
    assert caught.value.code == "photo_broken"
