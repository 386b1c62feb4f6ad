"""The interface between the photo stage and its decoders: processes (`decoder_pool.py`) or threads of this process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from pixel_agent.core import Assessment
from pixel_agent.photo.executor import RankedExecutor, Stats
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.work import Made, Order, assess, perform

ASSESS_RANK = -1
"""An assessment takes 2 ms and can end a scan early, so it goes before every decoding."""

Assess: TypeAlias = Callable[[], Awaitable[Assessment]]
"""Returns the assessment of the pixels just decoded; call it at most once."""


class Decoders(Protocol):
    """Runs orders concurrently, off the event loop."""

    @property
    def stats(self) -> Stats:
        """Number of workers, queue length, and work now and so far."""
        ...

    def start(self) -> None:
        """Start the workers before the first order."""
        ...

    async def run(
        self, order: Order, data: bytes, *, sha256: str = "", rank: int = 0, client: str = ""
    ) -> tuple[Made, Assess]:
        """The result of the order, and its assessment if that was ordered. Raises the errors of `perform`."""
        ...

    async def close(self) -> None:
        """Finish running orders, refuse waiting ones."""
        ...


class ThreadDecoders:
    """Decodes in threads of this process: for tests and tools, because a codec crash ends the process.

    `slow` is the maximum number of threads that HEIC and AVIF use at once.
    """

    def __init__(self, name: str, threads: int, slow: int) -> None:
        self._threads = RankedExecutor(name, threads)
        self._slow = asyncio.Semaphore(slow)

    @property
    def stats(self) -> Stats:
        """Number of threads, queue length, and work now and so far."""
        return self._threads.stats

    def start(self) -> None:
        """Does nothing: threads start with the first orders."""

    async def run(
        self,
        order: Order,
        data: bytes,
        *,
        sha256: str = "",  # noqa: ARG002  # nothing is remembered
        rank: int = 0,
        client: str = "",  # noqa: ARG002
    ) -> tuple[Made, Assess]:
        """As `Decoders.run`, without fairness between clients."""
        if media_type_of(data) in ("image/heic", "image/avif"):
            async with self._slow:
                made = await self._threads.run_at(rank, perform, order, data)
        else:
            made = await self._threads.run_at(rank, perform, order, data)

        async def assessed() -> Assessment:
            if made.pixels is None:
                raise RuntimeError("only pixels are assessed")
            return await self._threads.run_at(ASSESS_RANK, assess, made.pixels, made.header)

        return made, assessed

    async def close(self) -> None:
        """Finish running orders, refuse waiting ones, end the threads."""
        await self._threads.close()


def default_processes() -> int:
    """One less than the number of cores, so that one is left for the server; at least 1."""
    return max(1, (os.cpu_count() or 1) - 1)
