"""Defines the Protocol between the pool and an engine: local OCR, a model in this process, a server, a simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pixel_agent.core import Batch, Capability, EngineInfo, Job, Output, Plan, Support, Task
from pixel_agent.core.errors import PixelAgentError


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest batch an engine takes at once, in items and in visual tokens.

    `reckons_memory`: the limits already include the device's memory. Engines that reserve memory between batches set
    it, because from outside that memory looks used. `gpu` is the NVML UUID of the GPU in this machine that the engine
    runs on; None means no GPU, so that the state of GPUs does not limit its batches.
    """

    max_items: int
    max_tokens: int
    reckons_memory: bool = False
    gpu: str | None = None


class Engine(Protocol):
    """One replica. `start` and `stop` are called once each; `run` is never called twice at the same time."""

    @property
    def info(self) -> EngineInfo:
        """Name, model and version of the engine; available before `start`."""
        ...

    @property
    def limits(self) -> Limits:
        """The largest batch that the engine accepts."""
        ...

    @property
    def slo_s(self) -> float | None:
        """Response time target in seconds for admission control, unless a setting overrides it; None: no target."""
        ...

    def plan(self, task: Task) -> Plan:
        """How this engine handles a task; pure, and available before `start`."""
        ...

    async def start(self) -> None:
        """Load and warm up. Raises EngineUnavailable that says how to fix the problem."""
        ...

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Return one answer per job, in order; if only one job fails, its answer is the error.

        Raises OutOfMemory if the batch was too large, ReplicaLost if the replica is dead, and any other error if the
        whole batch failed: the pool then searches for the job that caused it.
        """
        ...

    def forget(self, job: Job) -> None:
        """Stop this job at the next step, if possible: its caller has disconnected.

        Called on the event loop; quick, never raises, and does not affect other jobs of the batch. `run` still returns
        one answer per job; the answer to a forgotten job is discarded. A job that is not running is ignored.
        """
        ...

    async def stop(self) -> None:
        """Release all resources. Safe to call after a failed start."""
        ...


@runtime_checkable
class CanBeLost(Protocol):
    """An engine that detects its own loss even while no batch runs, for example one on a remote server."""

    def when_lost(self, notify: Callable[[BaseException], None]) -> None:
        """Call `notify` on the event loop when the engine is lost, or at once if it is. Called once, after `start`."""
        ...


def plan_by_capability(
    task: Task,
    has: frozenset[Capability],
    *,
    pixel_budget: int | None = None,
    grid: int = 1,
) -> Plan:
    """Make the usual plan: compare the capabilities that the task needs and wants with those of the engine.

    The barcodes stage reads codes on the CPU for every engine that uses them, so `has` includes CODES for such engines.
    A task that needs only codes is never sent to the engine.
    """
    missing = tuple(sorted(task.capabilities - has))
    lacking = task.needs - has
    support = Support.UNSUPPORTED if lacking else Support.PARTIAL if missing else Support.FULL
    beyond_codes = (task.capabilities & has) - {Capability.CODES}
    budget = task.pixel_budget if pixel_budget is None else min(task.pixel_budget, pixel_budget)
    return Plan(
        support=support,
        missing=missing,
        pixel_budget=budget,
        uses_codes=Capability.CODES in task.capabilities & has,
        runs=bool(beyond_codes),
        grid=grid,
    )
