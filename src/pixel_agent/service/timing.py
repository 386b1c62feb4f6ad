"""Measures the stages of a scan, and cancels tasks that are no longer needed."""

from __future__ import annotations

import asyncio
from time import perf_counter


class Stopwatch:
    """Laps in milliseconds, by the name of the stage that has just ended."""

    def __init__(self) -> None:
        self._started = self._last = perf_counter()
        self.laps: dict[str, float] = {}

    @property
    def total_ms(self) -> float:
        """Milliseconds since the start."""
        return (perf_counter() - self._started) * 1000

    def lap(self, stage: str) -> None:
        """End a stage; the times of a stage that ends more than once are added."""
        now = perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now


async def cancel_and_wait(*tasks: asyncio.Task[object]) -> None:
    """Cancel tasks and wait until they have ended; results and errors are dropped."""
    for task in tasks:
        task.cancel()
    running = [task for task in tasks if not task.done()]
    if running:
        await asyncio.wait(running)
    for task in tasks:
        if not task.cancelled():
            task.exception()
