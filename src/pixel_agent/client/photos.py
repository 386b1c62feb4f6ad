"""Photos to upload: paths, bytes or open files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from pixel_agent.core.errors import FileUnreadable

PhotoSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
"""A path, the bytes of a photo, or a file opened for reading bytes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A photo ready for upload."""

    filename: str
    data: bytes


def part_of(source: PhotoSource, name: str | None = None) -> Part:
    """Read a photo; blocks. `name` replaces the file's name. Raises FileUnreadable."""
    if isinstance(source, bytes):
        return Part(name or "photo", source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return Part(name or path.name, _read(path))
    data = source.read()
    own = getattr(source, "name", None)
    return Part(name or (Path(own).name if isinstance(own, str) else "photo"), data)


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise FileUnreadable(f"{path} is not a file.", "Name a photo, or a folder of photos.")
        return path.read_bytes()
    except OSError as error:
        raise FileUnreadable(
            f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None
