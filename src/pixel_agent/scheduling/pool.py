"""The replicas of one engine: which are up, which are free, and how much work they have done.

The policy chooses the replica; each `Replica` restarts itself; the pool starts, stops and reports them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from pixel_agent.core import Batch, Job
from pixel_agent.core.settings import PoolSettings
from pixel_agent.engines.base import Engine
from pixel_agent.scheduling.latency import LatencyModel, prior_fit
from pixel_agent.scheduling.policy import DeviceSnapshot, ReplicaView
from pixel_agent.scheduling.replica import EngineFactory, Listener, Replica, ReplicaState

NO_GPUS: Mapping[str, DeviceSnapshot] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReplicaStats:
    """One replica, for display. `busy_s` is device time since the start, `error` why it is not up."""

    number: int
    state: ReplicaState
    busy_s: float
    batches: int
    items: int
    restarts: int
    error: str


class Pool:
    """One replica per factory. `engine` is a sample that is never started: it provides info, limits and plans."""

    def __init__(self, factories: Sequence[EngineFactory], settings: PoolSettings) -> None:
        self.settings = settings
        self.engine: Engine = factories[0]()
        self.latency = LatencyModel(prior_fit(self.engine.limits, self.engine.slo_s))
        self.replicas = tuple(
            Replica(number, factory, settings, self.latency) for number, factory in enumerate(factories)
        )

    @property
    def ready(self) -> bool:
        """Whether any replica can accept work, now or after its batch."""
        return any(replica.state in (ReplicaState.READY, ReplicaState.BUSY) for replica in self.replicas)

    @property
    def idle(self) -> bool:
        """Whether any replica can accept a batch now."""
        return any(replica.state is ReplicaState.READY for replica in self.replicas)

    async def start(self, listener: Listener) -> None:
        """Start every replica; returns when one is up or all have tried. Raises the first error if none started."""
        for replica in self.replicas:
            replica.start(listener)
        trying = {replica.first_start for replica in self.replicas}
        failed: list[BaseException] = []
        while trying:
            done, trying = await asyncio.wait(trying, return_when=asyncio.FIRST_COMPLETED)
            errors = [future.exception() for future in done]
            if None in errors:
                return
            failed += [error for error in errors if error is not None]
        await self.stop()
        raise failed[0]

    async def stop(self) -> None:
        """Stop every replica; running scans end with ReplicaLost."""
        await asyncio.gather(*(replica.stop() for replica in self.replicas))

    def give(self, number: int, batch: Batch) -> None:
        """Run a batch on a replica that is ready."""
        self.replicas[number].give(batch)

    def forget(self, job: Job) -> None:
        """Notify the replica that runs a job that its caller has left; the replica can stop the job."""
        for replica in self.replicas:
            if replica.forget(job):
                return

    def views(self, gpus: Mapping[str, DeviceSnapshot] = NO_GPUS) -> tuple[ReplicaView, ...]:
        """The healthy replicas, for the policy; `gpus` is the monitor's latest sample of each GPU, by UUID."""
        return tuple(view for replica in self.replicas if (view := replica.view(gpus)) is not None)

    def busy_s(self, gpu: str) -> float:
        """Total busy seconds of the replicas on a GPU since the start."""
        here = [replica for replica in self.replicas if replica.engine is not None and replica.engine.limits.gpu == gpu]
        return sum(replica.busy_s + self._running_s(replica) for replica in here)

    def stats(self) -> tuple[ReplicaStats, ...]:
        """The state of every replica, for display."""
        return tuple(
            ReplicaStats(
                number=replica.number,
                state=replica.state,
                busy_s=replica.busy_s + self._running_s(replica),
                batches=replica.batches,
                items=replica.items,
                restarts=replica.restarts,
                error=str(replica.error or ""),
            )
            for replica in self.replicas
        )

    @staticmethod
    def _running_s(replica: Replica) -> float:
        return 0.0 if replica.busy_since is None else replica.loop.time() - replica.busy_since
