"""The photo stage: bytes of an upload → a checked, upright `Photo` within the engine's pixel budget.

It follows admission and comes before barcodes and scheduling. Limits are checked before a pixel is decoded; a photo that
cannot be decoded is refused here and never joins a batch.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import cv2
import numpy as np

from pixel_agent.core import Assessment, Photo, Pixels, sha256_of
from pixel_agent.core.errors import PhotoTooLarge, PhotoTooManyPixels
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import quality
from pixel_agent.photo.decode import Header, decode, read_header
from pixel_agent.photo.executor import RankedExecutor, Stats
from pixel_agent.photo.media_type import media_type_of

__all__ = ["PhotoStage", "assess", "check", "fingerprint", "prepare"]

T = TypeVar("T")

ASSESS_RANK = -1
"""An assessment takes 2 ms and may end a scan early, so it goes before every decoding."""
FIRST_YEAR = 2001
"""Cameras whose clock was never set say 1970, 1980 or 2000."""


class PhotoStage:
    """Prepares and assesses photos in its own worker threads."""

    def __init__(self, settings: PhotoSettings) -> None:
        self._settings = settings
        self._workers = RankedExecutor("photo", settings.max_threads or max(1, (os.cpu_count() or 1) - 1))
        self._heic = asyncio.Semaphore(settings.heic_threads)

    @property
    def stats(self) -> Stats:
        """Threads, queue and work of the stage."""
        return self._workers.stats

    async def prepare(
        self, data: bytes, max_pixels: int, grid: int = 1, *, sha256: str | None = None, rank: int = 0
    ) -> Photo:
        """As `prepare`, in a worker thread; the lowest rank goes first."""
        _check_bytes(data, self._settings)
        return await self._run(rank, lambda: prepare(data, max_pixels, self._settings, sha256, None, grid), data)

    async def assess(self, photo: Photo) -> Assessment:
        """As `assess`, in a worker thread."""
        return await self._workers.run_at(ASSESS_RANK, assess, photo)

    async def close(self) -> None:
        """Finish what runs, cancel what waits, end the threads."""
        await self._workers.close()

    async def _run(self, rank: int, work: Callable[[], T], data: bytes) -> T:
        """HEIC and AVIF take about thirty times as long as JPEG; their own bound keeps them from filling every thread."""
        if media_type_of(data) not in ("image/heic", "image/avif"):
            return await self._workers.run_at(rank, work)
        async with self._heic:
            return await self._workers.run_at(rank, work)


def prepare(
    data: bytes,
    max_pixels: int,
    settings: PhotoSettings,
    sha256: str | None = None,
    now: datetime | None = None,
    grid: int = 1,
) -> Photo:
    """Check and decode one photo; blocks (about 40 ms of a core for a 12-megapixel JPEG).

    `pixels` has at most `max_pixels` pixels and is never enlarged, except to a `grid` of whole visual tokens. `sha256`
    is computed unless it is given. A camera's time that is later than `now` (default: the clock) or before 2001 is
    dropped. Raises only errors of the InvalidPhoto family.
    """
    header = check(data, settings)
    pixels = decode(data, header, max_pixels, grid)
    width, height = header.upright_size
    return Photo(
        data=data,
        sha256=sha256 or sha256_of(data),
        media_type=header.media_type,
        width=width,
        height=height,
        pixels=pixels,
        decode=partial(decode, data, header),
        captured_at=_plausible(header.captured_at, now or datetime.now()),
    )


def assess(photo: Photo) -> Assessment:
    """Quality and fingerprint of a prepared photo; blocks for about 2 ms."""
    return Assessment(quality.assess(photo.pixels, (photo.width, photo.height)), fingerprint(photo.pixels))


def check(data: bytes, settings: PhotoSettings) -> Header:
    """Check type, bytes and pixels against the limits, without decoding; a photo exactly at a limit is accepted.

    Raises EmptyPhoto, UnsupportedPhoto, PhotoTooLarge, PhotoTooManyPixels, or InvalidPhoto for a broken header.
    """
    _check_bytes(data, settings)
    header = read_header(data, media_type_of(data))
    if header.width * header.height > settings.max_pixels:
        raise PhotoTooManyPixels(
            f"The photo has {header.width} x {header.height} pixels; the limit is {settings.max_pixels:,} pixels.",
            "Send a smaller version of the photo.",
        )
    return header


def fingerprint(pixels: Pixels) -> int:
    """64-bit difference hash (Krawetz's dHash): 9 x 8 grey cells, one bit for each cell darker than its right one."""
    step = max(1, min(pixels.shape[:2]) // 128)  # a cell's mean needs no more than 16 x 16 samples
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[::step, ::step]), cv2.COLOR_RGB2GRAY)
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    return int.from_bytes(np.packbits(cells[:, :-1] < cells[:, 1:]).tobytes(), "big")


def _check_bytes(data: bytes, settings: PhotoSettings) -> None:
    if len(data) > settings.max_bytes:
        raise PhotoTooLarge(
            f"The photo has more than {settings.max_bytes:,} bytes.",
            "Send a smaller photo, or a JPEG of it.",
        )


def _plausible(taken: datetime | None, now: datetime) -> datetime | None:
    if taken is None or taken.year < FIRST_YEAR or taken > now + timedelta(days=1):
        return None
    return taken
