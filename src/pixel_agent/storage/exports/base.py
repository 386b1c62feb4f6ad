"""The interface of all export formats: begin, add scans page by page, end. It blocks: `stream.py` uses a thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar

from pixel_agent.storage.exports.entry import Entry

PIECE_BYTES = 256 * 1024
"""Chunk size for reading a temporary file."""


class Exporter(ABC):
    """Converts scans to the bytes of one file, in constant memory. Used once, by one thread."""

    media_type: ClassVar[str]
    suffix: ClassVar[str]

    @property
    def full(self) -> bool:
        """Whether further scans would be omitted."""
        return False

    def begin(self) -> bytes:
        """The bytes before the first scan."""
        return b""

    @abstractmethod
    def add(self, entries: Iterable[Entry]) -> bytes:
        """Add scans; returns the bytes that are ready. Raises StoreFull if the temporary folder is full."""

    def end(self) -> Iterator[bytes]:
        """The rest of the file, in pieces."""
        yield from ()

    def close(self) -> None:  # noqa: B027  # most formats need no cleanup
        """Remove temporary files, also after a failure."""
