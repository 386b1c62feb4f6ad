"""The photo stage: an upload's bytes → a checked, upright `Photo` within the engine's pixel budget.

Follows admission, comes before evidence and scheduling. Limits are checked before a pixel is decoded; a photo that
cannot be decoded is refused here and never joins a batch.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import cv2
import numpy as np

from pixel_agent.core import Photo, Pixels, Quality
from pixel_agent.core.errors import PhotoTooLarge, PhotoTooManyPixels
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import quality
from pixel_agent.photo.decode import Header, decode, read_header
from pixel_agent.photo.executor import ElasticExecutor, Stats
from pixel_agent.photo.media_type import sniff

__all__ = ["PhotoStage", "check", "fingerprint", "judged", "judgement", "prepare", "sniff", "unjudged"]

T = TypeVar("T")

LARGE_BYTES = 2**20
"""Up to this size (about 1 ms) an upload is hashed where it is."""
JUDGED_AFTER_S = 0.002
"""A photo is judged when it is on its way to the device: before, the two would share a processor, and the device wait."""
FIRST = -1
"""The rank of that: nobody who waits to be decoded goes before it."""
FIRST_YEAR = 2001
"""Cameras whose clock was never set say 1970, 1980 or 2000."""


class PhotoStage:
    """Prepares photos in its own worker threads, so that the event loop stays free."""

    def __init__(self, settings: PhotoSettings) -> None:
        self._settings = settings
        most = settings.max_threads or max(1, (os.cpu_count() or 1) - 1)
        self._workers = ElasticExecutor("photo", settings.min_threads, max(most, settings.min_threads))
        self._heic = asyncio.Semaphore(settings.heic_threads)

    @property
    def stats(self) -> Stats:
        """Threads, queue and work of the stage."""
        return self._workers.stats

    async def digest(self, data: bytes) -> str:
        """The SHA-256 of an upload; off the event loop where it takes longer than going there."""
        return await asyncio.to_thread(digest, data) if len(data) > LARGE_BYTES else digest(data)

    async def prepare(
        self, data: bytes, max_pixels: int, grid: int = 1, *, sha256: str | None = None, rank: int = 0
    ) -> Photo:
        """As `prepare`, off the event loop; the lowest rank goes first."""
        _check_bytes(data, self._settings)
        return await self.run(rank, lambda: prepare(data, max_pixels, self._settings, sha256, None, grid), data)

    async def begin(
        self, data: bytes, max_pixels: int, grid: int = 1, *, sha256: str | None = None, rank: int = 0
    ) -> tuple[Photo, asyncio.Task[Photo]]:
        """The photo as soon as it has pixels, and the task that gives it once more when it has been judged.

        Cancelling takes a photo that still waits out of the queue; whoever got the task awaits or cancels it.
        """
        _check_bytes(data, self._settings)
        photo = await self.run(rank, lambda: unjudged(data, max_pixels, self._settings, sha256, None, grid), data)
        return photo, asyncio.create_task(self._judge(photo))

    async def _judge(self, photo: Photo) -> Photo:
        await asyncio.sleep(JUDGED_AFTER_S)
        return await self._workers.run_at(FIRST, lambda: judged(photo))

    async def run(self, rank: int, work: Callable[[], T], data: bytes) -> T:
        """What `work` makes of a photo's bytes, in the threads of this stage; the lowest rank goes first.

        HEIC and AVIF take about thirty times as long as JPEG; their own bound keeps them from filling every thread.
        """
        if sniff(data) not in ("image/heic", "image/avif"):
            return await self._workers.run_at(rank, work)
        async with self._heic:
            return await self._workers.run_at(rank, work)

    async def close(self) -> None:
        """Finish what runs, cancel what waits, end the threads."""
        await self._workers.close()


def prepare(
    data: bytes,
    max_pixels: int,
    settings: PhotoSettings,
    sha256: str | None = None,
    now: datetime | None = None,
    grid: int = 1,
) -> Photo:
    """Check, decode and judge one photo; blocks (about 45 ms of a core for a 12-megapixel JPEG).

    `pixels` has at most `max_pixels` pixels and is never enlarged, except to a `grid` of whole visual tokens. `sha256`
    is computed unless it is given. `now` (default: the clock) is what the camera's
    time is held against: one from the future or from before 2001 is dropped. Raises the InvalidPhoto family only.
    """
    return judged(unjudged(data, max_pixels, settings, sha256, now, grid))


def unjudged(
    data: bytes,
    max_pixels: int,
    settings: PhotoSettings,
    sha256: str | None = None,
    now: datetime | None = None,
    grid: int = 1,
) -> Photo:
    """As `prepare`, without `quality` and `fingerprint`, which take about 2 ms."""
    header = check(data, settings)
    pixels = decode(data, header, max_pixels, grid)
    width, height = header.upright_size
    return Photo(
        data=data,
        sha256=sha256 or digest(data),
        media_type=header.media_type,
        width=width,
        height=height,
        pixels=pixels,
        quality=None,
        decode=partial(decode, data, header),
        captured_at=_plausible(header.captured_at, now or datetime.now()),
    )


def judged(photo: Photo) -> Photo:
    """The same photo with its quality and fingerprint; blocks."""
    found = quality.assess(photo.pixels, (photo.width, photo.height))
    return replace(photo, quality=found, fingerprint=fingerprint(photo.pixels))


def judgement(photo: Photo) -> Quality:
    """The quality of a photo that has been judged. Raises RuntimeError for another one, which is our bug."""
    if photo.quality is None:
        raise RuntimeError("the photo has not been judged")
    return photo.quality


def digest(data: bytes) -> str:
    """The SHA-256 of an upload, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def check(data: bytes, settings: PhotoSettings) -> Header:
    """Type, bytes and pixels against the limits, without decoding; exactly at a limit is accepted.

    Raises EmptyPhoto, UnsupportedPhoto, PhotoTooLarge, PhotoTooManyPixels, or InvalidPhoto for a header that is broken.
    """
    _check_bytes(data, settings)
    header = read_header(data, sniff(data))
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
