"""Jobs and engines for the tests of everything that schedules; times are milliseconds of virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np

from pixel_agent.core import Job, Photo, Priority, Reading, ScanSpec, Task
from pixel_agent.core.settings import PoolSettings, SchedulerSettings, SimulatedSettings
from pixel_agent.engines.simulated import SimulatedEngine, simulated_factory
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool

TASK = Task("ask", "问", "Ask", "", "", frozenset(), frozenset(), {}, "", "", lambda draft, facts: Reading())
PIXELS = np.zeros((64, 64, 3), np.uint8)
QUICK = SimulatedSettings(base_ms=100, per_item_ms=10, max_items=4, slo_ms=None)
POOL = PoolSettings(hang_timeout_s=1.0, hang_factor=2.0, restart_min_s=0.1)


def make_job(
    name: str = "scan",
    *,
    data: bytes = b"photo",
    priority: Priority = Priority.INTERACTIVE,
    deadline: float | None = None,
    client: str = "",
    on_text: Callable[[str], None] | None = None,
) -> Job:
    photo = Photo(data, name, "image/jpeg", 64, 64, PIXELS, lambda pixels: PIXELS)
    spec = ScanSpec(TASK.id, priority=priority, client=client)
    return Job(name, TASK, photo, spec, deadline, on_text=on_text)


class Rig:
    """A batcher over simulated engines; `engines` holds every engine that was ever made, the sample first."""

    def __init__(
        self, device: SimulatedSettings, pool: PoolSettings, scheduler: SchedulerSettings, replicas: int
    ) -> None:
        self.engines: list[SimulatedEngine] = []
        make = simulated_factory(device)

        def remember() -> SimulatedEngine:
            self.engines.append(make())
            return self.engines[-1]

        self.pool = Pool([remember] * replicas, pool)
        self.batcher = Batcher(self.pool, scheduler)

    @property
    def ran(self) -> int:
        """Scans that reached a device, however often."""
        return sum(engine.items for engine in self.engines)


@asynccontextmanager
async def running(
    device: SimulatedSettings = QUICK,
    pool: PoolSettings = POOL,
    scheduler: SchedulerSettings = SchedulerSettings(),  # noqa: B008
    replicas: int = 1,
) -> AsyncIterator[Rig]:
    rig = Rig(device, pool, scheduler, replicas)
    await rig.batcher.start()
    try:
        yield rig
    finally:
        await rig.batcher.stop()
