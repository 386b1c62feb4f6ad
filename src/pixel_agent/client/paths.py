"""From what a person names – photos, folders, patterns – to the photos themselves."""

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
    """Files as given; folders as all photos in them, at any depth; patterns as what they match. Order is kept.

    A path that does not exist stays in the list, so that its error is reported in its place. Raises InvalidRequest if
    nothing is left.
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
    """By its name; what is hidden below the folder stays hidden."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()
