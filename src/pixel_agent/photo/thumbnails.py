"""Copies of photos for people: small ones, and ones with what was found drawn on them. Beside the flow."""

from __future__ import annotations

from collections.abc import Sequence

from pixel_agent.core import Row, sha256_of
from pixel_agent.core.byte_lru import ByteLru
from pixel_agent.photo.annotate import annotate
from pixel_agent.photo.executor import RankedExecutor
from pixel_agent.photo.stage import PhotoStage

THREADS = 1
"""Drawing takes a moment, and scans want the cores."""
CACHE_BYTES = 32 * 2**20
"""Thumbnails that are kept in memory: about two thousand of 320 pixels."""
ANNOTATED_SIDE = 2048
"""Longer side of an annotated photo: its labels stay legible on a phone, and drawing takes a fraction of a second."""


class Pictures:
    """Makes copies by the stage's decoders beside scans, and keeps the latest thumbnails. One event loop owns it."""

    def __init__(self, stage: PhotoStage) -> None:
        self._stage = stage
        self._drawing = RankedExecutor("drawing", THREADS)
        self._kept: ByteLru[tuple[str, int], bytes] = ByteLru(CACHE_BYTES)

    def kept(self, sha256: str, side: int) -> bytes | None:
        """A thumbnail that was made a while ago."""
        return self._kept.get((sha256, side))

    async def thumbnail(self, data: bytes, sha256: str, side: int) -> bytes:
        """A JPEG, upright, its longer side at most `side`. Raises an InvalidPhoto where the photo cannot be decoded."""
        found = self.kept(sha256, side)
        if found is None:
            found = await self._stage.jpeg(data, side, sha256)
            self._kept.put((sha256, side), found, len(found))
        return found

    async def annotated(self, data: bytes, rows: Sequence[Row], side: int | None = ANNOTATED_SIDE) -> bytes:
        """A JPEG with the rows' boxes and labels, its longer side at most `side`. Raises as `thumbnail` does."""
        pixels, header = await self._stage.pixels(data, sha256_of(data), side=side)
        width, height = header.upright_size
        scale = width / pixels.shape[1], height / pixels.shape[0]
        return await self._drawing.run(annotate, pixels, rows, scale=scale)

    async def close(self) -> None:
        """End the thread; what waits is cancelled."""
        await self._drawing.close()
