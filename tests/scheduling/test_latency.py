from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.engines.base import Limits
from pixel_agent.scheduling.latency import (
    SAMPLES_PER_SIZE,
    SIZES,
    ArrivalRate,
    DrainRate,
    Fit,
    LatencyModel,
    Returns,
    prior_fit,
)

LIMITS = Limits(max_items=16, max_tokens=100_000)


def learned(seconds: list[tuple[int, int, float]]) -> LatencyModel:
    model = LatencyModel(prior_fit(LIMITS, 1.0))
    for items, tokens, taken in seconds:
        model.observe(items, tokens, taken)
    return model


def test_before_anything_is_measured_a_promise_is_believed() -> None:
    assert prior_fit(LIMITS, 2.0).predict(16) == pytest.approx(0.5)
    assert prior_fit(LIMITS, None).predict(16) == pytest.approx(1.0)


def test_finds_base_items_and_tokens() -> None:
    chance = random.Random(1)
    sizes = [(n, chance.randint(100, 4000)) for n in range(1, 17) for _ in range(4)]
    fit = learned([(n, t, 0.1 + 0.02 * n + 0.0001 * t) for n, t in sizes]).fit
    assert (fit.base_s, fit.item_s, fit.token_s) == pytest.approx((0.1, 0.02, 0.0001), rel=0.15)


def test_one_size_alone_keeps_the_shape_of_the_prior() -> None:
    fit = learned([(1, 256, 0.0125)] * 5).fit
    assert fit.predict(1, 256) == pytest.approx(0.0125, rel=0.01)
    assert fit.base_s / fit.item_s == pytest.approx(16, rel=0.1)


def test_batches_that_take_no_time_teach_without_failing() -> None:
    assert learned([(n % 4 + 1, 256, 1e-12) for n in range(40)]).predict(4, 1024) < 0.001


def test_one_in_ten_outliers_hardly_moves_it() -> None:
    chance = random.Random(2)
    rows = [(n, 256 * n, (0.1 + 0.01 * n) * (20 if chance.random() < 0.1 else 1)) for n in (1, 4, 8, 16) * 40]
    assert learned(rows).predict(16, 4096) == pytest.approx(0.26, rel=0.05)


def test_follows_a_device_that_got_slower() -> None:
    before, after = [(16, 4096, 0.2)] * 50, [(16, 4096, 0.6)] * 50
    assert learned(before + after).predict(16, 4096) == pytest.approx(0.6, rel=0.05)


def test_remembers_single_items_through_a_day_of_full_batches() -> None:
    model = learned([(1, 256, 0.11)] * 8 + [(16, 4096, 0.26)] * 500)
    assert model.predict(1, 256) == pytest.approx(0.11, rel=0.15)
    assert model.predict(16, 4096) == pytest.approx(0.26, rel=0.05)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 64), st.integers(0, 9999), st.floats(1e-4, 100)), min_size=1, max_size=60))
def test_never_negative_and_never_without_bound(rows: list[tuple[int, int, float]]) -> None:
    model = learned(rows)
    assert min(model.fit.base_s, model.fit.item_s, model.fit.token_s) >= 0
    assert 0 <= model.predict(1, 1) < 1e4
    assert len(model._samples) <= SIZES
    assert all(len(kept) <= SAMPLES_PER_SIZE for kept in model._samples.values())


def test_prediction_is_the_formula() -> None:
    assert Fit(0.1, 0.02, 0.001).predict(3, 10) == pytest.approx(0.17)


def test_drain_rate_is_items_by_device_time_and_grows_stale() -> None:
    drain = DrainRate()
    assert drain.per_s(0.0) is None
    for second in range(10):
        drain.observe(16, 0.25, float(second))
    assert drain.per_s(10.0) == pytest.approx(64)
    assert drain.per_s(100.0) is None


def test_arrival_rate_rises_to_the_rate_and_fades() -> None:
    arrivals = ArrivalRate()
    for n in range(500):
        arrivals.arrive(n / 50)
    assert arrivals.per_s(10.0) == pytest.approx(50, rel=0.05)
    assert arrivals.per_s(15.0) < 1


def answered(returns: Returns, batches: int, delays: list[float], every: float = 1.0) -> float:
    """Answer batches of four, after each of which scans arrive with these delays; returns the time of the last end."""
    for batch in range(batches):
        returns.ended(4, batch * every)
        for delay in delays:
            returns.arrive(batch * every + delay)
    returns.ended(4, batches * every)
    return batches * every


def test_clients_that_always_come_back_are_expected() -> None:
    returns = Returns(0.06)
    now = answered(returns, 50, [0.01, 0.012, 0.014, 0.016])
    more, by = returns.expected(now)
    assert more == pytest.approx(4)
    assert now + 0.013 < by < now + 0.03
    returns.arrive(now + 0.01)
    assert returns.expected(now + 0.01)[0] == pytest.approx(3)
    assert returns.expected(now + 0.06)[0] == 0


def test_independent_arrivals_are_not_taken_for_returns() -> None:
    returns = Returns(0.06)
    now = answered(returns, 50, [0.03, 0.2, 0.4])
    assert returns.expected(now)[0] == 0


def test_a_prediction_is_never_zero_so_that_rates_stay_finite() -> None:
    assert LatencyModel(Fit(0.0, 0.0)).predict(1, 1) > 0
