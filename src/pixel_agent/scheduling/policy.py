"""The policy: which waiting scans run together, on which replica, and when. Pure: state and time in, a decision out.

The order. Urgent classes first; inside a class clients take turns, and each client's scans go earliest deadline first
(a scan without a deadline is due `ageing_s` after its arrival). Every `aged_every`-th batch is led by the scan that has
waited longest beyond `ageing_s`, whatever its class: no scan starves, and aged scans do not block urgent ones.

The batch. The first scan in that order leads; others of its retry group join while items and visual tokens allow. The
limits are the engine's, the operator's, free device memory, and half the response time to protect, because a scan that
just missed a batch waits for two. A deadline that the whole batch would miss makes the batch smaller, unless that costs
other scans more deadlines than it saves.

The window. An idle device starts at once, except if the next scan is expected so soon that waiting for it costs the
waiting scans less than it saves the new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import ceil, inf

from pixel_agent.core import Priority
from pixel_agent.core.settings import SchedulerSettings
from pixel_agent.scheduling.latency import Fit

CLASSES = tuple(Priority)
"""Most urgent first."""
RANK = {priority: rank for rank, priority in enumerate(CLASSES)}
FOLLOWING_BATCHES = 4
"""Number of following batches that are predicted, to find the scans that a smaller batch would make late."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One scan in the queue; `seq` is its number by arrival, times are seconds on the scheduler's clock.

    `retry_group` keeps scans of lost batches apart from others: only scans of one group share a batch.
    """

    seq: int
    arrived: float
    priority: Priority = Priority.INTERACTIVE
    deadline: float | None = None
    client: str = ""
    tokens: int = 1
    retry_group: int = 0


@dataclass(frozen=True, slots=True)
class DeviceSnapshot:
    """The monitor's latest sample of one GPU; None if a value is unknown.

    `free_memory_bytes` is available to a batch: free on the device, plus what the engine has allocated and does not
    use. `utilisation` is the whole device's (0-1), `own_utilisation` this service's part of it in the same time.
    """

    free_memory_bytes: int | None = None
    utilisation: float | None = None
    own_utilisation: float = 0.0

    @property
    def foreign_utilisation(self) -> float:
        """Utilisation of the device by other processes, 0-1."""
        return max(0.0, (self.utilisation or 0.0) - self.own_utilisation)


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """One healthy replica as the policy sees it. `idle_since` is None while it runs; `load_s` is its busy time so far.

    `reckons_memory`: the engine's limits already account for memory, so free memory is ignored. `device` is the
    replica's own GPU; nothing is known of other devices.
    """

    number: int
    idle_since: float | None
    max_items: int
    max_tokens: int
    load_s: float = 0.0
    reckons_memory: bool = False
    device: DeviceSnapshot = DeviceSnapshot()


@dataclass(frozen=True, slots=True)
class State:
    """All inputs of a decision except latency model and settings.

    `waiting` is in order of arrival. `in_flight` counts running scans by client, `dispatched` the batches so far.
    `returning` scans are expected until `returning_by` from clients that just got an answer. `slo_s` is the response
    time to protect, None for none; `typical_tokens` are those of a usual scan.
    """

    now: float
    waiting: Sequence[Waiting]
    replicas: Sequence[ReplicaView]
    in_flight: Mapping[str, int] = field(default_factory=dict)
    arrivals_per_s: float = 0.0
    returning: float = 0.0
    returning_by: float = 0.0
    dispatched: int = 0
    slo_s: float | None = None
    typical_tokens: float = 0.0


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Decision: run these scans now, in this order, on this replica."""

    batch: tuple[Waiting, ...]
    replica: int
    why: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Decision: ask again at this time, or as soon as anything changes."""

    time: float
    why: str


def decide(state: State, fit: Fit, settings: SchedulerSettings) -> Dispatch | WakeAt | None:
    """The next step: a batch, a time to ask again, or nothing until something changes. O(waiting)."""
    idle = [replica for replica in state.replicas if replica.idle_since is not None]
    alive = [scan for scan in state.waiting if scan.deadline is None or scan.deadline > state.now]
    if not idle or not alive:
        return None
    replica = min(idle, key=lambda replica: (replica.load_s, replica.number))
    queue = _Queue(state, alive, fit, settings)
    limit = batch_limit(state, replica, fit, settings)
    picked = _fill(queue, limit, share=ceil(len(alive) / len(idle)))
    batch, why = _meet_deadlines(picked, queue, fit, state.now)
    more = len(alive) - len(batch)
    if len(idle) == 1 and not more and len(batch) < limit.items:
        wake = _window(batch, replica, state, fit, settings)
        if wake is not None:
            return wake
    full = why or (limit.why if len(batch) >= limit.items else "no other fits with them" if more else "all that wait")
    led = f"led by aged {batch[0].priority}" if queue.aged else f"led by {batch[0].priority}"
    return Dispatch(batch, replica.number, f"{len(batch)} of {len(alive)} waiting, {led}: {full}")


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """The largest batch now, and the reason for its limit."""

    items: int
    tokens: int
    why: str


def batch_limit(state: State, replica: ReplicaView, fit: Fit, settings: SchedulerSettings) -> BatchLimit:
    """Limit a batch by engine, operator, memory and response time; one scan alone is always allowed."""
    items, tokens = replica.max_items, replica.max_tokens
    why = f"full at {items} items"
    if settings.max_items is not None and settings.max_items < items:
        items, why = settings.max_items, f"full at {settings.max_items} items, as set"
    tokens = min(tokens, settings.max_tokens or tokens)
    free = replica.device.free_memory_bytes
    if free is not None and settings.memory_bytes_per_token and not replica.reckons_memory:
        room = max(0, free - settings.memory_reserve_bytes) // settings.memory_bytes_per_token
        tokens = min(tokens, room)
    if state.slo_s is not None:
        each_s = fit.item_s + fit.token_s * state.typical_tokens
        in_time = int((state.slo_s / 2 - fit.base_s) / each_s) if each_s > 0 else items
        if 1 <= in_time < items:
            items, why = in_time, f"full at {in_time} items, for half of the response time"
    return BatchLimit(items, max(1, tokens), why)


class _Queue:
    """The waiting scans in the order to run them, sorted lazily: classes that are not reached cost nothing."""

    def __init__(self, state: State, alive: Sequence[Waiting], fit: Fit, settings: SchedulerSettings) -> None:
        self._in_flight = state.in_flight
        self._ageing_s = settings.ageing_s
        soonest, token_s = state.now + fit.predict(1), fit.token_s
        hopeful = [s for s in alive if s.deadline is None or s.deadline >= soonest + token_s * s.tokens]
        self._scans = hopeful or alive  # a scan that cannot meet its deadline runs only on an otherwise idle device
        self.aged: tuple[Waiting, ...] = ()
        if state.dispatched % settings.aged_every == settings.aged_every - 1:
            born = state.now - settings.ageing_s
            self.aged = tuple(sorted((s for s in self._scans if s.arrived <= born), key=lambda s: (s.arrived, s.seq)))

    def __iter__(self) -> Iterator[Waiting]:
        yield from self.aged
        aged = {scan.seq for scan in self.aged}
        for priority in CLASSES:
            scans = [s for s in self._scans if s.priority is priority]
            yield from self._class([s for s in scans if s.seq not in aged] if aged else scans)

    def _class(self, scans: list[Waiting]) -> list[Waiting]:
        """Order one class: clients take turns; a client's scans in flight count as turns taken."""
        scans.sort(key=self._due)
        if len({scan.client for scan in scans}) == 1:
            return scans
        turns = dict(self._in_flight)
        keyed = []
        for place, scan in enumerate(scans):
            turn = turns.get(scan.client, 0)
            turns[scan.client] = turn + 1
            keyed.append((turn, place, scan))
        keyed.sort(key=lambda entry: entry[:2])
        return [scan for _, _, scan in keyed]

    def _due(self, scan: Waiting) -> tuple[float, int]:
        return (scan.arrived + self._ageing_s if scan.deadline is None else scan.deadline), scan.seq


def _fill(queue: _Queue, limit: BatchLimit, share: int) -> list[Waiting]:
    """Pick scans in order: the first leads, others of its retry group join while they fit."""
    order = iter(queue)
    lead = next(order)
    picked, tokens = [lead], lead.tokens
    room = min(limit.items, share)
    if room == 1:
        return picked
    for scan in order:
        if scan.retry_group == lead.retry_group and tokens + scan.tokens <= limit.tokens:
            picked.append(scan)
            tokens += scan.tokens
            if len(picked) == room:
                break
    return picked


def _meet_deadlines(picked: list[Waiting], queue: _Queue, fit: Fit, now: float) -> tuple[tuple[Waiting, ...], str]:
    """Shrink the batch to meet its tightest deadline, or leave out scans that would miss it, whichever loses fewer."""
    in_time = _prefix_in_time(picked, fit, now)
    if in_time in (0, len(picked)):
        return tuple(picked), ""
    chosen = {scan.seq for scan in picked}
    ahead = FOLLOWING_BATCHES * len(picked)
    rest = list(islice((scan for scan in queue if scan.seq not in chosen), ahead))
    end = now + _time(picked, fit)
    kept = [scan for scan in picked if scan.deadline is None or scan.deadline >= end]
    lost = len(picked) - len(kept)
    small_costs = _missed(picked[in_time:] + rest, now + _time(picked[:in_time], fit), len(picked), fit)
    full_costs = lost + _missed(rest, end, len(picked), fit)
    if small_costs <= full_costs or not kept:
        return tuple(picked[:in_time]), "small, for the tightest deadline"
    return tuple(kept), f"{lost} left out who would be late"


def _prefix_in_time(picked: Sequence[Waiting], fit: Fit, now: float) -> int:
    """The largest number of first scans that all meet their deadlines if run together; 0 if there is none."""
    best, tokens, tightest = 0, 0, inf
    for size, scan in enumerate(picked, 1):
        tokens += scan.tokens
        tightest = min(tightest, inf if scan.deadline is None else scan.deadline)
        if now + fit.predict(size, tokens) <= tightest:
            best = size
    return best


def _missed(scans: Sequence[Waiting], start: float, size: int, fit: Fit) -> int:
    """How many of these scans miss their deadlines if they run from `start` on in batches of `size`."""
    missed = 0
    for first in range(0, len(scans), size):
        batch = scans[first : first + size]
        start += _time(batch, fit)
        missed += sum(scan.deadline is not None and scan.deadline < start for scan in batch)
    return missed


def _time(batch: Sequence[Waiting], fit: Fit) -> float:
    return fit.predict(len(batch), sum(scan.tokens for scan in batch))


def _window(
    batch: Sequence[Waiting], replica: ReplicaView, state: State, fit: Fit, settings: SchedulerSettings
) -> WakeAt | None:
    """Wait for the next scan if it is expected so soon that waiting pays.

    The n waiting scans lose the gap until it comes and its own time in the batch; the new scan saves the rest of a
    batch that it would otherwise wait for: with t = a + b·n, waiting pays if gap · (n + 1) < a. In general, for m new
    scans within d seconds, if d · (n + m) < a · m; this also covers clients that send again as soon as they are
    answered.
    """
    since = max(replica.idle_since or 0.0, min(scan.arrived for scan in batch))
    end = since + settings.window_ms / 1000
    tightest = min((scan.deadline for scan in batch if scan.deadline is not None), default=inf)
    end = min(end, tightest - _time(batch, fit) - fit.item_s)
    if state.now >= end:
        return None
    if replica.device.foreign_utilisation >= settings.foreign_utilisation > 0:
        return WakeAt(end, f"{len(batch)} waiting: others use the device, so a fuller batch costs nothing")
    back_in = state.returning_by - state.now
    if state.returning >= 0.5 and 0 < back_in * (len(batch) + state.returning) < fit.base_s * state.returning:
        return WakeAt(min(end, state.returning_by), f"{len(batch)} waiting: {state.returning:.0f} more are coming back")
    gap = 1 / state.arrivals_per_s if state.arrivals_per_s > 0 else inf
    if gap * (len(batch) + 1) >= fit.base_s or state.now + gap > end:
        return None
    return WakeAt(end, f"{len(batch)} waiting: the next is expected in {gap * 1000:.0f} ms")
