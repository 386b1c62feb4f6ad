"""A thread pool with priorities for blocking work of the photo stage: the lowest rank goes first, then first come."""

from __future__ import annotations

import asyncio
import heapq
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

from pixel_agent.core.errors import Draining, Refused

P = ParamSpec("P")
T = TypeVar("T")

RETRY_S = 1.0
"""Retry-after for a request when the machine has no thread left."""


@dataclass(frozen=True, slots=True)
class Stats:
    """Work of the workers now and so far; they are threads, or processes that are replaced when they die."""

    workers: int
    queued: int
    busy: int
    done: int
    replaced: int = 0


class RankedExecutor:
    """Runs blocking functions in at most `threads` threads; each starts when first needed and stays until `close`."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._most = threads
        self._wake = threading.Condition()
        self._queue: list[_Item] = []
        self._seq = 0
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._done = 0
        self._closed = False

    @property
    def stats(self) -> Stats:
        """A consistent snapshot."""
        with self._wake:
            return Stats(len(self._threads), len(self._queue), self._busy, self._done)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run_at`, at rank 0."""
        return await self.run_at(0, function, *args, **kwargs)

    async def run_at(self, rank: int, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result or exception.

        Cancelling removes the call from the queue if it has not begun. Raises Draining after `close`, also for calls
        that still wait then; Refused if the machine has no thread for the first call.
        """
        item = self._enqueue(rank, lambda: function(*args, **kwargs))
        try:
            return cast(T, await asyncio.wrap_future(item.future))
        except asyncio.CancelledError:
            item.future.cancel()
            self._forget(item)
            raise

    async def close(self) -> None:
        """Refuse waiting calls, let running ones finish, and end the threads. Safe to call twice."""
        with self._wake:
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            self._wake.notify_all()
        for item in waiting:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(_closed())
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._threads.clear()

    def _enqueue(self, rank: int, call: Callable[[], object]) -> _Item:
        with self._wake:
            if self._closed:
                raise _closed()
            if self._busy + len(self._queue) >= len(self._threads) < self._most:
                self._start_thread()
            self._seq += 1
            item = _Item(rank, self._seq, Future(), call)
            heapq.heappush(self._queue, item)
            self._wake.notify()
        return item

    def _start_thread(self) -> None:
        """Start one more thread. If the machine has none left, the next call retries; running threads continue."""
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads) + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            if not self._threads:
                raise _no_threads() from error
        else:
            self._threads.append(thread)

    def _forget(self, item: _Item) -> None:
        """Drop a cancelled item at once, because it references a photo's bytes."""
        with self._wake:
            if item in self._queue:
                self._queue.remove(item)
                heapq.heapify(self._queue)

    def _work(self) -> None:
        while (item := self._next()) is not None:
            future = item.future
            outcome = _outcome(item.call) if future.set_running_or_notify_cancel() else None
            with self._wake:  # before the caller is notified; otherwise the statistics lag behind the results
                self._busy -= 1
                self._done += 1
            if isinstance(outcome, _Failure):
                future.set_exception(outcome.error)
            elif outcome is not None:
                future.set_result(outcome.value)
            del item, future, outcome  # otherwise the last photo stays in memory while the thread waits

    def _next(self) -> _Item | None:
        """The next item; None after `close`."""
        with self._wake:
            while not self._queue and not self._closed:
                self._wake.wait()
            if self._closed:
                return None
            self._busy += 1
            return heapq.heappop(self._queue)


@dataclass(order=True, slots=True)
class _Item:
    rank: int
    seq: int
    future: Future[object] = field(compare=False)
    call: Callable[[], object] = field(compare=False)


def _closed() -> Draining:
    return Draining("The server is stopping and takes no more photos.", "Send the photo again in a moment.")


def _no_threads() -> Refused:
    return Refused("The machine has no thread left.", "Send the photo again in a moment.", retry_after_s=RETRY_S)


@dataclass(frozen=True, slots=True)
class _Success:
    value: object


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


def _outcome(call: Callable[[], object]) -> _Success | _Failure:
    try:
        return _Success(call())
    except BaseException as error:  # every kind: the caller waits for it
        return _Failure(error)
