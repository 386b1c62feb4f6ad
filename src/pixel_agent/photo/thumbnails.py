"""Copies of photos for people: small ones, and ones with what was found drawn on them. Beside the flow."""

from __future__ import annotations

from collections.abc import Sequence

import cv2

from pixel_agent.core import Pixels, Row
from pixel_agent.core.byte_lru import ByteLru
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo.annotate import annotate
from pixel_agent.photo.decode import Header, decode
from pixel_agent.photo.executor import RankedExecutor
from pixel_agent.photo.stage import check

THREADS = 2
"""Few: a page of thumbnails takes a moment, and scans want the cores."""
CACHE_BYTES = 32 * 2**20
"""Thumbnails that are kept in memory: about two thousand of 320 pixels."""
ANNOTATED_SIDE = 2048
"""Longer side of an annotated photo: its labels stay legible on a phone, and drawing takes a fraction of a second."""
QUALITY = 82


class Pictures:
    """Makes them in threads of its own, so that who looks back holds up no scan, and keeps the latest thumbnails.

    One event loop owns it; `close` ends its threads.
    """

    def __init__(self, settings: PhotoSettings) -> None:
        self._settings = settings
        self._workers = RankedExecutor("thumbnails", THREADS)
        self._kept: ByteLru[tuple[str, int], bytes] = ByteLru(CACHE_BYTES)

    def kept(self, sha256: str, side: int) -> bytes | None:
        """A thumbnail that was made a while ago."""
        return self._kept.get((sha256, side))

    async def thumbnail(self, data: bytes, sha256: str, side: int) -> bytes:
        """A JPEG, upright, its longer side at most `side`. Raises an InvalidPhoto where the photo cannot be decoded."""
        found = self.kept(sha256, side)
        if found is None:
            found = await self._workers.run(thumbnail, data, side, self._settings)
            self._kept.put((sha256, side), found, len(found))
        return found

    async def annotated(self, data: bytes, rows: Sequence[Row]) -> bytes:
        """A JPEG with the rows' boxes and labels. Raises as `thumbnail` does."""
        return await self._workers.run(annotated, data, rows, self._settings)

    async def close(self) -> None:
        """End the threads; what waits is cancelled."""
        await self._workers.close()


def thumbnail(data: bytes, side: int, settings: PhotoSettings) -> bytes:
    """As `Pictures.thumbnail`; blocks."""
    pixels, _ = _within(data, side, settings)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(encoded)


def annotated(data: bytes, rows: Sequence[Row], settings: PhotoSettings) -> bytes:
    """As `Pictures.annotated`; blocks."""
    pixels, header = _within(data, ANNOTATED_SIDE, settings)
    width, height = header.upright_size
    return annotate(pixels, rows, scale=(width / pixels.shape[1], height / pixels.shape[0]))


def _within(data: bytes, side: int, settings: PhotoSettings) -> tuple[Pixels, Header]:
    """Decoded as small as will do."""
    header = check(data, settings)
    scale = min(1.0, side / max(header.width, header.height))
    most = max(1, int(header.width * scale)) * max(1, int(header.height * scale))
    return decode(data, header, most), header
