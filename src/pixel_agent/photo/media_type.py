"""Detects the type of an upload from its bytes alone, before decoding; file names and request headers are ignored."""

from __future__ import annotations

from typing import Final

from pixel_agent.core.errors import EmptyPhoto
from pixel_agent.photo.refusals import ACCEPTED, unsupported


def media_type_of(data: bytes) -> str:
    """The media type of the bytes.

    Raises EmptyPhoto for no bytes. Raises UnsupportedPhoto, with the type that the bytes look like, for anything but a
    photo of an accepted type.
    """
    if not data:
        raise EmptyPhoto("The photo has no bytes.", f"Send a {ACCEPTED} photo.")
    for magic, media_type in _MAGIC:
        if data.startswith(magic) and not (media_type == "image/tiff" and data[8:10] == b"CR"):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        brands = {data[8:12], *(data[i : i + 4] for i in range(16, min(len(data), _box_length(data), 256), 4))}
        if brands & {b"avif", b"avis"}:
            return "image/avif"
        if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
            return "image/heic"
    raise unsupported(_looks_like(data))


_MAGIC: Final = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"BM", "image/bmp"),
)

_OTHERS: Final = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (b"\0\0\x01\0", "an icon (ICO)"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"8BPS", "a Photoshop document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"ID3", "a sound file"),
    (b"II+\0", "a BigTIFF image"),
    (b"MM\0+", "a BigTIFF image"),
    (b"IIRO", "a raw photo (ORF)"),
    (b"IIRS", "a raw photo (ORF)"),
    (b"MMOR", "a raw photo (ORF)"),
    (b"IIU\0", "a raw photo (RW2)"),
    (b"FUJIFILMCCD-RAW", "a raw photo (RAF)"),
)


def _looks_like(data: bytes) -> str:
    for magic, name in _OTHERS:
        if data.startswith(magic):
            return name
    if data[8:10] == b"CR" and data[:2] in (b"II", b"MM"):
        return "a raw photo (CR2)"
    if data[:4] == b"RIFF":
        return {b"AVI ": "a video (AVI)", b"WAVE": "a sound file"}.get(data[8:12], "a RIFF file")
    if data[4:12] == b"ftypcrx ":
        return "a raw photo (CR3)"
    if data[4:8] in (b"ftyp", b"moov", b"mdat"):
        return "a video (MP4 or MOV)"
    head = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "an SVG drawing"
    if head.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script")):
        return "an HTML page"
    if head.startswith(b"<?xml"):
        return "an XML document"
    if head.startswith(b"data:image"):
        return "a data URL (decode its base64 part first)"
    if not any(byte < 9 or 13 < byte < 32 or byte == 127 for byte in data[:512]):
        return "text"
    return "a file of an unknown type"


def _box_length(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")
