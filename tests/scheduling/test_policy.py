"""The policy, first by examples, then by properties over random arrivals with a virtual clock."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Priority
from pixel_agent.core.settings import SchedulerSettings
from pixel_agent.scheduling.latency import Fit
from pixel_agent.scheduling.policy import RANK, DeviceSnapshot, Dispatch, ReplicaView, State, Waiting, WakeAt, decide

FIT = Fit(0.1, 0.01)
SETTINGS = SchedulerSettings(window_ms=20)
IDLE = ReplicaView(0, idle_since=0.0, max_items=4, max_tokens=100)
BULK, NORMAL, INTERACTIVE = Priority.BULK, Priority.NORMAL, Priority.INTERACTIVE


def state(*waiting: Waiting, now: float = 1.0, replicas: tuple[ReplicaView, ...] = (IDLE,)) -> State:
    return State(now, waiting, replicas)


def chosen(state: State, settings: SchedulerSettings = SETTINGS) -> list[int]:
    decision = decide(state, FIT, settings)
    assert isinstance(decision, Dispatch)
    return [scan.seq for scan in decision.batch]


def on(device: DeviceSnapshot, *waiting: Waiting) -> State:
    """The same on replicas whose GPU looks like this."""
    usual = state(*waiting)
    return replace(usual, replicas=[replace(replica, device=device) for replica in usual.replicas])


def test_an_idle_device_starts_at_once() -> None:
    assert chosen(state(Waiting(1, 1.0))) == [1]


def test_nothing_to_do_without_scans_or_replicas() -> None:
    assert decide(state(), FIT, SETTINGS) is None
    assert decide(state(Waiting(1, 1.0), replicas=(replace(IDLE, idle_since=None),)), FIT, SETTINGS) is None


def test_urgent_classes_first() -> None:
    assert chosen(state(Waiting(1, 0, BULK), Waiting(2, 0, NORMAL), Waiting(3, 0, INTERACTIVE))) == [3, 2, 1]


def test_earliest_deadline_first_inside_a_class() -> None:
    assert chosen(state(Waiting(1, 0, deadline=9), Waiting(2, 0, deadline=5), Waiting(3, 0))) == [2, 1, 3]


def test_clients_take_turns() -> None:
    flood = [Waiting(n, 0, client="a") for n in range(8)]
    assert chosen(state(*flood, Waiting(8, 0.5, client="b"), Waiting(9, 0.5, client="b"))) == [0, 8, 1, 9]


def test_what_a_client_has_in_flight_counts_as_turns() -> None:
    waiting = (Waiting(1, 0, client="a"), Waiting(2, 0, client="b"), Waiting(3, 0, client="b"))
    assert chosen(replace(state(*waiting), in_flight={"a": 2})) == [2, 3, 1]


def test_every_nth_batch_is_led_by_the_oldest_aged_scan() -> None:
    waiting = (Waiting(1, 0, BULK), *(Waiting(n, 99, INTERACTIVE) for n in range(2, 9)))
    assert chosen(replace(state(*waiting, now=100), dispatched=3))[0] == 1
    assert 1 not in chosen(replace(state(*waiting, now=100), dispatched=4))


def test_keys_are_never_mixed() -> None:
    assert chosen(state(Waiting(1, 0, retry_group=1), Waiting(2, 0), Waiting(3, 0, retry_group=1))) == [1, 3]


def test_tokens_bound_a_batch() -> None:
    assert chosen(state(Waiting(1, 0, tokens=60), Waiting(2, 0, tokens=60), Waiting(3, 0, tokens=40))) == [1, 3]


def test_a_scan_beyond_the_token_limit_runs_alone() -> None:
    assert chosen(state(Waiting(1, 0, tokens=500), Waiting(2, 0, tokens=1))) == [1]


def test_free_memory_bounds_a_batch() -> None:
    tight = SchedulerSettings(memory_reserve_bytes=1000, memory_bytes_per_token=10)
    waiting = [Waiting(n, 0, tokens=10) for n in range(4)]
    assert chosen(on(DeviceSnapshot(free_memory_bytes=1250), *waiting), tight) == [0, 1]
    assert chosen(on(DeviceSnapshot(free_memory_bytes=0), *waiting), tight) == [0]


def test_memory_that_an_engine_reckons_itself_is_not_reckoned_again() -> None:
    tight = SchedulerSettings(memory_reserve_bytes=1000, memory_bytes_per_token=10)
    waiting = [Waiting(n, 0, tokens=10) for n in range(4)]
    full = on(DeviceSnapshot(free_memory_bytes=0), *waiting)
    knows = replace(full, replicas=[replace(one, reckons_memory=True) for one in full.replicas])
    assert chosen(knows, tight) == [0, 1, 2, 3]


def test_half_of_the_response_time_bounds_a_batch() -> None:
    waiting = [Waiting(n, 0) for n in range(4)]
    assert len(chosen(replace(state(*waiting), slo_s=0.25))) == 2  # 0.1 + 2 · 0.01 ≤ 0.125
    assert len(chosen(replace(state(*waiting), slo_s=0.01))) == 4  # out of reach: no reason to be slow as well


def test_a_batch_shrinks_to_meet_its_tightest_deadline() -> None:
    waiting = [Waiting(1, 0, deadline=1.125), *(Waiting(n, 0) for n in range(2, 5))]
    decision = decide(state(*waiting), FIT, SETTINGS)
    assert isinstance(decision, Dispatch)
    assert [scan.seq for scan in decision.batch] == [1, 2]
    assert "deadline" in decision.why


def test_one_deadline_is_not_bought_with_many() -> None:
    waiting = [Waiting(1, 0, deadline=1.115), *(Waiting(n, 0, deadline=1.15) for n in range(2, 5))]
    assert chosen(state(*waiting)) == [2, 3, 4]


def test_who_cannot_make_it_does_not_take_a_place() -> None:
    assert chosen(state(Waiting(1, 0, deadline=1.05), Waiting(2, 0))) == [2]
    assert chosen(state(Waiting(1, 0, deadline=1.05))) == [1]  # but may try where the device would idle


def test_several_idle_replicas_share_what_waits() -> None:
    replicas = (replace(IDLE, load_s=5.0), replace(IDLE, number=1))
    decision = decide(state(*(Waiting(n, 0) for n in range(4)), replicas=replicas), FIT, SETTINGS)
    assert isinstance(decision, Dispatch)
    assert (decision.replica, len(decision.batch)) == (1, 2)


def test_waits_for_the_next_only_if_it_comes_soon() -> None:
    fresh = state(Waiting(1, 1.0))
    decision = decide(replace(fresh, arrivals_per_s=100), FIT, SETTINGS)
    assert decision == WakeAt(1.02, "1 waiting: the next is expected in 10 ms")
    assert isinstance(decide(replace(fresh, arrivals_per_s=10), FIT, SETTINGS), Dispatch)
    assert isinstance(decide(replace(fresh, arrivals_per_s=100, now=1.02), FIT, SETTINGS), Dispatch)


def test_waits_for_clients_that_come_back_if_it_pays() -> None:
    fresh = replace(state(Waiting(1, 1.0)), returning=3.0)
    assert decide(replace(fresh, returning_by=1.01), FIT, SETTINGS) == WakeAt(1.01, "1 waiting: 3 more are coming back")
    assert isinstance(decide(replace(fresh, returning_by=1.08), FIT, SETTINGS), Dispatch)  # 0.08 · 4 > 0.1 · 3
    assert isinstance(decide(replace(fresh, returning_by=0.99), FIT, SETTINGS), Dispatch)
    assert isinstance(decide(replace(fresh, returning=0.2, returning_by=1.01), FIT, SETTINGS), Dispatch)


def test_waits_while_others_use_the_device() -> None:
    shared = DeviceSnapshot(utilisation=1.0, own_utilisation=0.1)
    assert isinstance(decide(on(shared, Waiting(1, 1.0)), FIT, SETTINGS), WakeAt)
    own = DeviceSnapshot(utilisation=1.0, own_utilisation=0.9)
    assert isinstance(decide(on(own, Waiting(1, 1.0)), FIT, SETTINGS), Dispatch)


def test_says_why() -> None:
    decision = decide(state(*(Waiting(n, 0, BULK) for n in range(9))), FIT, SETTINGS)
    assert isinstance(decision, Dispatch)
    assert decision.why == "4 of 9 waiting, led by bulk: full at 4 items"


@dataclass
class World:
    """Replicas, a queue and a clock that jumps from event to event; keeps a diary for the properties below."""

    arrivals: list[Waiting]
    replicas: list[ReplicaView]
    settings: SchedulerSettings
    now: float = 0.0
    queue: dict[int, Waiting] = field(default_factory=dict)
    expired: list[int] = field(default_factory=list)
    diary: list[tuple[State, Dispatch]] = field(default_factory=list)
    idle_s: float = 0.0

    def run(self) -> World:
        self.arrivals.sort(key=lambda scan: scan.arrived)
        coming, ends = list(self.arrivals), list[tuple[float, int]]()
        while coming or self.queue or ends:
            wake = self.act(ends)
            times = [wake, coming[0].arrived if coming else None, ends[0][0] if ends else None]
            times += [scan.deadline for scan in self.queue.values()]
            after = min(time for time in times if time is not None)
            if self.queue and any(replica.idle_since is not None for replica in self.replicas):
                self.idle_s = max(self.idle_s, after - max(self.oldest(), self.idle_from()))
            self.now = max(self.now, after)
            while coming and coming[0].arrived <= self.now:
                scan = coming.pop(0)
                self.queue[scan.seq] = scan
            while ends and ends[0][0] <= self.now:
                end, number = heapq.heappop(ends)
                self.replicas[number] = replace(self.replicas[number], idle_since=end)
            for scan in list(self.queue.values()):
                if scan.deadline is not None and scan.deadline <= self.now:
                    self.expired.append(self.queue.pop(scan.seq).seq)
        return self

    def oldest(self) -> float:
        return min(scan.arrived for scan in self.queue.values())

    def idle_from(self) -> float:
        return min(replica.idle_since for replica in self.replicas if replica.idle_since is not None)

    def act(self, ends: list[tuple[float, int]]) -> float | None:
        while True:
            state = State(
                self.now,
                tuple(self.queue.values()),
                tuple(self.replicas),
                arrivals_per_s=40,
                dispatched=len(self.diary),
            )
            decision = decide(state, FIT, self.settings)
            if not isinstance(decision, Dispatch):
                return None if decision is None else decision.time
            self.diary.append((state, decision))
            for scan in decision.batch:
                del self.queue[scan.seq]
            took = FIT.predict(len(decision.batch))
            heapq.heappush(ends, (self.now + took, decision.replica))
            replica = self.replicas[decision.replica]
            assert replica.idle_since is not None
            self.replicas[decision.replica] = replace(replica, idle_since=None, load_s=replica.load_s + took)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    scans = []
    for seq in range(draw(st.integers(1, 40))):
        arrived = draw(st.floats(0, 3, allow_nan=False))
        patience = draw(st.one_of(st.none(), st.floats(0.01, 3)))
        scans.append(
            Waiting(
                seq,
                arrived,
                draw(st.sampled_from(Priority)),
                None if patience is None else arrived + patience,
                draw(st.sampled_from("abc")),
                draw(st.integers(1, 60)),
                draw(st.sampled_from([0, 0, 1])),
            )
        )
    replicas = [replace(IDLE, number=number) for number in range(draw(st.integers(1, 3)))]
    ageing = draw(st.sampled_from([0.2, 1.0, 30.0]))
    return World(
        scans, replicas, SchedulerSettings(ageing_s=ageing, window_ms=draw(st.sampled_from([0.0, 20.0])))
    ).run()


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_no_scan_is_lost_or_run_twice(world: World) -> None:
    ran = [scan.seq for _, decision in world.diary for scan in decision.batch]
    assert sorted(ran + world.expired) == sorted(scan.seq for scan in world.arrivals)


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_limits_hold_and_keys_never_mix(world: World) -> None:
    for state, decision in world.diary:
        replica = next(replica for replica in state.replicas if replica.number == decision.replica)
        assert replica.idle_since is not None
        assert len(decision.batch) <= replica.max_items
        assert len(decision.batch) == 1 or sum(scan.tokens for scan in decision.batch) <= replica.max_tokens
        assert len({scan.retry_group for scan in decision.batch}) == 1


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_nothing_expired_is_dispatched(world: World) -> None:
    for state, decision in world.diary:
        assert all(scan.deadline is None or scan.deadline > state.now for scan in decision.batch)


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_no_replica_idles_beside_a_waiting_scan_longer_than_the_window(world: World) -> None:
    assert world.idle_s <= world.settings.window_ms / 1000 + 1e-9


@settings(deadline=None, max_examples=60)
@given(worlds())
def test_without_a_reason_nobody_overtakes_inside_client_and_class(world: World) -> None:
    """Reasons: the other has aged, has another key, does not fit beside the rest, or cannot meet its deadline."""
    for state, decision in world.diary:
        if "aged" in decision.why:
            continue
        taken = {scan.seq for scan in decision.batch}
        tokens = sum(scan.tokens for scan in decision.batch)
        lead = decision.batch[0]
        for other in state.waiting:
            if other.seq in taken or (other.deadline is not None and other.deadline < state.now + FIT.predict(4)):
                continue
            assert RANK[other.priority] >= RANK[lead.priority]
            if other.retry_group != lead.retry_group or tokens + other.tokens > IDLE.max_tokens:
                continue
            due = _due(other, world.settings)
            rivals = [s for s in decision.batch if s.priority is other.priority and s.client == other.client]
            assert all(_due(rival, world.settings) <= due for rival in rivals)


def _due(scan: Waiting, settings: SchedulerSettings) -> tuple[float, int]:
    return (scan.arrived + settings.ageing_s if scan.deadline is None else scan.deadline), scan.seq


def test_a_bulk_scan_gets_through_an_endless_stream_of_urgent_ones() -> None:
    stream = [Waiting(n, n * 0.02, INTERACTIVE, tokens=1) for n in range(1, 2000)]  # 50/s for a device of 28/s
    world = World([Waiting(0, 0.0, BULK), *stream], [IDLE], SchedulerSettings(ageing_s=2.0)).run()
    ran_at = next(state.now for state, decision in world.diary if any(scan.seq == 0 for scan in decision.batch))
    assert ran_at <= 2.0 + 4 * FIT.predict(4) + 0.1


def test_a_flood_of_new_clients_does_not_starve_an_old_one() -> None:
    crowd = [Waiting(n, n * 0.02, client=str(n)) for n in range(2, 2000)]
    world = World(
        [Waiting(0, 0, client="a"), Waiting(1, 0, client="a"), *crowd], [IDLE], SchedulerSettings(ageing_s=2)
    ).run()
    ran_at = next(state.now for state, decision in world.diary if any(scan.seq == 1 for scan in decision.batch))
    assert ran_at <= 2.0 + 4 * FIT.predict(4) + 0.1


def test_a_long_backlog_is_passed_by_what_is_urgent() -> None:
    waiting = [Waiting(n, 0, BULK) for n in range(2000)] + [Waiting(n, 0, INTERACTIVE) for n in range(2000, 2004)]
    assert chosen(state(*waiting)) == [2000, 2001, 2002, 2003]


@pytest.mark.parametrize("window", [0.0, 50.0])
def test_the_window_is_never_longer_than_set(window: float) -> None:
    decision = decide(replace(state(Waiting(1, 1.0)), arrivals_per_s=1000), FIT, SchedulerSettings(window_ms=window))
    assert isinstance(decision, Dispatch) if not window else decision == WakeAt(1.05, decision.why)  # type: ignore[union-attr]
