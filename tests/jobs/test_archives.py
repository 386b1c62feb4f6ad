"""Photos from ZIP archives: the results, and that no archive is unpacked beyond the limits."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.errors import BadArchive
from pixel_agent.core.settings import BatchSettings, PhotoSettings
from pixel_agent.jobs.archives import DIRECTORY_BYTES, ArchiveMember, plain_name, read_archive

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8
PHOTO = PhotoSettings()


def packed(files: Iterable[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data, method)
    return file


def read(file: io.BytesIO, limits: BatchSettings | None = None, photo: PhotoSettings = PHOTO) -> list[ArchiveMember]:
    return list(read_archive(file, photo, limits or BatchSettings()))


def gbk(name: str, data: bytes) -> io.BytesIO:
    """As Chinese Windows packs: the name's GBK bytes, not marked as UTF-8."""
    plain = packed([("n" * len(name.encode("gbk")), data)]).getvalue()
    return io.BytesIO(plain.replace(b"n" * len(name.encode("gbk")), name.encode("gbk")))


def test_photos_come_out_in_their_order_without_their_folders() -> None:
    entries = read(packed([("b/2.jpg", JPEG), ("a/1.jpg", JPEG + b"1")]))
    assert [(e.filename, e.data, e.error) for e in entries] == [("2.jpg", JPEG, None), ("1.jpg", JPEG + b"1", None)]


def test_what_systems_leave_in_archives_is_left_out() -> None:
    files = [("__MACOSX/._a.jpg", b"x"), (".DS_Store", b"x"), ("Thumbs.db", b"x"), ("folder/", b""), ("a.jpg", JPEG)]
    assert [entry.filename for entry in read(packed(files))] == ["a.jpg"]


def test_what_is_no_photo_is_named_and_stops_nothing() -> None:
    files = [("list.txt", b"hello"), ("more.zip", packed([("a.jpg", JPEG)]).getvalue()), ("a.jpg", JPEG)]
    entries = read(packed(files))
    assert [entry.error.code if entry.error else None for entry in entries] == ["photo_type_unsupported"] * 2 + [None]


@pytest.mark.parametrize("name", ["货架一.jpg", "价签(2).jpg"])
def test_names_in_gbk_are_read(name: str) -> None:
    assert read(gbk(name, JPEG))[0].filename == name


def test_names_in_utf8_are_read() -> None:
    assert read(packed([("冷柜/上层.jpg", JPEG)]))[0].filename == "上层.jpg"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(BadArchive, match="fold"):
        read(packed([("a.bmp", b"BM" + bytes(5_000_000))]))


def test_an_archive_over_the_limit_is_refused() -> None:
    with pytest.raises(BadArchive, match="unpacks to"):
        read(packed([("a.jpg", JPEG)]), BatchSettings(zip_max_bytes=100))


def test_an_archive_that_understates_its_sizes_gives_no_more_than_it_said() -> None:
    honest = packed([("a.jpg", JPEG + bytes(100_000))], zipfile.ZIP_DEFLATED).getvalue()
    lying = honest.replace(struct.pack("<I", len(JPEG) + 100_000), struct.pack("<I", 3000))
    (entry,) = read(io.BytesIO(lying))
    assert entry.error is not None or len(entry.data) <= 3000


def test_a_photo_over_the_limit_is_refused_alone() -> None:
    entries = read(packed([("big.jpg", JPEG), ("small.jpg", JPEG[:1000])]), photo=PhotoSettings(max_bytes=1500))
    assert [entry.error.code if entry.error else None for entry in entries] == ["photo_too_large", None]


def test_an_encrypted_archive_is_refused_with_advice() -> None:
    data = bytearray(packed([("a.jpg", JPEG)]).getvalue())
    data[6] |= 1  # the flag in the file's header
    data[data.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    with pytest.raises(BadArchive) as refused:
        read(io.BytesIO(bytes(data)))
    assert "password" in refused.value.advice


def test_unusual_methods_are_refused_alone() -> None:
    (entry,) = read(packed([("a.jpg", JPEG)], zipfile.ZIP_BZIP2))
    assert entry.error is not None
    assert (entry.error.code, entry.error.status) == ("packing_unsupported", 415)
    assert "Deflate" in entry.error.advice


def test_a_file_that_is_broken_inside_is_refused_alone() -> None:
    data = bytearray(packed([("a.jpg", JPEG), ("b.jpg", JPEG)], zipfile.ZIP_STORED).getvalue())
    data[data.index(JPEG) + 500] ^= 0xFF
    assert [entry.error.code if entry.error else None for entry in read(io.BytesIO(bytes(data)))] == [
        "photo_broken",
        None,
    ]


@pytest.mark.parametrize("data", [b"", b"PK", JPEG, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_of_anything_is_refused(data: bytes) -> None:
    with pytest.raises(BadArchive):
        read(io.BytesIO(data))


def test_a_directory_that_claims_to_be_huge_is_not_read() -> None:
    data = bytearray(packed([("a.jpg", JPEG)]).getvalue()) + bytes(0)
    end = data.index(b"PK\x05\x06")
    padding = bytes(DIRECTORY_BYTES + 10)
    data[end + 12 : end + 16] = struct.pack("<I", len(padding) + 60)
    with pytest.raises(BadArchive, match="directory"):
        read(io.BytesIO(padding + bytes(data)))


@given(cut=st.integers(0, 4000), flip=st.integers(0, 4000), with_byte=st.integers(0, 255))
@settings(deadline=None, max_examples=100)
def test_damaged_archives_are_refused_or_read_never_anything_else(cut: int, flip: int, with_byte: int) -> None:
    data = bytearray(packed([("a.jpg", JPEG), ("b/c.png", b"\x89PNG\r\n\x1a\n" + JPEG)]).getvalue())
    data[flip % len(data)] = with_byte
    try:
        entries = read(io.BytesIO(bytes(data[: len(data) - cut % len(data)])))
    except BadArchive:
        return
    assert all(entry.error or entry.data for entry in entries)


@given(st.text())
def test_plain_names_hold_no_path(name: str) -> None:
    plain = plain_name(name)
    assert len(plain) <= 200
    assert not set(plain) & set("/\\\0\n\r")
