"""What a camera wrote beside the pixels: how it was held, and when. EXIF that makes no sense says nothing."""

from __future__ import annotations

from datetime import datetime

from PIL import Image


def load_exif(raw: bytes) -> Image.Exif | None:
    """EXIF from its own bytes, with or without the `Exif` prefix; None where there is none or it is broken."""
    if not raw:
        return None
    exif = Image.Exif()
    try:
        exif.load(raw)
    except Exception:  # Pillow raises a dozen kinds here, and a photo is a photo without EXIF
        return None
    return exif


def exif_of(image: Image.Image) -> Image.Exif | None:
    """EXIF of an opened image; None where it is broken."""
    try:
        return image.getexif()
    except Exception:
        return None


def read_exif(exif: Image.Exif | None) -> tuple[int, datetime | None]:
    """Orientation (1-8; 1 where unknown), and the camera's own time without a zone (tag DateTimeOriginal)."""
    if exif is None:
        return 1, None
    try:
        orientation = exif.get(0x0112, 1)
        taken = exif.get_ifd(0x8769).get(0x9003)
    except Exception:
        return 1, None
    return orientation if orientation in range(1, 9) else 1, _camera_time(taken)


def _camera_time(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text).strip(" \0")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
