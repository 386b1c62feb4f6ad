"""Streams an export: converts pages of scans to bytes at the client's pace; a page is read after the last was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry

Pages = AsyncIterator[Iterable[Entry]]
Before = Callable[[], Awaitable[None]]
T = TypeVar("T")


async def opened(pages: Pages) -> Pages:
    """The same pages, with the first one already read, so that early errors are raised here."""
    first = await anext(pages, None)
    return _again(first, pages)


async def written(pages: Pages, exporter: Exporter, before_end: Before | None = None) -> AsyncGenerator[bytes, None]:
    """Yield the file in pieces. `before_end` runs after the last scan was added, before the end is written.

    All blocking work runs in one thread. Closing the iterator early, or an error, removes the temporary files; the
    output up to then is not a complete file of its format, or ends within a line.
    """
    thread = ThreadPoolExecutor(1, "export")

    async def run(work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    try:
        start = await run(exporter.begin)
        async for page in pages:
            piece = start + await run(lambda page=page: exporter.add(page))  # type: ignore[misc]  # bound at once
            start = b""
            if piece:
                yield piece
            if exporter.full:
                break
        if start:
            yield start
        if before_end is not None:
            await before_end()
        rest = exporter.end()
        while (last := await run(lambda: next(rest, None))) is not None:
            if last:
                yield last
    finally:
        thread.submit(exporter.close)
        thread.shutdown(wait=False)


async def _again(first: Iterable[Entry] | None, pages: Pages) -> Pages:
    if first is not None:
        yield first
        async for page in pages:
            yield page
