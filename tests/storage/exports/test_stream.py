"""Export streams: pace, early ends, and no complete-looking file after a failure."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator

import pytest

from pixel_agent.core.errors import StoreUnavailable
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry
from pixel_agent.storage.exports.stream import opened, written
from tests.storage.exports.records import entry


class Recorded(Exporter):
    """Writes numbers, and notes what is done to it."""

    media_type = "text/plain"
    suffix = "txt"

    def __init__(self, most: int = 1000) -> None:
        self.taken: list[int] = []
        self.threads: set[str] = set()
        self.closed = threading.Event()
        self._most = most

    @property
    def full(self) -> bool:
        return len(self.taken) >= self._most

    def begin(self) -> bytes:
        return b"<"

    def add(self, entries: Iterable[Entry]) -> bytes:
        self.threads.add(threading.current_thread().name)
        page = [entry.number for entry in entries]
        self.taken += page
        return b"".join(b"%d," % number for number in page)

    def end(self) -> Iterator[bytes]:
        self.threads.add(threading.current_thread().name)
        yield b""
        yield b">"

    def close(self) -> None:
        self.closed.set()


async def pages(number: int, read: list[int] | None = None, fail_at: int = -1) -> AsyncIterator[Iterable[Entry]]:
    for page in range(number):
        if page == fail_at:
            raise StoreUnavailable("The disk is gone.")
        if read is not None:
            read.append(page)
        yield iter([entry(page)])


async def test_the_file_is_written_in_one_thread_beside_the_loop() -> None:
    exporter = Recorded()
    assert b"".join([piece async for piece in written(pages(3), exporter)]) == b"<0,1,2,>"
    assert len(exporter.threads) == 1
    assert threading.current_thread().name not in exporter.threads
    assert exporter.closed.wait(60)


async def test_no_page_is_read_before_the_last_has_gone_out() -> None:
    read: list[int] = []
    stream = written(pages(5, read), Recorded())
    assert await anext(stream) == b"<0,"
    await asyncio.sleep(0.01)
    assert read == [0]
    await stream.aclose()


async def test_leaving_early_closes_the_exporter() -> None:
    exporter = Recorded()
    stream = written(pages(5), exporter)
    await anext(stream)
    await stream.aclose()
    assert exporter.closed.wait(60)
    assert exporter.taken == [0]


async def test_a_failure_in_the_middle_is_raised_and_nothing_ends_the_file() -> None:
    exporter = Recorded()
    stream = written(pages(5, fail_at=2), exporter)
    assert [await anext(stream), await anext(stream)] == [b"<0,", b"1,"]
    with pytest.raises(StoreUnavailable):
        await anext(stream)
    assert exporter.closed.wait(60)


async def test_what_fails_at_once_does_so_before_anything_is_handed_out() -> None:
    with pytest.raises(StoreUnavailable):
        await opened(pages(5, fail_at=0))


async def test_nothing_makes_a_file_without_rows() -> None:
    found = await opened(pages(0))
    assert b"".join([piece async for piece in written(found, Recorded())]) == b"<>"


async def test_a_full_exporter_takes_no_more_pages() -> None:
    read: list[int] = []
    exporter = Recorded(most=2)
    assert b"".join([piece async for piece in written(pages(50, read), exporter)]) == b"<0,1,>"
    assert read == [0, 1]


async def test_what_belongs_before_the_end_runs_when_all_scans_are_in() -> None:
    exporter = Recorded()
    seen: list[int] = []

    async def before_end() -> None:
        seen.extend(exporter.taken)

    assert [piece async for piece in written(pages(2), exporter, before_end)]
    assert seen == [0, 1]


async def test_the_loop_goes_on_while_a_page_is_written() -> None:
    class Slow(Recorded):
        def add(self, entries: Iterable[Entry]) -> bytes:
            free.wait(60)
            return super().add(entries)

    free = threading.Event()
    stream = written(pages(1), Slow())
    coming = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.01)
    assert not coming.done()
    free.set()
    assert await coming == b"<0,"
    await stream.aclose()
