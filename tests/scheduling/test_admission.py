from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Priority, ScanRequest, ScanSpec
from pixel_agent.core.errors import DeadlineUnreachable, Draining, PixelAgentError, QueueFull, Refused
from pixel_agent.core.settings import AdmissionSettings
from pixel_agent.scheduling.admission import SLOW_UPLOAD_S, Admission, Ticket, response_time
from pixel_agent.scheduling.forecast import Forecast
from pixel_agent.tasks import DEFAULT_TASK
from tests.virtual_time import run_virtual

FORECAST = Forecast(
    per_s=64, batch_items=16, round_s=0.25, alone_s=0.125, replicas=1, measured=True, free_at=0.0, in_flight=(0, 0, 0)
)


class Door:
    """An admission with a clock and a forecast at hand."""

    def __init__(self, slo_s: float | None = None, forecast: Forecast = FORECAST, **set_to: object) -> None:
        self.now = 0.0
        self.forecast = forecast
        chosen = AdmissionSettings.model_validate(set_to)
        self.admission = Admission(chosen, lambda: self.forecast, lambda: self.now, slo_s)

    def fill(self, most: int, priority: Priority = Priority.INTERACTIVE, client: str = "") -> list[Ticket]:
        tickets = []
        for _ in range(most):
            try:
                tickets.append(self.admission.take(1000, priority, client=client))
            except Refused:
                break
        return tickets


def test_sixty_four_fit_a_second_on_a_device_of_sixty_four_a_second() -> None:
    assert len(Door(slo_s=1.0).fill(500)) in range(64, 69)


def test_while_refusing_each_own_answer_must_fit() -> None:
    door = Door(slo_s=1.0, overload_target=0.92)
    tickets = door.fill(500)
    for ticket in tickets[:16]:
        ticket.release()
    door.forecast = replace(FORECAST, free_at=0.25, in_flight=(16, 0, 0))
    assert not door.fill(500)  # a full batch of 0.25 s runs and 2 wait: the answer would come after 1.0 s, not 0.92
    door.now = 0.1
    assert len(door.fill(500)) == 64 - len(tickets) + 16


def test_calms_down_after_the_last_refusal() -> None:
    door = Door(slo_s=1.0)
    door.fill(500)
    assert door.admission.stats().overloaded
    door.now = 1.1
    assert not door.admission.stats().overloaded


def test_without_a_promise_only_the_bounds_count() -> None:
    assert len(Door().fill(5000)) == 2048
    assert len(Door(max_scans=10).fill(500)) == 10


def test_bulk_leaves_room_and_is_not_bound_by_the_response_time() -> None:
    door = Door(slo_s=1.0)
    assert len(door.fill(5000, Priority.BULK)) == 1844  # 90 % of 2048, rounded up
    assert len(door.fill(500, Priority.INTERACTIVE)) >= 64


def test_interactive_predictions_do_not_count_bulk() -> None:
    door = Door(slo_s=1.0)
    door.fill(1000, Priority.BULK)
    assert door.admission.wait_s(Priority.INTERACTIVE) < 0.2
    assert door.admission.wait_s(Priority.BULK) > 15


def test_a_flood_of_one_client_does_not_shut_out_another() -> None:
    door = Door(slo_s=1.0)
    door.fill(500, client="flood")
    assert len(door.fill(1, client="other")) == 1
    with pytest.raises(Refused):
        door.admission.take(1000, client="flood")


def test_bytes_are_bound() -> None:
    door = Door(max_bytes=10_000)
    assert len(door.fill(500)) == 10
    with pytest.raises(QueueFull):
        door.admission.take(1)


def test_an_unknown_size_is_assumed_and_corrected() -> None:
    door = Door(max_bytes=10_000, assumed_bytes=4000)
    ticket = door.admission.take(None)
    assert door.admission.stats().bytes_inside == 4000
    door.admission.resize(ticket, 9000)
    assert door.admission.stats().bytes_inside == 9000
    with pytest.raises(QueueFull):
        door.admission.resize(ticket, 10_001)
    ticket.release()
    assert door.admission.stats().bytes_inside == 0


def test_a_deadline_out_of_reach_is_refused_at_once() -> None:
    door = Door()
    door.fill(160)
    with pytest.raises(DeadlineUnreachable) as refusal:
        door.admission.take(1000, deadline_s=1.0)
    assert refusal.value.wait_s == pytest.approx(2.75)
    assert refusal.value.retry_after_s == 2
    assert refusal.value.queue_length == 160
    door.admission.take(1000, deadline_s=3.0).release()


def test_a_deadline_is_not_judged_by_a_guess() -> None:
    door = Door(forecast=replace(FORECAST, measured=False))
    door.fill(160)
    door.admission.take(1000, deadline_s=1.0).release()


def test_draining_lets_nobody_in() -> None:
    door = Door()
    door.fill(3)
    door.admission.drain()
    with pytest.raises(Draining) as refusal:
        door.admission.take(1)
    assert (refusal.value.retry_after_s or 0) >= 1
    with pytest.raises(Draining):
        door.admission.reserve(1)


def test_a_ticket_is_released_once() -> None:
    door = Door()
    with door.admission.take(1000) as ticket:
        ticket.release()
        ticket.release()
    assert door.admission.stats().inside[Priority.INTERACTIVE] == 0
    assert door.admission.stats().bytes_inside == 0


def test_an_error_inside_releases_the_ticket() -> None:
    door = Door()
    with pytest.raises(PixelAgentError), door.admission.take(1000):
        raise PixelAgentError("no")
    assert door.admission.stats().inside[Priority.INTERACTIVE] == 0


def test_answers_that_come_late_make_it_more_careful() -> None:
    door = Door(slo_s=1.0)
    for _ in range(100):
        ticket = door.admission.take(1000)
        door.now += ticket.wait_s + 0.1
        ticket.release()
    assert door.admission.stats().bias_s == pytest.approx(0.1, rel=0.05)


def test_the_setting_wins_over_the_promise() -> None:
    assert response_time(AdmissionSettings(), 1.0) == 1.0
    assert response_time(AdmissionSettings(slo_ms=500), 1.0) == 0.5
    assert response_time(AdmissionSettings(slo_ms=0), 1.0) is None


def test_refusals_are_counted_by_reason() -> None:
    door = Door(slo_s=1.0, max_scans=70)
    door.fill(500)
    door.fill(500, Priority.BULK)
    assert door.admission.stats().refused == {"overloaded": 1, "queue_full": 1}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 500), st.floats(0.1, 100), st.sampled_from(Priority))
def test_the_time_to_come_back_is_in_whole_seconds_and_bound(inside: int, per_s: float, priority: Priority) -> None:
    forecast = replace(FORECAST, per_s=per_s, round_s=16 / per_s)
    door = Door(slo_s=1.0, forecast=forecast, max_scans=inside)
    door.fill(inside, priority)
    with pytest.raises(Refused) as refusal:
        door.admission.take(1000, priority)
    come_back_s = refusal.value.retry_after_s
    assert come_back_s is not None
    assert 1 <= come_back_s == int(come_back_s) <= 60


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from(Priority), st.sampled_from("ab"), st.integers(0, 5000)), max_size=200
    )
)
def test_bounds_hold_and_counts_return_to_zero(steps: list[tuple[bool, Priority, str, int]]) -> None:
    door = Door(slo_s=1.0, max_scans=40, max_bytes=60_000)
    inside: list[Ticket] = []
    for come, priority, client, size in steps:
        door.now += 0.01
        if come or not inside:
            with suppress(Refused):
                inside.append(door.admission.take(size, priority, client=client))
        else:
            inside.pop(size % len(inside)).release()
        stats = door.admission.stats()
        assert sum(stats.inside.values()) == len(inside) <= 40
        assert stats.bytes_inside <= 60_000
    for ticket in inside:
        ticket.release()
    assert door.admission.stats().bytes_inside == 0
    assert not any(door.admission.stats().inside.values())
    assert door.admission._clients == [{}, {}, {}]


def asked(
    data: bytes = b"photo", priority: Priority = Priority.INTERACTIVE, deadline: float | None = None
) -> ScanRequest:
    spec = ScanSpec(DEFAULT_TASK.id, priority=priority)
    return ScanRequest("a", spec, DEFAULT_TASK, data, "", datetime.now(UTC), deadline=deadline)


def arriving_in(**set_to: object) -> Admission:
    chosen = AdmissionSettings.model_validate(set_to)
    return Admission(chosen, lambda: FORECAST, asyncio.get_running_loop().time)


def inside(admission: Admission) -> tuple[int, int]:
    """Scans and bytes."""
    stats = admission.stats()
    return sum(stats.inside.values()), stats.bytes_inside


def test_a_slow_upload_is_no_scan_until_it_is_here_but_its_bytes_count() -> None:
    async def main() -> None:
        admission = arriving_in(max_scans=1, max_bytes=100)
        with admission.arriving(60, Priority.INTERACTIVE) as slow:
            assert inside(admission) == (1, 60)
            await asyncio.sleep(SLOW_UPLOAD_S)
            assert inside(admission) == (0, 60)
            with admission.take(30), pytest.raises(QueueFull), admission.enter_all([asked()], slow):
                pass
            assert inside(admission) == (0, 0)

    run_virtual(main())


def test_an_upload_counts_what_has_come_and_not_what_it_declares() -> None:
    async def main() -> None:
        admission = arriving_in(max_bytes=1000, assumed_bytes=10)
        with (
            admission.arriving(900, Priority.INTERACTIVE, "a") as declared,
            admission.arriving(900, Priority.INTERACTIVE, "b"),
        ):
            assert inside(admission) == (2, 20)
            declared.grow(5)
            declared.grow(400)
            assert inside(admission) == (2, 410)
            with pytest.raises(QueueFull):
                declared.grow(501)  # more than one client's share
        assert inside(admission) == (0, 0)

    run_virtual(main())


def test_an_upload_for_later_counts_what_has_come() -> None:
    async def main() -> None:
        admission = arriving_in(max_bytes=1000)
        with admission.reserve(10, "a") as reserved:
            admission.grow(reserved, 500)
            assert inside(admission) == (0, 500)
            with pytest.raises(QueueFull):
                admission.grow(reserved, 501)
        assert inside(admission) == (0, 0)

    run_virtual(main())


def test_a_scan_takes_over_the_place_of_its_request_with_its_real_size() -> None:
    async def main() -> None:
        admission = arriving_in(max_scans=1)
        with admission.arriving(60, Priority.INTERACTIVE) as arrival:
            with admission.enter_all([asked(b"12345")], arrival):
                await asyncio.sleep(2 * SLOW_UPLOAD_S)  # it is here: nothing makes it slow any more
                assert inside(admission) == (1, 5)
            assert inside(admission) == (0, 0)
        assert admission.stats().admitted == 1

    run_virtual(main())


@pytest.mark.parametrize("request_", [asked(priority=Priority.BULK), asked(deadline=100.0)])
def test_another_class_or_a_deadline_is_admitted_anew(request_: ScanRequest) -> None:
    async def main() -> None:
        admission = arriving_in(max_scans=2)
        arrival = admission.arriving(60, Priority.INTERACTIVE)
        with admission.enter_all([request_], arrival):
            assert inside(admission) == (1, 5)
        assert (inside(admission), admission.stats().admitted) == ((0, 0), 2)

    run_virtual(main())


def test_of_several_scans_all_come_in_or_none() -> None:
    async def main() -> None:
        admission = arriving_in(max_scans=2)
        with (
            admission.arriving(60, Priority.INTERACTIVE) as arrival,
            pytest.raises(QueueFull),
            admission.enter_all([asked()] * 3, arrival),
        ):
            pass
        assert inside(admission) == (0, 0)

    run_virtual(main())


def test_an_upload_for_later_is_bound_by_bytes_alone() -> None:
    door = Door(max_scans=1, max_bytes=100)
    with door.admission.take(10), door.admission.reserve(90):
        assert inside(door.admission) == (1, 100)
        with pytest.raises(QueueFull):
            door.admission.reserve(1)
    assert inside(door.admission) == (0, 0)
