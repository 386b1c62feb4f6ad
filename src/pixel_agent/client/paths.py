"""Expands paths that a user gives – photos, folders, patterns – to a list of photos."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from pixel_agent.core.errors import InvalidRequest

PHOTO_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff", ".gif"]
)


def expand(paths: Sequence[str]) -> list[Path]:
    """Expand paths, in order: a file to itself, a folder to all photos below it, a pattern to its matches.

    A path that does not exist stays in the list, so that its error is reported in its place. Raises InvalidRequest if
    the list is empty.
    """
    files: list[Path] = []
    for text in paths:
        if not text:
            raise InvalidRequest("One of the paths is empty.", "Is a variable of your script unset?")
        path = Path(text)
        if os.path.isdir(path):
            files += sorted(p for p in path.rglob("*") if _is_photo(p, path))
        elif not os.path.exists(path) and glob.has_magic(text):
            files += sorted(Path(p) for p in glob.glob(text, recursive=True) if Path(p).is_file())
        else:
            files.append(path)
    if not files:
        raise InvalidRequest(
            f"No photo was found in: {', '.join(paths)}.", f"Photos end in {', '.join(sorted(PHOTO_SUFFIXES))}."
        )
    return files


def _is_photo(path: Path, folder: Path) -> bool:
    """Whether the name is a photo's, and nothing below the folder on its path is hidden."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()
