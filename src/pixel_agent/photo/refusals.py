"""Builds the errors with which the photo stage rejects a photo."""

from __future__ import annotations

from typing import Final

from pixel_agent.core.errors import InvalidPhoto, PhotoTooLarge, UnsupportedPhoto

TAKE_AGAIN: Final = "Take the photo again, or upload it again."
ACCEPTED: Final = "JPEG, PNG, WebP, HEIC, AVIF, BMP, TIFF or GIF"


def broken(kind: str, what: str = "is truncated or damaged and cannot be decoded") -> InvalidPhoto:
    """The error for a photo of an accepted type that cannot be decoded."""
    return InvalidPhoto(f"The {kind} photo {what}.", TAKE_AGAIN)


def unsupported(what: str, advice: str = f"Send {ACCEPTED}.") -> UnsupportedPhoto:
    """The error for a file of another type; `what` names the type, with its article."""
    return UnsupportedPhoto(f"This is {what}, not a photo of an accepted type.", advice)


def too_costly(what: str) -> PhotoTooLarge:
    """The error for a photo that is small to upload and too expensive to decode."""
    return PhotoTooLarge(f"The photo {what}.", "Save it anew as a JPEG, or send a smaller version of it.")
