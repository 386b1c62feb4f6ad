"""How long each stage took."""

from __future__ import annotations

from time import perf_counter


class Stopwatch:
    """Laps in milliseconds, by the name of the stage that has just ended."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """End a stage."""
        now = perf_counter()
        self.laps[stage] = (now - self._last) * 1000
        self._last = now
