"""Stats of the last quarter of an hour, and advice on the number of replicas."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import time
from typing import Literal

from pixel_agent.core import Status
from pixel_agent.schemas.stats import Advice, NewPoint, Point, Stats, StatsColumns

INTERVAL_S = 1.0
POINTS = 900
"""Points in a quarter of an hour; about half a megabyte."""
ANSWERED = frozenset(status.value for status in (Status.COMPLETED, Status.PARTIAL, Status.RETAKE_REQUIRED))
ADVICE_POINTS = 60
"""Points of the last minute, on which advice is based: the queue absorbs bursts of a few seconds."""
LONG_POINTS = 300
"""Points of five minutes: fewer replicas are advised only after five quiet minutes."""
BUSY = 0.85
"""Utilisation of the replicas (0-1) from which waits grow steeply (M/G/1: the wait grows as busy / (1 - busy))."""
IDLE = 0.3


class StatsHistory:
    """Samples the service every `interval_s` while it runs, and remembers the latest points. `take` reads the stats."""

    def __init__(self, take: Callable[[], Stats], clock: Callable[[], float] = time) -> None:
        self._take = take
        self._clock = clock
        self._points: deque[Point] = deque(maxlen=POINTS)
        self._before: tuple[float, Stats] | None = None

    async def run(self, interval_s: float = INTERVAL_S) -> None:
        """Sample every `interval_s` until cancelled."""
        while True:
            self.sample()
            await asyncio.sleep(interval_s)

    def sample(self) -> None:
        """Take one point; the first call only starts the interval."""
        now, stats = self._clock(), self._take()
        if self._before is not None:
            then, before = self._before
            self._points.append(point(before, stats, now, max(1e-3, now - then)))
        self._before = now, stats

    @property
    def latest(self) -> NewPoint | None:
        """The newest point and the advice; None before the first point."""
        return NewPoint(point=self._points[-1], advice=advise(self._points)) if self._points else None

    def columns(self) -> StatsColumns:
        """All points and the advice."""
        points = list(self._points)
        columns = {name: [getattr(point, name) for point in points] for name in Point.model_fields}
        return StatsColumns(interval_s=INTERVAL_S, points=columns, advice=advise(points))


def point(before: Stats, after: Stats, now: float, seconds: float) -> Point:
    """The point for the interval between two samples, `seconds` apart; `now` is in seconds since 1970."""
    scans, waiting, device, machine = after.scans, after.queue.waiting, after.device, after.machine
    batches = after.batches.count - before.batches.count
    items = after.batches.items - before.batches.items
    busy_s = device.busy_s - before.device.busy_s
    return Point(
        t=round(now * 1000),
        answered_per_s=round((_answered(after) - _answered(before)) / seconds, 2),
        refused_per_s=round((_refused(after) - _refused(before)) / seconds, 2),
        p50_ms=_tenths(scans.p50_ms),
        p95_ms=_tenths(scans.p95_ms),
        p99_ms=_tenths(scans.p99_ms),
        interactive=waiting.get("interactive", 0),
        normal=waiting.get("normal", 0),
        bulk=waiting.get("bulk", 0),
        in_flight=after.queue.in_flight,
        batch_items=round(items / batches, 2) if batches > 0 else None,
        busy=round(min(1.0, max(0.0, busy_s / seconds / max(1, len(after.replicas)))), 3),
        gpu=_mean([gpu.utilisation for gpu in device.gpus]),
        gpu_memory=_mean([_share(gpu.memory_used_bytes, gpu.memory_total_bytes) for gpu in device.gpus]),
        cpu=round(machine.cpu, 3),
        memory=round(machine.memory_used_bytes / max(1, machine.memory_total_bytes), 3),
        replicas=sum(replica.state in ("ready", "busy") for replica in after.replicas),
    )


def advise(points: Sequence[Point]) -> Advice:
    """Advice on the number of replicas, from the latest points."""
    recent = [points[index] for index in range(max(0, len(points) - ADVICE_POINTS), len(points))]
    replicas = recent[-1].replicas if recent else 0
    busy = sum(point.busy for point in recent) / max(1, len(recent))
    refused = sum(point.refused_per_s for point in recent) / max(1, len(recent))

    def say(
        action: Literal["more", "fewer", "keep", "unknown"],
        why: Literal["refusing", "busy", "idle", "fits", "down", "too_early"],
    ) -> Advice:
        return Advice(action=action, why=why, replicas=replicas, busy=round(busy, 3), refused_per_s=round(refused, 2))

    if len(recent) < ADVICE_POINTS:
        return say("unknown", "too_early")
    if not replicas:
        return say("unknown", "down")
    if refused > 0 and busy > IDLE:
        return say("more", "refusing")
    if busy > BUSY:
        return say("more", "busy")
    quiet = len(points) >= LONG_POINTS and all(points[-1 - back].busy < IDLE for back in range(LONG_POINTS))
    if replicas > 1 and quiet:
        return say("fewer", "idle")
    return say("keep", "fits")


def _answered(stats: Stats) -> int:
    return sum(count for outcome, count in stats.scans.outcomes.items() if outcome in ANSWERED)


def _refused(stats: Stats) -> int:
    return sum(stats.scans.refused.values())


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _share(used: int | None, total: int | None) -> float | None:
    return None if used is None or not total else used / total


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 3) if known else None
