"""Result cache with single-flight: identical scans share one run, in flight and for a configurable time afterwards.

A run continues while any request waits for it, and is cancelled when the last one has left.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import date
from typing import Generic, Literal, TypeVar

from pixel_agent.core import Scan, ScanRequest
from pixel_agent.core.byte_lru import ByteLru
from pixel_agent.core.errors import DeadlineExceeded, ScanCancelled
from pixel_agent.core.settings import CacheSettings

T = TypeVar("T")
BASE_BYTES = 2000
"""Estimated memory (bytes) of a finished scan without its texts and rows."""
ROW_BYTES = 1500
"""Estimated memory (bytes) of one row with its fields."""
Shared = Literal["", "in_flight", "cache"]


@dataclass(slots=True, eq=False)
class _Run(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Kept(Generic[T]):
    value: T
    until: float


@dataclass(slots=True)
class SharedCounts:
    """How many answers were shared, in flight and from the cache."""

    in_flight: int = 0
    cache: int = 0
    runs: int = 0
    kept_bytes: int = 0


class ResultCache(Generic[T]):
    """Shares runs by key. One event loop owns it; `clock` gives seconds."""

    def __init__(self, settings: CacheSettings, size_of: Callable[[T], int], clock: Callable[[], float]) -> None:
        self._settings = settings
        self._size_of = size_of
        self._clock = clock
        self._runs: dict[Hashable, _Run[T]] = {}
        self._kept: ByteLru[Hashable, _Kept[T]] = ByteLru(settings.max_bytes)
        self.counts = SharedCounts()

    async def share(self, key: Hashable, urgency: Hashable, work: Callable[[], Awaitable[T]]) -> tuple[T, Shared]:
        """The result of `work` for `key`, run once for all callers at the same time, and how it was shared.

        Only scans of the same `urgency` share a run in flight, so that no scan waits in a slower class than its own. If
        a joined run ended by another request's deadline or cancellation, it is run again for the remaining callers.
        """
        kept = self._fresh(key)
        if kept is not None:
            self.counts.cache += 1
            return kept.value, "cache"
        slot = (key, urgency)
        while True:
            run = self._runs.get(slot)
            leading = run is None
            if run is None:
                run = self._begin(slot, key, work)
            try:
                value = await self._wait(slot, run)
            except (DeadlineExceeded, ScanCancelled):
                if leading:
                    raise
                continue
            if leading:
                return value, ""
            self.counts.in_flight += 1
            return value, "in_flight"

    def _begin(self, slot: Hashable, key: Hashable, work: Callable[[], Awaitable[T]]) -> _Run[T]:
        async def call() -> T:
            return await work()

        run = _Run(asyncio.create_task(call()))
        self._runs[slot] = run
        self.counts.runs += 1
        run.task.add_done_callback(lambda task: self._ended(slot, key, run, task))
        return run

    async def _wait(self, slot: Hashable, run: _Run[T]) -> T:
        run.waiting += 1
        try:
            return await asyncio.shield(run.task)
        except asyncio.CancelledError:
            if run.task.cancelled():
                raise ScanCancelled("The scan was cancelled.") from None
            raise
        finally:
            run.waiting -= 1
            if run.waiting == 0 and not run.task.done():
                self._runs.pop(slot, None)
                run.task.cancel()

    def _ended(self, slot: Hashable, key: Hashable, run: _Run[T], task: asyncio.Task[T]) -> None:
        if self._runs.get(slot) is run:
            del self._runs[slot]
        if task.cancelled() or task.exception() is not None:
            return
        self._keep(key, task.result())

    def _fresh(self, key: Hashable) -> _Kept[T] | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until > self._clock():
            return kept
        self._kept.drop(key)
        self.counts.kept_bytes = self._kept.bytes
        return None

    def _keep(self, key: Hashable, value: T) -> None:
        if self._settings.ttl_s > 0:
            self._kept.put(key, _Kept(value, self._clock() + self._settings.ttl_s), self._size_of(value))
            self.counts.kept_bytes = self._kept.bytes


def identity(request: ScanRequest, today: date) -> Hashable:
    """All inputs of an answer: the photo's bytes, the task with its options, and the day."""
    spec = request.spec
    options = json.dumps(spec.options, sort_keys=True)
    return request.sha256, spec.task, spec.question, spec.lang, spec.force, options, today


def memory_bytes(scan: Scan) -> int:
    """Estimated memory of a finished scan, in bytes."""
    rows = len(scan.reading.items) + len(scan.reading.findings)
    return BASE_BYTES + ROW_BYTES * rows + 2 * len(scan.reading.raw_text)
