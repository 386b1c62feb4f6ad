"""The queue's forecast for admission, computed from the queue's events."""

from __future__ import annotations

import pytest

from pixel_agent.core import Priority
from pixel_agent.core.settings import SchedulerSettings
from pixel_agent.scheduling.forecast import Forecaster
from pixel_agent.scheduling.latency import Fit, LatencyModel
from pixel_agent.scheduling.policy import Dispatch, ReplicaView, Waiting

IDLE, BUSY = ReplicaView(0, 0.0, 4, 10_000), ReplicaView(0, None, 4, 10_000)


def forecaster() -> Forecaster:
    """One replica that takes 0.1 s and 0.01 s a scan, as far as is known."""
    return Forecaster(LatencyModel(Fit(0.1, 0.01)), 1, SchedulerSettings())


def batch(items: int) -> Dispatch:
    return Dispatch(tuple(Waiting(seq, 0.0) for seq in range(items)), 0, "")


def test_before_anything_is_measured_the_forecast_is_the_prior() -> None:
    made = forecaster()
    made.renew([IDLE], [], 5.0)
    told = made.forecast
    assert (told.batch_items, told.measured, told.free_at) == (4, False, 5.0)
    assert told.per_s == pytest.approx(4 / 0.14)
    assert told.alone_s == pytest.approx(0.11)


def test_a_running_batch_says_when_its_replica_gets_free() -> None:
    made = forecaster()
    made.started(batch(2), 2, 5.0)
    made.renew([BUSY], [Priority.BULK, Priority.INTERACTIVE], 5.0)
    assert made.forecast.free_at == pytest.approx(5.12)
    assert made.forecast.in_flight == (1, 0, 1)


@pytest.mark.parametrize(("waiting", "per_s"), [(9, 2 / 0.5), (2, 4 / 0.14)])
def test_only_a_batch_that_others_waited_behind_tells_how_fast_a_queue_drains(waiting: int, per_s: float) -> None:
    made = forecaster()
    made.started(batch(2), waiting, 5.0)
    made.ended(0, 2, 0.5, 5.5)
    made.renew([IDLE], [], 5.5)
    assert made.forecast.per_s == pytest.approx(per_s)


def test_without_a_healthy_replica_the_last_batch_size_is_kept() -> None:
    made = forecaster()
    made.renew([IDLE], [], 5.0)
    made.renew([], [], 6.0)
    assert (made.forecast.batch_items, made.forecast.replicas) == (4, 1)
