"""A temporary file for exports that must collect data before they send it; always removed on close."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from pixel_agent.core.errors import StoreFull
from pixel_agent.storage.exports.base import PIECE_BYTES

IN_MEMORY_BYTES = 1024 * 1024


class Spool:
    """A buffer for bytes: in memory while they are few, then in the system's temporary folder."""

    def __init__(self) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115  # closed by `close`

    def write(self, data: bytes) -> None:
        """Append. Raises StoreFull."""
        with room():
            self.file.write(data)

    def pieces(self) -> Iterator[bytes]:
        """The whole contents in pieces, from the start."""
        self.file.seek(0)
        while piece := self.file.read(PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Remove the file."""
        self.file.close()


@contextmanager
def room() -> Iterator[None]:
    """Translate the error of a full temporary folder into StoreFull, with advice."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StoreFull(
            "There is no room left in the temporary folder for this export.",
            "Free some space, point TMPDIR to a larger disk, or export less at once.",
        ) from error
