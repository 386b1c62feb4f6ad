"""Who decodes: processes (`decoder_pool.py`), or threads of this process, which share its memory and its fate."""

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
"""An assessment takes 2 ms and may end a scan early, so it goes before every decoding."""

Assess: TypeAlias = Callable[[], Awaitable[Assessment]]
"""Gives the assessment of pixels that were just made; at most once."""


class Decoders(Protocol):
    """Performs orders, several at a time, off the event loop."""

    @property
    def stats(self) -> Stats:
        """Workers, queue and work."""
        ...

    def start(self) -> None:
        """Get ready before the first order."""
        ...

    async def run(
        self, order: Order, data: bytes, *, sha256: str = "", rank: int = 0, client: str = ""
    ) -> tuple[Made, Assess]:
        """What came of the order, and its assessment where that was ordered. Raises what `perform` raises."""
        ...

    async def close(self) -> None:
        """Finish what runs, refuse what waits."""
        ...


class ThreadDecoders:
    """Decoding in threads of this process: for tests and tools, since a codec that dies takes the process with it.

    `slow` is how many of them HEIC and AVIF may take at once.
    """

    def __init__(self, name: str, threads: int, slow: int) -> None:
        self._threads = RankedExecutor(name, threads)
        self._slow = asyncio.Semaphore(slow)

    @property
    def stats(self) -> Stats:
        """Threads, queue and work."""
        return self._threads.stats

    def start(self) -> None:
        """Threads start by themselves."""

    async def run(
        self,
        order: Order,
        data: bytes,
        *,
        sha256: str = "",  # noqa: ARG002  # nothing is remembered
        rank: int = 0,
        client: str = "",  # noqa: ARG002
    ) -> tuple[Made, Assess]:
        """As `Decoders.run`; clients are not told apart."""
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
        """Finish what runs, refuse what waits, end the threads."""
        await self._threads.close()


def default_processes() -> int:
    """One less than the cores, so that answering keeps one; at least one."""
    return max(1, (os.cpu_count() or 1) - 1)
