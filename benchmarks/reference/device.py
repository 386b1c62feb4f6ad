"""One simulated device for all processes of one server: 117 + 8·n ms, at most 16 items, one batch at a time.

The times are those of `pixel_agent.core.settings.SimulatedSettings`. Every batch is written to a log before it runs, so
that a benchmark reads the real work of the device, whatever the server reports.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

BASE_S = 0.117
PER_ITEM_S = 0.008
MAX_ITEMS = 16
LOG_VARIABLE = "REFERENCE_DEVICE_LOG"


class Device:
    """The device for any number of threads and processes: they take turns, as on a real device."""

    def __init__(self) -> None:
        self._log = Path(os.environ[LOG_VARIABLE])

    def run(self, digests: Sequence[str]) -> list[str]:
        """Run a batch, named by the SHA-256 of its uploads; blocks for the device time. Raises ValueError."""
        if not 1 <= len(digests) <= MAX_ITEMS:
            raise ValueError(f"The device takes 1 to {MAX_ITEMS} items, not {len(digests)}.")
        with self._log.open("a", encoding="ascii") as log:
            fcntl.flock(log, fcntl.LOCK_EX)
            start = time.monotonic()
            end = start + BASE_S + PER_ITEM_S * len(digests)
            log.write(" ".join([f"{start:.6f}", f"{end:.6f}", *digests]) + "\n")
            log.flush()
            time.sleep(max(0.0, end - time.monotonic()))
        return [f"simulated device: {digest}" for digest in digests]
