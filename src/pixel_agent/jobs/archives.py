"""Reads photos from an untrusted ZIP archive and checks sizes, counts, names and methods. First step of a batch upload.

The unpacked size is checked in the directory before anything is unpacked, and unpacking never yields more than the
directory says. Folders in names and the metadata files of operating systems are skipped.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Final, cast

from pixel_agent.core.errors import BadArchive, InvalidPhoto, PhotoTooLarge, UnsupportedPacking
from pixel_agent.core.settings import BatchSettings, PhotoSettings
from pixel_agent.photo.media_type import media_type_of

DIRECTORY_BYTES: Final = 8 * 2**20
"""Largest directory of an archive: enough for tens of thousands of entries, and about 100 MB once it is parsed."""
ENCRYPTED: Final = 0x1
UTF8_NAME: Final = 0x800
METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Accepted compression methods. The others can expand a few bytes without limit, whatever the directory says."""
HEAD_BYTES: Final = 1024
MAX_NAME: Final = 200
"""Maximum length of a stored file name, in characters."""


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """One file of an archive: its bytes, or the error that rejects it."""

    filename: str
    data: bytes = b""
    error: InvalidPhoto | None = None


def read_archive(file: BinaryIO, photo: PhotoSettings, limits: BatchSettings) -> Iterator[ArchiveMember]:
    """Yield the files of a ZIP archive in order, one in memory at a time; blocks.

    Folders and metadata files of operating systems are skipped. Raises BadArchive if the file is not a ZIP archive, is
    encrypted, or exceeds the limits; a single file that is broken or not a photo is yielded with its error.
    """
    size = file.seek(0, 2)
    try:
        with zipfile.ZipFile(cast("IO[bytes]", _ReadsBounded(file))) as archive:
            wanted = [info for info in archive.infolist() if not _left_behind(info)]
            _check(wanted, size, limits)
            for info in wanted:
                yield _read(archive, info, photo)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise BadArchive(
            f"The archive is broken or no ZIP archive: {str(error)[:120] or type(error).__name__}.",
            "Send a ZIP archive of photos, packed anew, or the photos themselves in the field 'photos'.",
        ) from None


def plain_name(name: str) -> str:
    """The last part of a POSIX or Windows path, without unprintable characters, at most 200 characters."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return "".join(char for char in last if char.isprintable())[:MAX_NAME]


def decoded_name(info: zipfile.ZipInfo) -> str:
    """An entry's name: UTF-8 if flagged or valid as UTF-8, else GBK (Chinese Windows), else unchanged."""
    if info.flag_bits & UTF8_NAME:
        return info.filename
    try:
        raw = info.filename.encode("cp437")  # zipfile decodes names without the UTF-8 flag as cp437
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gbk"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def _check(entries: Sequence[zipfile.ZipInfo], size: int, limits: BatchSettings) -> None:
    if not entries:
        raise BadArchive("The archive holds no file.", "Put the photos into it.")
    if any(info.flag_bits & ENCRYPTED for info in entries):
        raise BadArchive("The archive is encrypted.", "Send it without a password.")
    grown = sum(info.file_size for info in entries)
    if grown > limits.zip_max_bytes:
        raise BadArchive(
            f"The archive unpacks to {grown:,} bytes; the limit is {limits.zip_max_bytes:,}.",
            "Send it in several parts; an open batch takes more photos later.",
        )
    if grown > limits.zip_max_ratio * size:
        raise BadArchive(
            f"The archive grows {grown / max(1, size):.0f}-fold when it is unpacked; the limit is {limits.zip_max_ratio:g}.",
            "Send the photos as JPEG, or without an archive.",
        )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, photo: PhotoSettings) -> ArchiveMember:
    name = plain_name(decoded_name(info))
    if info.compress_type not in METHODS:
        return ArchiveMember(name, error=_unsupported_packing(info))
    try:
        with archive.open(info) as file:
            data = file.read(HEAD_BYTES)
            media_type_of(data)
            if info.file_size > photo.max_bytes:
                return ArchiveMember(name, error=_too_large(photo))
            return ArchiveMember(name, data + file.read())
    except InvalidPhoto as error:
        return ArchiveMember(name, error=error)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return ArchiveMember(name, error=InvalidPhoto("This file is broken inside the archive.", "Pack it anew."))


def _unsupported_packing(info: zipfile.ZipInfo) -> UnsupportedPacking:
    return UnsupportedPacking(
        f"The archive packs this file by method {info.compress_type}, which is not supported.",
        "Pack it with Deflate, or without compression, or send the photo itself.",
    )


def _too_large(photo: PhotoSettings) -> PhotoTooLarge:
    return PhotoTooLarge(
        f"The photo has more than {photo.max_bytes:,} bytes.", "Send a smaller photo, or a JPEG of it."
    )


def _left_behind(info: zipfile.ZipInfo) -> bool:
    """True for folders and the metadata files of macOS and Windows."""
    parts = info.filename.replace("\\", "/").split("/")
    return parts[-1] in ("", "Thumbs.db", "desktop.ini") or parts[-1].startswith(".") or parts[0] == "__MACOSX"


class _ReadsBounded:
    """A file that bounds a single read by `DIRECTORY_BYTES`; zipfile reads the directory in one call."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(min(size, DIRECTORY_BYTES + 1) if size >= 0 else DIRECTORY_BYTES + 1)
        if len(data) > DIRECTORY_BYTES:
            raise BadArchive("The directory of the archive is too large.", "Send the photos in several archives.")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the file open: the caller owns it."""
