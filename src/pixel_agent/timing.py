"""How long each stage took."""

from __future__ import annotations

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
        """End a stage; a stage that ends more than once adds up."""
        now = perf_counter()
        self.laps[stage] = self.laps.get(stage, 0.0) + (now - self._last) * 1000
        self._last = now
