"""Makes thumbnails and annotated copies of photos for people, on request; no part of the scan itself."""

from __future__ import annotations

from collections.abc import Sequence

from pixel_agent.core import Row, sha256_of
from pixel_agent.core.byte_lru import ByteLru
from pixel_agent.photo.annotate import annotate
from pixel_agent.photo.executor import RankedExecutor
from pixel_agent.photo.stage import PhotoStage

THREADS = 1
"""Number of threads that draw: drawing is short, and scans need the cores."""
CACHE_BYTES = 32 * 2**20
"""Size of the thumbnail cache: about two thousand thumbnails of 320 pixels."""
ANNOTATED_SIDE = 2048
"""Longer side of an annotated photo: its labels are legible on a phone, and drawing takes a fraction of a second."""


class Pictures:
    """Makes copies with the photo stage's low-priority decoders and caches thumbnails. One event loop owns it."""

    def __init__(self, stage: PhotoStage) -> None:
        self._stage = stage
        self._drawing = RankedExecutor("drawing", THREADS)
        self._kept: ByteLru[tuple[str, int], bytes] = ByteLru(CACHE_BYTES)

    def kept(self, sha256: str, side: int) -> bytes | None:
        """A thumbnail from the cache; None if it is not there."""
        return self._kept.get((sha256, side))

    async def thumbnail(self, data: bytes, sha256: str, side: int) -> bytes:
        """An upright JPEG, its longer side at most `side`. Raises InvalidPhoto if the photo cannot be decoded."""
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
        """End the thread; waiting work is cancelled."""
        await self._drawing.close()
