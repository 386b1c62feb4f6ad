"""The Protocol between the pool and an engine: a local reader, a model in this process, a server, a simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pixel_agent.core import Batch, Capability, EngineInfo, Job, Output, Plan, Support, Task
from pixel_agent.core.errors import PixelAgentError


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest batch an engine takes at once, in items and in visual tokens.

    `reckons_memory`: the device's memory is in them already. Engines that keep memory between batches say so, since from
    outside it looks used. `gpu` is the UUID of the GPU in this machine that the engine runs on, as NVML gives it; None: on
    none, and what GPUs do bounds no batch of it.
    """

    max_items: int
    max_tokens: int
    reckons_memory: bool = False
    gpu: str | None = None


class Engine(Protocol):
    """One replica. `start` and `stop` are called once each; `run` is never called twice at the same time."""

    @property
    def info(self) -> EngineInfo:
        """Who answers; known before `start`."""
        ...

    @property
    def limits(self) -> Limits:
        """The largest batch."""
        ...

    @property
    def slo_s(self) -> float | None:
        """The response time that admission defends unless a setting says otherwise; None: no promise."""
        ...

    def plan(self, task: Task) -> Plan:
        """How this engine goes about a task; pure, and known before `start`."""
        ...

    async def start(self) -> None:
        """Load and warm up. Raises EngineUnavailable with the way out."""
        ...

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Answer every job, in order; a job that fails alone gets its error as the answer.

        Raises OutOfMemory if the batch was too big, ReplicaLost if the replica is dead, and anything else if the
        batch failed as a whole: the pool then looks for the job to blame.
        """
        ...

    def forget(self, job: Job) -> None:
        """The caller of this job has left: stop it at the next step where that is possible.

        Called on the event loop, quick, never raises, and harms no other job of the batch. `run` still gives one answer a
        job; what it gives for a forgotten one is thrown away. A job that does not run is ignored.
        """
        ...

    async def stop(self) -> None:
        """Release everything. Safe to call after a failed start."""
        ...


@runtime_checkable
class CanBeLost(Protocol):
    """An engine that learns of its own loss even while nothing runs on it, as one elsewhere does."""

    def when_lost(self, notify: Callable[[BaseException], None]) -> None:
        """Call `notify` on the event loop once the engine is lost; at once if it is already. Called once, after `start`."""
        ...


def plan_by_capability(
    task: Task,
    has: frozenset[Capability],
    *,
    pixel_budget: int | None = None,
    grid: int = 1,
) -> Plan:
    """The usual plan: compare what the task needs and wants with what the engine has.

    Codes are read on the CPU by the evidence stage for every engine that uses evidence, so `has` includes CODES there.
    A task that needs nothing beyond codes is never sent to the engine.
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
