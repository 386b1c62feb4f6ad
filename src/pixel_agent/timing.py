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
        """End a stage."""
        now = perf_counter()
        self.laps[stage] = (now - self._last) * 1000
        self._last = now

    def note(self, stage: str, seconds: float) -> None:
        """Take a time that somebody else measured; the next lap starts now."""
        self.laps[stage] = seconds * 1000
        self._last = perf_counter()
