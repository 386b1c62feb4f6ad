"""Elastic worker threads for blocking work: more when work waits and the machine has room, fewer when idle.

`next_size` is the whole policy, a pure function. `ElasticExecutor` owns threads and queue, asks the policy when work
arrives or a worker falls idle, and never samples the processor more often than every half second.
"""

from __future__ import annotations

import asyncio
import heapq
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, cast

import psutil

from pixel_agent.core.errors import Draining

P = ParamSpec("P")
T = TypeVar("T")

LINGER_S = 5.0
"""How long a thread without work stays: longer than the pauses between a person's scans, shorter than a quiet spell."""
SAMPLE_S = 0.5
"""Shortest time between two looks at the processor."""


@dataclass(frozen=True, slots=True)
class Stats:
    """What an executor is doing now, and what it has done."""

    threads: int
    queued: int
    busy: int
    done: int


@dataclass(frozen=True, slots=True)
class Load:
    """What the policy decides on.

    `idle_s`: for how long at least one thread has had nothing to do. `foreign_cores`: cores that anything but these
    threads keeps busy. `cores`: cores of the machine.
    """

    threads: int
    busy: int
    queued: int
    idle_s: float
    foreign_cores: float
    cores: int


def next_size(load: Load, fewest: int, most: int, linger_s: float = LINGER_S) -> int:
    """How many threads there should be, between `fewest` and `most`.

    Grows to what is busy and waiting, but not past the cores that others leave free: one more decoding thread on a
    full machine only slows the event loop and the device's driver. Work that waits has one thread whatever the machine
    does, or it would wait for ever. Shrinks one by one, when a thread has been idle for `linger_s`, or at once when work
    waits for cores that others took.
    """
    room = max(round(load.cores - load.foreign_cores), fewest, 1 if load.busy + load.queued else 0)
    wanted = min(load.busy + load.queued, room)
    size = load.threads
    if wanted > size:
        size = wanted
    elif size > room or (load.queued == 0 and load.busy < size and load.idle_s >= linger_s):
        size -= 1
    return max(fewest, min(most, size))


class ElasticExecutor:
    """Runs blocking functions in between `min_threads` and `max_threads` threads named after it."""

    def __init__(
        self,
        name: str,
        min_threads: int,
        max_threads: int,
        *,
        linger_s: float = LINGER_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._fewest, self._most = min_threads, max(min_threads, max_threads)
        self._linger_s = linger_s
        self._clock = clock
        self._wake = threading.Condition()
        self._queue: list[_Item] = []
        self._seq = 0
        self._threads: set[threading.Thread] = set()
        self._busy = _Integral(clock)
        self._processor = _Processor(clock)
        self._done = 0
        self._started = 0
        self._closed = False

    @property
    def stats(self) -> Stats:
        """A consistent snapshot."""
        with self._wake:
            return Stats(len(self._threads), len(self._queue), self._busy.value, self._done)

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run_at`, at rank 0."""
        return await self.run_at(0, function, *args, **kwargs)

    async def run_at(self, rank: int, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The function's result or exception; the lowest rank goes first, then who came first.

        Cancelling takes it out of the queue if it has not begun. Raises Draining after `close`, and where `close` comes
        before its turn.
        """
        future: Future[object] = Future()
        with self._wake:
            if self._closed:
                raise _closed()
            self._seq += 1
            item = _Item(rank, self._seq, future, lambda: function(*args, **kwargs))
            heapq.heappush(self._queue, item)
            self._grow()
            self._wake.notify()
        try:
            return cast(T, await asyncio.wrap_future(future))
        except asyncio.CancelledError:
            future.cancel()
            self._forget(item)
            raise

    async def close(self) -> None:
        """Refuse what waits, let what runs finish, and end the threads. Safe to call twice."""
        with self._wake:
            self._closed = True
            waiting = list(self._queue)
            self._queue.clear()
            threads = list(self._threads)
            self._wake.notify_all()
        for item in waiting:
            if item.future.set_running_or_notify_cancel():
                item.future.set_exception(_closed())
        for thread in threads:
            await asyncio.to_thread(thread.join)

    def _forget(self, item: _Item) -> None:
        """Drop a cancelled item at once: it holds a photo's bytes."""
        with self._wake:
            if item in self._queue:
                self._queue.remove(item)
                heapq.heapify(self._queue)

    def _grow(self) -> None:
        if self._busy.value + len(self._queue) <= len(self._threads) or len(self._threads) >= self._most:
            return
        for _ in range(next_size(self._load(0.0), self._fewest, self._most, self._linger_s) - len(self._threads)):
            self._started += 1
            thread = threading.Thread(target=self._work, name=f"{self._name}-{self._started}", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _load(self, idle_s: float) -> Load:
        return Load(
            threads=len(self._threads),
            busy=self._busy.value,
            queued=len(self._queue),
            idle_s=idle_s,
            foreign_cores=self._processor.foreign_cores(self._busy.total()),
            cores=self._processor.cores,
        )

    def _work(self) -> None:
        while (item := self._next()) is not None:
            future = item.future
            outcome = _outcome(item.call) if future.set_running_or_notify_cancel() else None
            with self._wake:  # before anybody hears of it, or the statistics lag behind the answers
                self._busy.add(-1)
                self._done += 1
            if isinstance(outcome, _Failure):
                future.set_exception(outcome.error)
            elif outcome is not None:
                future.set_result(outcome.value)
            del item, future, outcome  # or the last photo stays in memory while the thread waits

    def _next(self) -> _Item | None:
        """The next item, or None where this thread should end (it is then already off the books)."""
        since = self._clock()
        with self._wake:
            while True:
                if self._closed or self._surplus(self._clock() - since):
                    self._threads.discard(threading.current_thread())
                    self._wake.notify()  # the call for work that woke this thread is for another one now
                    return None
                if self._queue:
                    self._busy.add(1)
                    return heapq.heappop(self._queue)
                self._wake.wait(self._linger_s)

    def _surplus(self, idle_s: float) -> bool:
        if len(self._threads) <= self._fewest:
            return False
        return next_size(self._load(idle_s), self._fewest, self._most, self._linger_s) < len(self._threads)


@dataclass(order=True, slots=True)
class _Item:
    rank: int
    seq: int
    future: Future[object] = field(compare=False)
    call: Callable[[], object] = field(compare=False)


def _closed() -> Draining:
    return Draining("The server is stopping and takes no more photos.", "Send the photo again in a moment.")


@dataclass(frozen=True, slots=True)
class _Success:
    value: object


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


def _outcome(call: Callable[[], object]) -> _Success | _Failure:
    try:
        return _Success(call())
    except BaseException as error:  # whatever it is, whoever waits must hear of it
        return _Failure(error)


class _Integral:
    """A count, and its integral over time: how many thread-seconds were busy."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self._total = 0.0
        self.value = 0

    def add(self, change: int) -> None:
        self._total = self.total()
        self._since = self._clock()
        self.value += change

    def total(self) -> float:
        return self._total + self.value * (self._clock() - self._since)


class _Processor:
    """Cores that others keep busy, from the system's counters, looked at every half second at most."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.cores = psutil.cpu_count() or 1
        self._clock = clock
        self._last = (clock(), _cpu_seconds(), 0.0)
        self._foreign = 0.0

    def foreign_cores(self, own_seconds: float) -> float:
        at, used, own = self._last
        now = self._clock()
        if now - at >= SAMPLE_S:
            seconds = _cpu_seconds()
            self._foreign = max(0.0, (seconds - used - (own_seconds - own)) / (now - at))
            self._last = (now, seconds, own_seconds)
        return self._foreign


def _cpu_seconds() -> float:
    """Core-seconds that the whole machine has been busy since it started."""
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - getattr(times, "iowait", 0.0))
