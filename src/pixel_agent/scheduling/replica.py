"""One replica: an engine that runs one batch at a time, under a watchdog, with automatic restart.

Out of memory: the batch is split and run again. A batch that fails as a whole is bisected until only the scan that
causes the failure fails. An engine that dies or hangs is replaced after a growing pause; its scans end with
ReplicaLost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Protocol

from pixel_agent.core import Batch, Job, Output
from pixel_agent.core.backoff import Backoff
from pixel_agent.core.errors import EngineError, EngineUnavailable, OutOfMemory, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import PoolSettings
from pixel_agent.engines.base import CanBeLost, Engine
from pixel_agent.scheduling.latency import LatencyModel
from pixel_agent.scheduling.policy import DeviceSnapshot, ReplicaView

log = logging.getLogger("pixel_agent.scheduling.replica")

EngineFactory = Callable[[], Engine]
"""Makes a new engine that has not been started."""


class ReplicaState(StrEnum):
    """State of a replica. `unhealthy`: failed, about to be replaced. `dead`: waits for its next start."""

    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    UNHEALTHY = "unhealthy"
    DEAD = "dead"


class Listener(Protocol):
    """The owner of the queue, as replicas see it. All calls come on the event loop and must not raise."""

    def wanted(self, job: Job) -> bool:
        """Whether a caller still waits for this job; asked before it runs again."""
        ...

    def deliver(self, job: Job, outcome: Output | PixelAgentError) -> None:
        """One job ended. After ReplicaLost it can be dispatched again."""
        ...

    def ran(self, replica: int, items: int, seconds: float) -> None:
        """A batch ended, with or without success; called before `changed`."""
        ...

    def changed(self) -> None:
        """A replica became free or changed its state; `Replica.give` can be called from here."""
        ...


class Replica:
    """Runs one engine at a time and restarts it after a failure, from `start` to `stop`; `give` runs a batch."""

    def __init__(self, number: int, factory: EngineFactory, settings: PoolSettings, latency: LatencyModel) -> None:
        self.number = number
        self.state = ReplicaState.DEAD
        self.error: BaseException | None = None
        self.idle_since: float | None = None
        self.busy_since: float | None = None
        self.busy_s = 0.0
        self.batches = 0
        self.items = 0
        self.restarts = 0
        self.engine: Engine | None = None
        self.settings = settings
        self.latency = latency
        self.first_start: asyncio.Future[None]
        self._factory = factory
        self._session: _Session | None = None
        self._life: asyncio.Task[None] | None = None
        self._shrunk: tuple[float, int, int] | None = None  # until when, items, tokens

    def start(self, listener: Listener) -> None:
        """Start the engine in the background; `first_start` is done when the first start has ended."""
        self.listener = listener
        self.loop = asyncio.get_running_loop()
        self.first_start = self.loop.create_future()
        self._life = asyncio.create_task(self._live(), name=f"replica-{self.number}")

    async def stop(self) -> None:
        """Stop the engine; running scans end with ReplicaLost."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        self.state = ReplicaState.DEAD

    def view(self, gpus: Mapping[str, DeviceSnapshot]) -> ReplicaView | None:
        """The replica as the policy sees it; None unless it is healthy."""
        if self.engine is None or self.state not in (ReplicaState.READY, ReplicaState.BUSY):
            return None
        limits = self.engine.limits
        items, tokens = limits.max_items, limits.max_tokens
        if self._shrunk is not None and self.loop.time() < self._shrunk[0]:
            items, tokens = min(items, self._shrunk[1]), min(tokens, self._shrunk[2])
        idle_since = self.idle_since if self.state is ReplicaState.READY else None
        device = gpus.get(limits.gpu or "", DeviceSnapshot())
        return ReplicaView(self.number, idle_since, items, tokens, self.busy_s, limits.reckons_memory, device)

    def give(self, batch: Batch) -> None:
        """Run a batch next. The replica must be ready."""
        if self._session is None or self.state is not ReplicaState.READY:
            raise RuntimeError(f"replica {self.number} is {self.state}, and was given a batch")
        self.state = ReplicaState.BUSY
        self.busy_since = self.loop.time()
        self._session.give(batch)

    def forget(self, job: Job) -> bool:
        """The caller has left: notify the engine if the job runs here, and return whether it does."""
        return self._session is not None and self._session.forget(job)

    def free(self) -> None:
        """Mark the replica as ready; the session calls this after each batch."""
        self.state = ReplicaState.READY
        self.idle_since = self.loop.time()
        self.busy_since = None
        self.listener.changed()

    def shrink(self, jobs: Sequence[Job]) -> None:
        """Lower the batch limits for `oom_memory_s` seconds, after these jobs were too many."""
        tokens = sum(job.tokens for job in jobs)
        until = self.loop.time() + self.settings.oom_memory_s
        self._shrunk = (until, max(1, len(jobs) // 2), max(1, tokens // 2))

    async def _live(self) -> None:
        """Start an engine, run it until it fails, and restart it after a pause that grows while no batch succeeds."""
        attempt = 0
        while True:
            try:
                engine = await self._bring_up()
                if engine is not None:
                    self._session = _Session(self, engine)
                    self.free()
                    attempt = 0 if await self._session.work() else attempt
            finally:
                self._session = None
                await self._put_down()
            self.state = ReplicaState.DEAD
            self.listener.changed()
            attempt += 1
            await asyncio.sleep(Backoff(self.settings.restart_min_s, self.settings.restart_max_s).pause_s(attempt))
            self.restarts += 1

    async def _bring_up(self) -> Engine | None:
        self.state = ReplicaState.STARTING
        self.listener.changed()
        try:
            engine = self.engine = self._factory()
            async with asyncio.timeout(self.settings.start_timeout_s):
                await engine.start()
        except Exception as error:
            if isinstance(error, TimeoutError):
                error = EngineUnavailable(f"The engine did not start within {self.settings.start_timeout_s:g} s.")
            self.fail(error, ReplicaState.DEAD)
            if not self.first_start.done():
                self.first_start.set_exception(error)
                self.first_start.exception()  # mark as retrieved: no caller has to await it
            return None
        self.error = None
        if not self.first_start.done():
            self.first_start.set_result(None)
        return engine

    async def _put_down(self) -> None:
        engine, self.engine = self.engine, None
        if engine is None:
            return
        try:
            async with asyncio.timeout(self.settings.stop_timeout_s):
                await engine.stop()
        except Exception as error:
            log.warning("replica=%d stop_failed error=%r", self.number, error)

    def fail(self, error: BaseException, state: ReplicaState) -> None:
        """Record the error and the state, and notify the listener."""
        log.warning("replica=%d state=%s error=%r", self.number, state, error)
        self.state, self.error = state, error
        self.idle_since = self.busy_since = None
        self.listener.changed()


class _Session:
    """The work of one engine from its start to its failure. After `_hand_back` it delivers nothing."""

    def __init__(self, replica: Replica, engine: Engine) -> None:
        self._replica = replica
        self._engine = engine
        self._listener = replica.listener
        self._loop = replica.loop
        self._next: Batch | None = None
        self._arrived = asyncio.Event()
        self._open: dict[Job, None] = {}
        self._lost: asyncio.Future[BaseException] = self._loop.create_future()
        self._fruitful = False
        self._failed_batches = 0
        self._forgotten = 0
        self._beaten = 0.0
        self._watchdog: asyncio.TimerHandle

    def give(self, batch: Batch) -> None:
        self._next = batch
        self._open = dict.fromkeys(batch.jobs)
        self._arrived.set()

    def forget(self, job: Job) -> bool:
        if job not in self._open:
            return False
        del self._open[job]
        self._forgotten += 1
        self._engine.forget(job)
        return True

    async def work(self) -> bool:
        """Answer batches until the engine fails; returns whether any batch succeeded.

        Does not depend on a hung engine: its scans are returned before the engine is asked to stop.
        """
        worker = asyncio.create_task(self._answer_batches(), name=f"engine-{self._replica.number}")
        worker.add_done_callback(self._ended)
        if isinstance(self._engine, CanBeLost):
            self._engine.when_lost(self._give_up)
        try:
            error = await self._lost
            self._replica.fail(error, ReplicaState.UNHEALTHY)
        finally:
            self._hand_back()
            worker.cancel()
            await asyncio.wait([worker], timeout=self._replica.settings.stop_timeout_s)
        return self._fruitful

    def _hand_back(self) -> None:
        lost, self._open = self._open, {}
        error = ReplicaLost("The engine was lost while it ran the scan.", "Send the photo again.")
        for job in lost:
            self._listener.deliver(job, error)

    async def _answer_batches(self) -> None:
        while True:
            while self._next is None:  # a batch given by `free` below starts without another turn of the event loop
                self._arrived.clear()
                await self._arrived.wait()
            jobs, self._next = self._next.jobs, None
            started = self._loop.time()
            good = await self._answer(jobs)
            self._count(good, len(jobs), started)
            if self._lost.done():
                return
            self._replica.free()

    async def _answer(self, jobs: Sequence[Job]) -> bool:
        """Answer all jobs, splitting the batch if needed; returns whether any run succeeded. Raises ReplicaLost."""
        jobs = [job for job in jobs if self._listener.wanted(job)]
        if not jobs:
            return True
        try:
            outcomes = await self._run(jobs)
        except (ReplicaLost, asyncio.CancelledError):
            raise
        except Exception as error:
            if isinstance(error, OutOfMemory):
                self._replica.shrink(jobs)
            if len(jobs) == 1:
                self._deliver(jobs[0], _as_engine_error(error))
                return isinstance(error, OutOfMemory)
            half = len(jobs) // 2
            first = await self._answer(jobs[:half])
            return await self._answer(jobs[half:]) or first
        for job, outcome in zip(jobs, outcomes, strict=True):
            self._deliver(job, outcome)
        return True

    async def _run(self, jobs: Sequence[Job]) -> Sequence[Output | PixelAgentError]:
        batch = Batch(tuple(jobs), self._beat, self._deliver)
        tokens = batch.tokens
        settings, latency = self._replica.settings, self._replica.latency
        patience = max(settings.hang_timeout_s, settings.hang_factor * latency.predict(len(jobs), tokens))
        started, forgotten = self._loop.time(), self._forgotten
        self._beaten = started
        self._watchdog = self._loop.call_at(started + patience, self._look, patience)
        try:
            outcomes = await self._engine.run(batch)
        finally:
            self._watchdog.cancel()
        if len(outcomes) != len(jobs):
            raise EngineError(f"The engine gave {len(outcomes)} answers to {len(jobs)} scans.")
        if forgotten == self._forgotten:  # the time of a shortened batch is not a measurement
            # Fitting takes a millisecond, so it runs after the next batch has started.
            self._loop.call_soon(latency.observe, len(jobs), tokens, self._loop.time() - started)
        return outcomes

    def _deliver(self, job: Job, outcome: Output | PixelAgentError) -> None:
        if job in self._open:
            del self._open[job]
            self._listener.deliver(job, outcome)

    def _count(self, good: bool, items: int, started: float) -> None:
        replica, seconds = self._replica, self._loop.time() - started
        replica.busy_s += seconds
        replica.batches += 1
        replica.items += items
        self._fruitful |= good
        self._failed_batches = 0 if good else self._failed_batches + 1
        self._open.clear()
        self._listener.ran(replica.number, items, seconds)
        if self._failed_batches >= replica.settings.failed_batches:
            self._give_up(EngineError(f"The engine failed {self._failed_batches} batches in a row."))

    def _beat(self) -> None:
        self._beaten = self._loop.time()

    def _look(self, patience: float) -> None:
        """The watchdog: the batch takes long; it hangs unless the engine has called `beat` recently."""
        alive_until = self._beaten + self._replica.settings.hang_timeout_s
        if alive_until > self._loop.time():
            self._watchdog = self._loop.call_at(alive_until, self._look, patience)
        else:
            self._hung(patience)

    def _hung(self, patience: float) -> None:
        self._give_up(ReplicaLost(f"The engine gave no answer within {patience:.3g} s.", "Send the photo again."))

    def _ended(self, worker: asyncio.Task[None]) -> None:
        error: BaseException | None = None
        with suppress(asyncio.CancelledError):
            error = worker.exception()
        self._give_up(error or ReplicaLost("The engine stopped."))

    def _give_up(self, error: BaseException) -> None:
        if not self._lost.done():
            self._lost.set_result(error)


def _as_engine_error(error: Exception) -> PixelAgentError:
    if isinstance(error, PixelAgentError):
        return error
    return EngineError(f"The engine failed on this photo: {type(error).__name__}: {error}")
