"""The one queue: scans wait here, the policy picks batches, the pool runs them, and every scan ends exactly once.

Nothing polls. The policy is asked when a scan arrives while a replica is free, when a replica becomes free, and at the
time that the policy asked for; while all replicas run, an arrival costs a few microseconds, whatever the queue length.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace

from pixel_agent.core import Batch, Job, Output, Priority
from pixel_agent.core.errors import DeadlineExceeded, Draining, EngineUnavailable, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import SchedulerSettings
from pixel_agent.scheduling.forecast import Forecast, Forecaster
from pixel_agent.scheduling.policy import CLASSES, RANK, DeviceSnapshot, Dispatch, State, Waiting, WakeAt, decide
from pixel_agent.scheduling.pool import Pool

log = logging.getLogger("pixel_agent.scheduling.batcher")

RETRY_TOGETHER = 4
"""Group size for scans of a failed batch that run again, so that a scan that crashes engines affects few others."""
SIZES_KEPT = 256
"""Number of latest batch sizes in the stats."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision, for display: when (scheduler's clock), what and why."""

    time: float
    batch_items: int
    why: str


@dataclass(frozen=True, slots=True)
class QueueStats:
    """The state of the queue, for display. `batch_sizes` are the latest, oldest first; rates are scans a second."""

    waiting: dict[Priority, int]
    in_flight: int
    oldest_wait_s: float
    arrivals_per_s: float
    drain_per_s: float
    batches: int
    items: int
    batch_sizes: tuple[int, ...]
    last: Decision | None
    cancelled: int
    expired: int


class Batcher:
    """Owns the queue and, from `start` to `stop`, the pool. `healthy` turns False permanently if its own logic fails.

    `slo_s` is the response time to protect (None: none), `gpus` returns the monitor's latest sample of each GPU, by
    UUID, `on_batch` gets the number of items of each batch that starts.
    """

    def __init__(
        self,
        pool: Pool,
        settings: SchedulerSettings,
        *,
        slo_s: float | None = None,
        gpus: Callable[[], Mapping[str, DeviceSnapshot]] = dict,
        on_batch: Callable[[int], None] = lambda _items: None,
    ) -> None:
        self.pool = pool
        self.healthy = True
        self._settings = settings
        self._slo_s = slo_s
        self._gpus = gpus
        self._on_batch = on_batch
        self._waiting: dict[int, _Pending] = {}
        self._running: dict[Job, _Pending] = {}
        self._lengths = Counter[Priority]()
        self._forecaster = Forecaster(pool.latency, len(pool.replicas), settings, slo_s)
        self._sizes: deque[int] = deque(maxlen=SIZES_KEPT)
        self._counts = Counter[str]()
        self._last: Decision | None = None
        self._wake: asyncio.TimerHandle | None = None
        self._down: asyncio.TimerHandle | None = None
        self._refuse: PixelAgentError | None = EngineUnavailable(
            "The engine is warming up.", "Ask /readyz when it is ready, and send the photo again then."
        )
        self._empty = asyncio.Event()
        self._seq = 0
        self._lost = 0

    async def start(self) -> None:
        """Start the pool. Raises the first replica's error if no replica starts."""
        self._loop = asyncio.get_running_loop()
        await self.pool.start(self)
        self._refuse = None
        self._pump()

    async def stop(self) -> None:
        """Stop at once: every scan that waits or runs ends with Draining."""
        error = Draining("The server is stopping.", "Send the photo again in a moment.")
        self._refuse = self._refuse or error
        for timer in (self._wake, self._down):
            if timer is not None:
                timer.cancel()
        self._fail_all(error)
        await self.pool.stop()

    async def drain(self, timeout_s: float) -> bool:
        """Accept nothing new and finish the scans inside; False if time ran out and the rest ended with Draining."""
        self._refuse = self._refuse or Draining("The server is stopping.", "Send the photo again in a moment.")
        try:
            async with asyncio.timeout(timeout_s):
                while self._waiting or self._running:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            self._fail_all(Draining("The server stopped before the scan ran.", "Send the photo again in a moment."))
            return False
        return True

    async def submit(
        self,
        job: Job,
        on_start: Callable[[], object] = lambda: None,
        on_queued: Callable[[], object] = lambda: None,
    ) -> Output:
        """Wait for the answer to one job; cancelling the call cancels the job.

        `on_start` is called when the job goes to a replica, and again if it moves to another one; `on_queued` once the
        job waits or has been given to an idle replica.

        Raises DeadlineExceeded, Draining, EngineUnavailable, or the engine's error for this job.
        """
        if self._refuse is not None:
            raise copy(self._refuse)
        pending = self._enter(job, on_start)
        try:
            on_queued()
            return await pending.future
        finally:
            self._leave(pending)

    def stats(self) -> QueueStats:
        """Current state of the queue and counts since the start."""
        now = self._loop.time()
        oldest = next(iter(self._waiting.values()), None)
        return QueueStats(
            waiting={priority: self._lengths[priority] for priority in CLASSES},
            in_flight=len(self._running),
            oldest_wait_s=0.0 if oldest is None else now - oldest.waiting.arrived,
            arrivals_per_s=self._forecaster.arrivals_per_s(now),
            drain_per_s=self.forecast().per_s,
            batches=self._counts["batches"],
            items=self._counts["items"],
            batch_sizes=tuple(self._sizes),
            last=self._last,
            cancelled=self._counts["cancelled"],
            expired=self._counts["expired"],
        )

    def places(self) -> dict[str, tuple[int, float]]:
        """For all waiting scans: scan id → number of scans ahead, and expected seconds until it starts."""
        waiting = sorted(self._waiting.values(), key=lambda p: (RANK[p.waiting.priority], p.waiting.seq))
        now, forecast = self._loop.time(), self.forecast()
        return {p.job.scan_id: (place, forecast.start_s(place, now)) for place, p in enumerate(waiting)}

    def forecast(self) -> Forecast:
        """The current forecast for admission; reading it costs nothing."""
        return self._forecaster.forecast

    # The pool's listener

    def wanted(self, job: Job) -> bool:
        """Whether a caller still waits for a running job."""
        pending = self._running.get(job)
        return pending is not None and not pending.future.done()

    def deliver(self, job: Job, outcome: Output | PixelAgentError) -> None:
        """Complete a job that ended on a replica, or queue it again if its replica failed for the first time."""
        pending = self._running.pop(job, None)
        if pending is None or pending.future.done():
            return
        if isinstance(outcome, ReplicaLost) and not pending.lost:
            self._again(pending)
        elif isinstance(outcome, PixelAgentError):
            pending.future.set_exception(copy(outcome))
        else:
            pending.future.set_result(outcome)

    def ran(self, replica: int, items: int, seconds: float) -> None:
        """Record the duration of a finished batch."""
        self._forecaster.ended(replica, items, seconds, self._loop.time())

    def changed(self) -> None:
        """React to a replica that became free, started or stopped."""
        if self.pool.ready:
            if self._down is not None:
                self._down.cancel()
                self._down = None
            if self.healthy and isinstance(self._refuse, EngineUnavailable):
                self._refuse = None
        elif self._down is None and self._refuse is None:
            self._down = self._loop.call_later(self.pool.settings.recovery_s, self._all_down)
        self._pump()

    # Entering and leaving

    def _enter(self, job: Job, on_start: Callable[[], object]) -> _Pending:
        now = self._loop.time()
        if job.deadline is not None and job.deadline <= now:
            raise _late(waiting=True)
        self._seq += 1
        waiting = Waiting(self._seq, now, job.spec.priority, job.deadline, job.spec.client, job.tokens)
        job = replace(job)  # a copy: the same job may come twice
        pending = _Pending(job, waiting, self._loop.create_future(), on_start)
        if job.deadline is not None:
            pending.timer = self._loop.call_at(job.deadline, self._expire, pending)
        self._forecaster.arrived(waiting.tokens, now)
        self._queue(pending)
        if self.pool.idle:
            self._pump()
        return pending

    def _queue(self, pending: _Pending) -> None:
        self._waiting[pending.waiting.seq] = pending
        self._lengths[pending.waiting.priority] += 1

    def _unqueue(self, pending: _Pending) -> bool:
        if self._waiting.pop(pending.waiting.seq, None) is None:
            return False
        self._lengths[pending.waiting.priority] -= 1
        return True

    def _leave(self, pending: _Pending) -> None:
        if pending.timer is not None:
            pending.timer.cancel()
        if pending.future.cancelled():
            self._counts["cancelled"] += 1
        elif pending.future.done():
            pending.future.exception()  # mark as retrieved, even if the caller was cancelled at the same moment
        self._unqueue(pending)
        if self._running.pop(pending.job, None) is not None:
            self.pool.forget(pending.job)
        if not self._waiting and not self._running:
            self._empty.set()

    def _expire(self, pending: _Pending) -> None:
        waiting = self._unqueue(pending)
        if not pending.future.done():
            self._counts["expired"] += 1
            pending.future.set_exception(_late(waiting=waiting))

    def _again(self, pending: _Pending) -> None:
        """Queue a scan of a failed replica once more, at its old position, in a small retry group."""
        pending.waiting = replace(pending.waiting, retry_group=1 + self._lost // RETRY_TOGETHER)
        self._lost += 1
        pending.lost = True
        self._queue(pending)

    # Dispatching

    def _pump(self) -> None:
        """Ask the policy until it has nothing more to start. An exception here is a bug and ends all scans inside."""
        try:
            if self._wake is not None:
                self._wake.cancel()
                self._wake = None
            while self._step():
                pass
            running = (pending.waiting.priority for pending in self._running.values())
            self._forecaster.renew(self.pool.views(self._gpus()), running, self._loop.time())
        except Exception as error:
            log.exception("event=scheduler_crashed")
            self.healthy = False
            self._refuse = EngineUnavailable(f"The scheduler failed: {error!r}.", "Restart the server.")
            self._fail_all(self._refuse)

    def _step(self) -> bool:
        if not self._waiting or not self.pool.idle or not self.healthy:
            return False
        state = self._state()
        decision = decide(state, self.pool.latency.fit, self._settings)
        if isinstance(decision, Dispatch):
            self._dispatch(decision, len(state.waiting))
        elif isinstance(decision, WakeAt):
            self._last = Decision(state.now, 0, decision.why)
            self._wake = self._loop.call_at(decision.time, self._pump)
        return isinstance(decision, Dispatch)

    def _state(self) -> State:
        now = self._loop.time()
        returning, returning_by = self._forecaster.returning(now)
        return State(
            now=now,
            returning=returning,
            returning_by=returning_by,
            waiting=[pending.waiting for pending in self._waiting.values() if not pending.future.done()],
            replicas=self.pool.views(self._gpus()),
            in_flight=Counter(job.spec.client for job in self._running),
            arrivals_per_s=self._forecaster.arrivals_per_s(now),
            dispatched=self._counts["batches"],
            slo_s=self._slo_s,
            typical_tokens=self._forecaster.typical_tokens,
        )

    def _dispatch(self, decision: Dispatch, waiting: int) -> None:
        batch = [self._waiting[scan.seq] for scan in decision.batch]
        for pending in batch:
            self._unqueue(pending)
            self._running[pending.job] = pending
            _notify_started(pending)
        now, items = self._loop.time(), len(batch)
        self._forecaster.started(decision, waiting, now)
        self._counts.update(batches=1, items=items)
        self._sizes.append(items)
        self._last = Decision(now, items, decision.why)
        self._on_batch(items)
        self.pool.give(decision.replica, Batch(tuple(pending.job for pending in batch)))

    # Ending

    def _all_down(self) -> None:
        self._down = None
        error = next((replica.error for replica in self.pool.replicas if replica.error), None)
        self._refuse = EngineUnavailable(f"No engine is up: {error}", "Try again in a moment.")
        self._fail_all(self._refuse)

    def _fail_all(self, error: PixelAgentError) -> None:
        for pending in (*self._waiting.values(), *self._running.values()):
            if not pending.future.done():
                pending.future.set_exception(copy(error))
            self._unqueue(pending)


class _Pending:
    """One scan inside. `lost`: a replica failed while it ran this scan."""

    __slots__ = ("future", "job", "lost", "on_start", "timer", "waiting")

    def __init__(
        self, job: Job, waiting: Waiting, future: asyncio.Future[Output], on_start: Callable[[], object]
    ) -> None:
        self.job = job
        self.waiting = waiting
        self.future = future
        self.on_start = on_start
        self.lost = False
        self.timer: asyncio.TimerHandle | None = None


def _notify_started(pending: _Pending) -> None:
    """Call `on_start`; a callback that raises fails its own scan, never the queue."""
    try:
        pending.on_start()
    except Exception as error:
        log.exception("event=listener_failed scan=%s", pending.job.scan_id)
        if not pending.future.done():
            pending.future.set_exception(error)


def _late(*, waiting: bool) -> DeadlineExceeded:
    what = "waited" if waiting else "ran"
    return DeadlineExceeded(f"The deadline passed while the scan {what}.", "Allow more time, or come back later.")
