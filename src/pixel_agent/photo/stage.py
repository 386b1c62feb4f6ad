"""The photo stage: turns the bytes of an upload into a checked, upright `Photo` within the engine's pixel budget.

It follows admission and comes before barcodes and scheduling. Structure and limits are checked before a pixel is
decoded; a photo that cannot be decoded is refused here and never joins a batch. Decoding runs in separate processes
(`decoder_pool.py`), unless `photo.processes` is 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from pixel_agent.core import Assessment, Photo, Pixels, sha256_of
from pixel_agent.core.errors import PhotoTooLarge
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import work
from pixel_agent.photo.decode import Header, decode, read_photo
from pixel_agent.photo.decoder_pool import DecoderPool
from pixel_agent.photo.decoders import Assess, Decoders, ThreadDecoders, default_processes
from pixel_agent.photo.executor import Stats
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.nursery import Nursery
from pixel_agent.photo.work import Made, Order

__all__ = ["PhotoStage", "Prepared", "assess", "check", "prepare"]

BESIDE_NICENESS = 10
"""Added to the niceness of decoders for thumbnails and second looks: photos that the device waits for go first."""
FIRST_YEAR = 2001
"""Earlier years are dropped: cameras whose clock was never set write 1970, 1980 or 2000."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo, and its assessment, which is made concurrently."""

    photo: Photo
    assess: Assess


class PhotoStage:
    """Prepares photos off the event loop; one event loop owns it.

    There are two sets of decoders: one for the photos that scans wait for, and one at lower priority for everything
    else (thumbnails, second looks at full size, checks of photos that are scanned later).
    """

    def __init__(self, settings: PhotoSettings) -> None:
        self._settings = settings
        self._nursery: Nursery | None = None
        self._scans, self._beside = self._decoders()

    @property
    def stats(self) -> Stats:
        """Statistics of the decoders for scans: number, queue length, and work now and so far."""
        return self._scans.stats

    def start(self) -> None:
        """Start the decoders before the first photo."""
        self._scans.start()

    async def prepare(
        self,
        data: bytes,
        max_pixels: int,
        grid: int = 1,
        *,
        sha256: str | None = None,
        rank: int = 0,
        client: str = "",
    ) -> Prepared:
        """As the function `prepare`; the lowest rank goes first, then the client that has used the least time."""
        _check_bytes(data, self._settings)
        media_type_of(data)
        digest: str = await asyncio.to_thread(sha256_of, data) if sha256 is None else sha256
        order = self._order("pixels", budget=max_pixels, grid=grid, assess=True)
        made, assessed = await self._scans.run(order, data, sha256=digest, rank=rank, client=client)
        return Prepared(_photo(data, digest, made, self._decode_again(data, digest), None), assessed)

    async def check(self, data: bytes, sha256: str, client: str = "") -> Header:
        """Check a photo without decoding it. Raises errors of the InvalidPhoto family."""
        _check_bytes(data, self._settings)
        media_type_of(data)
        made, _ = await self._beside.run(self._order("check"), data, sha256=sha256, client=client)
        return made.header

    async def jpeg(self, data: bytes, side: int, sha256: str) -> bytes:
        """An upright JPEG with a longer side of at most `side` pixels. Raises errors of the InvalidPhoto family."""
        made, _ = await self._beside.run(self._order("jpeg", side=side), data, sha256=sha256)
        if made.jpeg is None:
            raise RuntimeError("a JPEG was ordered")
        return made.jpeg

    async def pixels(
        self, data: bytes, sha256: str, *, max_pixels: int | None = None, side: int | None = None
    ) -> tuple[Pixels, Header]:
        """Upright pixels, at most `max_pixels` of them or with a longer side of at most `side`, and the header."""
        made, _ = await self._beside.run(self._order("pixels", budget=max_pixels, side=side), data, sha256=sha256)
        if made.pixels is None:
            raise RuntimeError("pixels were ordered")
        return made.pixels, made.header

    async def close(self) -> None:
        """Finish running work, refuse waiting work, end the decoders."""
        await self._scans.close()
        await self._beside.close()
        if self._nursery is not None:
            await self._nursery.close()

    def _decoders(self) -> tuple[Decoders, Decoders]:
        settings = self._settings
        processes = default_processes() if settings.processes is None else settings.processes
        if processes == 0:
            threads = default_processes()
            return ThreadDecoders("photo", threads, settings.heic_processes), ThreadDecoders("photo-beside", 1, 1)
        self._nursery = Nursery()
        pool = partial(
            DecoderPool,
            self._nursery,
            slow=settings.heic_processes,
            memory_bytes=settings.decoder_memory_bytes,
            timeout_s=settings.decode_timeout_s,
        )
        return pool(processes), pool(1, niceness=BESIDE_NICENESS)

    def _order(
        self,
        what: Literal["check", "pixels", "jpeg"],
        *,
        budget: int | None = None,
        grid: int = 1,
        side: int | None = None,
        assess: bool = False,
    ) -> Order:
        settings = self._settings
        return Order(what, settings.max_pixels, settings.max_decoded_bytes, budget, grid, side, assess)

    def _decode_again(self, data: bytes, sha256: str) -> Callable[[int | None], Pixels]:
        if self._nursery is None:
            return partial(_decode_here, data)
        return _DecodeElsewhere(self, asyncio.get_running_loop(), data, sha256)


class _DecodeElsewhere:
    """`Photo.decode` for worker threads, by the decoders, while the event loop runs; another process decodes itself."""

    def __init__(self, stage: PhotoStage, loop: asyncio.AbstractEventLoop, data: bytes, sha256: str) -> None:
        self._stage, self._loop, self._data, self._sha256 = stage, loop, data, sha256

    def __call__(self, max_pixels: int | None) -> Pixels:
        decoding = self._stage.pixels(self._data, self._sha256, max_pixels=max_pixels)
        return asyncio.run_coroutine_threadsafe(decoding, self._loop).result()[0]

    def __reduce__(self) -> tuple[object, ...]:
        return partial, (_decode_here, self._data)


def prepare(
    data: bytes,
    max_pixels: int,
    settings: PhotoSettings,
    sha256: str | None = None,
    now: datetime | None = None,
    grid: int = 1,
) -> Photo:
    """Check and decode one photo in this thread; blocks (about 40 ms of a core for a 12-megapixel JPEG).

    `pixels` has at most `max_pixels` pixels and is never enlarged, except to a `grid` of whole visual tokens. `sha256`
    is computed unless given. A camera time later than `now` (default: the clock) or before 2001 is dropped. Raises
    errors of the InvalidPhoto family, and MemoryError.
    """
    _check_bytes(data, settings)
    order = Order("pixels", settings.max_pixels, settings.max_decoded_bytes, max_pixels, grid)
    return _photo(data, sha256 or sha256_of(data), work.perform(order, data), partial(_decode_here, data), now)


def assess(photo: Photo) -> Assessment:
    """Quality and fingerprint of a prepared photo; blocks for about 2 ms."""
    return work.assess(photo.pixels, Header(photo.media_type, photo.width, photo.height))


def check(data: bytes, settings: PhotoSettings) -> Header:
    """Check type, structure, bytes, pixels and cost against the limits; blocks. Raises InvalidPhoto family errors."""
    _check_bytes(data, settings)
    return work.check(data, settings.max_pixels, settings.max_decoded_bytes).header


def _photo(data: bytes, sha256: str, made: Made, decode: Callable[[int | None], Pixels], now: datetime | None) -> Photo:
    if made.pixels is None:
        raise RuntimeError("pixels were ordered")
    width, height = made.header.upright_size
    taken = _plausible(made.header.captured_at, now or datetime.now())
    return Photo(data, sha256, made.header.media_type, width, height, made.pixels, decode, taken)


def _decode_here(data: bytes, max_pixels: int | None) -> Pixels:
    return decode(read_photo(data, media_type_of(data)), max_pixels)


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
