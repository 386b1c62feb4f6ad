"""What every format does: begin, take scans page by page, end. All of it blocks, so it runs in a thread (`stream.py`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import ClassVar

from pixel_agent.storage.exports.entry import Entry

PIECE_BYTES = 256 * 1024
"""Size of the pieces in which a temporary file is handed on."""


class Exporter(ABC):
    """Turns scans into the bytes of one file, in memory that does not grow with their number. Used once, by one thread."""

    media_type: ClassVar[str]
    suffix: ClassVar[str]

    @property
    def full(self) -> bool:
        """Whether further scans would be left out."""
        return False

    def begin(self) -> bytes:
        """What comes before the first scan."""
        return b""

    @abstractmethod
    def add(self, entries: Iterable[Entry]) -> bytes:
        """Take some scans; what can be written of the file by now. Raises StoreFull where a temporary file has no room."""

    def end(self) -> Iterator[bytes]:
        """The rest of the file, in pieces."""
        yield from ()

    def close(self) -> None:  # noqa: B027  # most formats keep nothing
        """Remove temporary files, also after a failure."""
