"""The barcodes stage: reads barcodes and QR codes on the CPU while the scan waits for the device.

Follows the photo stage and runs in parallel with queue and engine. It delays a result by at most the given grace, and
a codec failure loses the codes, never the scan.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeAlias

from pixel_agent.core import Code, Notice, Photo
from pixel_agent.core.settings import EvidenceSettings
from pixel_agent.photo.barcodes.search import Report, Stop, find_codes

log = logging.getLogger(__name__)

NICENESS = 10
"""Added to the niceness of the reading threads, so that decoding the next photo for the device has priority."""

Found: TypeAlias = tuple[Code, ...]
Reader: TypeAlias = Callable[[Photo, bool, Stop, Report], Found]
"""(photo, thorough, stop, report) → codes in pixels of the original; blocks, and calls `stop` and `report` between
steps."""


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """A reading in progress. The caller must `collect` or `cancel` it."""

    _future: Future[Found]
    _abandoned: threading.Event
    _so_far: list[Found] = field(default_factory=list)

    def cancel(self) -> None:
        """Remove the reading from the queue, or stop it at its next step. No effect after it has ended."""
        self._abandoned.set()
        self._future.cancel()


class BarcodeStage:
    """Reads codes in its own threads, which run at low priority (Linux)."""

    def __init__(self, settings: EvidenceSettings, reader: Reader | None = None) -> None:
        self._read = reader or _reader(settings.first_pixels)
        self._executor = ThreadPoolExecutor(
            settings.threads, thread_name_prefix="evidence", initializer=_yield_to_others
        )

    def begin(self, photo: Photo, *, thorough: bool) -> Pending:
        """Start a reading; returns at once. `thorough`: the whole photo at full resolution, without a time limit."""
        abandoned, so_far = threading.Event(), list[Found]()
        try:
            future = self._executor.submit(self._read, photo, thorough, abandoned.is_set, so_far.append)
        except RuntimeError:  # closed meanwhile: the scan that is still inside ends without codes
            future = Future()
            future.cancel()
        return Pending(future, abandoned, so_far)

    async def collect(self, pending: Pending, grace_s: float | None) -> tuple[Found, Notice | None]:
        """The codes, after at most `grace_s` (None: wait until they are ready), and a notice if some can be missing.

        Notices: `codes_skipped` when time was up, with the codes verified by then; `codes_failed` when a codec failed.
        Raises only CancelledError, and then the reading is cancelled as well.
        """
        reading = asyncio.wrap_future(pending._future)
        try:
            await asyncio.wait({reading}, timeout=grace_s)
        except asyncio.CancelledError:
            pending.cancel()
            raise
        so_far = pending._so_far[-1] if pending._so_far else ()
        if not reading.done():
            pending.cancel()
            reading.cancel()  # otherwise asyncio would report a later failure as never retrieved
            return so_far, _skipped(so_far, grace_s)
        try:
            return reading.result(), None
        except asyncio.CancelledError:
            return so_far, _skipped(so_far, grace_s)
        except Exception:
            log.exception("codes_failed")
            return so_far, Notice("codes_failed", "Barcodes and QR codes could not be read: the reader failed.")

    async def close(self) -> None:
        """Cancel waiting readings, wait for running ones, end the threads. Readings not yet collected are lost."""
        await asyncio.to_thread(self._executor.shutdown, wait=True, cancel_futures=True)


def _reader(first_pixels: int) -> Reader:
    def read(photo: Photo, thorough: bool, stop: Stop, report: Report) -> Found:
        return find_codes(photo, first_pixels, thorough=thorough, stop=stop, report=report)

    return read


def _skipped(so_far: Found, grace_s: float | None) -> Notice:
    waited = "" if grace_s is None else f" within {grace_s:g} s after the engine's answer"
    kept = f"; {len(so_far)} found until then are kept" if so_far else ""
    return Notice("codes_skipped", f"Reading barcodes and QR codes did not end{waited}, and was skipped{kept}.")


def _yield_to_others() -> None:
    """Lower the priority of this thread; only Linux has one per thread."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
