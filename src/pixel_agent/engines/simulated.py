"""The `simulated` engine: a device with computed times and scripted faults, for tests, load planning and benchmarks.

t = base + per_item·n + per_token·tokens, one batch at a time. The engine really waits this long, without using the CPU.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version

from pixel_agent.core import Batch, EngineInfo, Job, Output, Plan, Support, Task, Tokens
from pixel_agent.core.errors import OutOfMemory, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import SimulatedSettings
from pixel_agent.engines.base import Limits

PIXEL_BUDGET = 512 * 512
"""Pixels of a prepared photo: the size used to measure the published figures of the first terminal."""
TIMER_S = 0.002
"""Event loop timers count in whole milliseconds. The delay of a timer, up to this, is subtracted from the next batch,
so that the average time equals the formula, as for a device that sleeps in a thread."""


class SimulatedEngine:
    """Answers every task with its input: the task, the SHA-256 of the upload and the prepared size.

    `instance` is the number of this device within its factory; together with the seed it determines jitter and crashes.
    `busy_s`, `batches` and `items` count its work.
    """

    def __init__(self, settings: SimulatedSettings, instance: int = 0) -> None:
        self.busy_s = 0.0
        self.batches = 0
        self.items = 0
        self._settings = settings
        self._info = EngineInfo("simulated", "formula", version("pixel-agent"), simulated=True)
        self._random = random.Random(f"{settings.seed}-{instance}")  # noqa: S311  # a script, not a secret
        self._poison = settings.poison.encode()
        self._late_s = 0.0
        self._wanted: set[Job] = set()
        self._abandoned = asyncio.Event()

    @property
    def info(self) -> EngineInfo:
        """Name and version of this engine, marked as simulated."""
        return self._info

    @property
    def limits(self) -> Limits:
        """The largest batch, from the settings."""
        return Limits(self._settings.max_items, self._settings.max_tokens)

    @property
    def slo_s(self) -> float | None:
        """The response time target in seconds, from the settings."""
        return None if self._settings.slo_ms is None else self._settings.slo_ms / 1000

    def plan(self, task: Task) -> Plan:
        """Full support for every task, at one pixel budget, without reading codes."""
        return Plan(Support.FULL, (), min(task.pixel_budget, PIXEL_BUDGET), uses_codes=False)

    async def start(self) -> None:
        """Wait for the start time in the settings."""
        await asyncio.sleep(self._settings.start_ms / 1000)

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Wait for the batch's time, then answer. Raises the errors scripted in the settings."""
        self.batches += 1
        self.items += len(batch.jobs)
        self._refuse_too_many(len(batch.jobs))
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._wanted = set(batch.jobs)
        self._abandoned = asyncio.Event()
        try:
            await self._spend(self._seconds(batch), batch)
        finally:
            self.busy_s += loop.time() - started
        if self._poison and any(self._poison in job.photo.data for job in batch.jobs):
            raise ValueError("the batch holds a poisoned photo")
        return [_answer(job) for job in batch.jobs]

    def forget(self, job: Job) -> None:
        """Mark the job as unwanted: the batch takes as long as before, but ends at once when no caller is left."""
        self._wanted.discard(job)
        if not self._wanted:
            self._abandoned.set()

    async def stop(self) -> None:
        """Do nothing: there are no resources to release."""

    def _refuse_too_many(self, items: int) -> None:
        above = self._settings.oom_above_items
        if above is not None and items > above:
            raise OutOfMemory(f"A batch of {items} does not fit.", "Send fewer photos at once.")

    def _seconds(self, batch: Batch) -> float:
        s = self._settings
        total = s.base_ms + s.per_item_ms * len(batch.jobs) + s.per_token_ms * batch.tokens
        if s.jitter:
            total *= max(0.1, self._random.gauss(1.0, s.jitter))
        return total / 1000

    async def _spend(self, seconds: float, batch: Batch) -> None:
        """Wait for `seconds`, or crash halfway, or hang, as scripted."""
        s = self._settings
        if s.hang_every and self.batches % s.hang_every == 0:
            await asyncio.Event().wait()
        if (s.crash_every and self.batches % s.crash_every == 0) or self._random.random() < s.crash_probability:
            await self._tell(batch, seconds / 2, 0.5)
            raise ReplicaLost("The device died.", "Send the photo again.")
        await self._tell(batch, seconds, 1.0)

    async def _tell(self, batch: Batch, seconds: float, share: float) -> None:
        """Wait for `seconds` and meanwhile publish that share of the answers in pieces to jobs with a listener."""
        pieces = max(1, round(self._settings.pieces * share))
        texts = [(job, _answer(job).text) for job in batch.jobs if job.on_text is not None and self._settings.pieces]
        for piece in range(pieces):
            await self._pass(seconds / pieces)
            for job, text in texts:
                if job in self._wanted and job.on_text is not None:
                    job.on_text(_piece(text, piece, self._settings.pieces))

    async def _pass(self, seconds: float) -> None:
        """Wait for `seconds`, exact on average (see `TIMER_S`); returns early if the batch is abandoned."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds - self._late_s
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._abandoned.wait()
        self._late_s = min(max(0.0, loop.time() - due), TIMER_S)


def simulated_factory(settings: SimulatedSettings) -> Callable[[], SimulatedEngine]:
    """Return a factory of devices with different random seeds: a restarted device does not crash on the same batch."""
    instances = itertools.count()
    return lambda: SimulatedEngine(settings, next(instances))


def _piece(text: str, number: int, of: int) -> str:
    """Piece `number` of `of` pieces of about equal length that together are the text."""
    return text[len(text) * number // of : len(text) * (number + 1) // of]


def _answer(job: Job) -> Output:
    width, height = job.photo.prepared_size
    said = {
        "task": job.task.id,
        "sha256": job.photo.sha256,
        "width": width,
        "height": height,
        "simulated": True,
    }
    return Output(text=json.dumps(said, separators=(",", ":")), tokens=Tokens(visual=job.tokens))
