"""Latency model of a batch: t = a + b·items + c·tokens, fitted while running, for policy, watchdog and admission."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import combinations
from math import exp

import numpy as np
from numpy.typing import NDArray

from pixel_agent.engines.base import Limits

Floats = NDArray[np.float64]

HALF_LIFE = 64
"""Number of later batches after which a measurement has half its weight."""
LEAST_WEIGHT = 0.02
"""Minimum weight of the newest measurements of a size: an old measurement of single items is better than none."""
SAMPLES_PER_SIZE = 8
"""Newest measurements stored per number of items: a day of full batches does not remove those of single items."""
SIZES = 32
"""Different numbers of items remembered; with SAMPLES_PER_SIZE this limits the cost of a fit."""
REFIT_AFTER_S = 0.25
"""Device time between two fits once there are a few measurements: a fit (about 1 ms) then costs under 1 % of it."""
HUBER = 1.5
"""Residuals beyond this many standard deviations lose weight (Huber, 1964; 1.345 would be 95 % efficient)."""
NOISE = 0.02
"""Minimum relative scatter: among very regular batches a rare size is not an outlier."""
PRIOR_WEIGHT = 0.01
"""Weight of the prior against one measurement; it decides only what the measurements do not determine."""
ITEM_TOKENS = 256
"""Visual tokens of a 512 x 512 photo: the prior's weight for the cost of a token relative to that of an item."""
SHORTEST_BATCH_S = 1e-6
"""Lower bound of every prediction, in seconds: a fit to extremely short batches can give zero."""
UNKNOWN_BATCH_S = 1.0
"""Assumed time (seconds) for a full batch of an engine without a promised response time, until one is measured."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The three coefficients, none negative: seconds per batch, per item and per visual token."""

    base_s: float
    item_s: float
    token_s: float = 0.0

    def predict(self, items: int, tokens: int = 0) -> float:
        """Predicted seconds of a batch."""
        return self.base_s + self.item_s * items + self.token_s * tokens


def prior_fit(limits: Limits, slo_s: float | None) -> Fit:
    """The coefficients before the first measured batch.

    An engine that promises a response time is trusted: four full batches fit into it. Half of the time of a batch is
    assumed to be its base, half its items.
    """
    full_s = slo_s / 4 if slo_s else UNKNOWN_BATCH_S
    return Fit(full_s / 2, full_s / 2 / limits.max_items)


class LatencyModel:
    """Learns a `Fit` from measured batches: robust to outliers, favours recent ones, bounded cost, never negative."""

    def __init__(self, prior: Fit) -> None:
        self.fit = prior
        self.observed = 0
        self._prior = prior
        self._samples: dict[int, deque[tuple[int, int, float]]] = {}  # items -> (when, tokens, seconds)
        self._unfitted_s = 0.0

    def predict(self, items: int, tokens: int = 0) -> float:
        """Predicted seconds of a batch with these items and visual tokens; above zero, so that rates stay finite."""
        return max(SHORTEST_BATCH_S, self.fit.predict(items, tokens))

    def observe(self, items: int, tokens: int, seconds: float) -> None:
        """Learn from one finished batch."""
        self.observed += 1
        kept = self._samples.pop(items, None) or deque(maxlen=SAMPLES_PER_SIZE)
        kept.append((self.observed, tokens, seconds))
        self._samples[items] = kept  # back of the dict: sizes are forgotten in the order of their last use
        if len(self._samples) > SIZES:
            del self._samples[next(iter(self._samples))]
        self._unfitted_s += seconds
        if self.observed <= SAMPLES_PER_SIZE or self._unfitted_s >= REFIT_AFTER_S:
            self._unfitted_s = 0.0
            self.fit = self._refit()

    def _refit(self) -> Fit:
        rows = [(items, *sample) for items, kept in self._samples.items() for sample in kept]
        table = np.array(rows, dtype=np.float64)
        design = np.column_stack((np.ones(len(rows)), table[:, 0], table[:, 2]))
        seconds = table[:, 3]
        age = np.maximum(LEAST_WEIGHT, 0.5 ** ((self.observed - table[:, 1]) / HALF_LIFE))
        theta = np.array([self.fit.base_s, self.fit.item_s, self.fit.token_s])
        for _ in range(4):
            weights = age * _huber(seconds - design @ theta, NOISE * float(np.median(seconds)))
            theta = self._solve(design, seconds, weights)
        return Fit(float(theta[0]), float(theta[1]), float(theta[2]))

    def _solve(self, design: Floats, seconds: Floats, weights: Floats) -> Floats:
        shape = np.array([self._prior.base_s, self._prior.item_s, self._prior.token_s])
        prior = shape * np.median(seconds / np.maximum(design @ shape, 1e-9))  # a guess of the shape, not of the speed
        spread = np.array([prior[0], prior[1], prior[1] / ITEM_TOKENS])
        ridge = PRIOR_WEIGHT * (float(np.mean(seconds)) / np.maximum(spread, 1e-9)) ** 2
        normal = design.T @ (design * weights[:, None]) + np.diag(ridge)
        return _non_negative(normal, design.T @ (seconds * weights) + ridge * prior)


def _huber(residuals: Floats, least: float) -> Floats:
    size = np.abs(residuals)
    spread = max(1.4826 * float(np.median(size)), least)  # the median absolute deviation, as a standard deviation
    return np.minimum(1.0, HUBER * spread / np.maximum(size, 1e-12))


def _non_negative(normal: Floats, target: Floats) -> Floats:
    """The best solution without a negative coefficient: all seven sets of coefficients that may differ from zero."""
    best, best_cost = np.zeros(3), 0.0
    for size in (1, 2, 3):
        for free in combinations(range(3), size):
            chosen = list(free)
            # Least squares: batches without measurable time give a singular system.
            part = np.linalg.lstsq(normal[np.ix_(chosen, chosen)], target[chosen], rcond=None)[0]
            cost = -float(target[chosen] @ part)  # of the quadratic form at its minimum, twice, up to a constant
            if part.min() >= 0 and cost < best_cost:
                best, best_cost = np.zeros(3), cost
                best[chosen] = part
    return best


class DrainRate:
    """Scans a second that one replica answers while scans wait for it: the real drain rate of a queue."""

    def __init__(self, memory_s: float = 5.0) -> None:
        self._memory_s = memory_s
        self._items = 0.0
        self._seconds = 0.0
        self._last = -1e9

    def observe(self, items: int, seconds: float, now: float) -> None:
        """Learn from one batch with other batches directly before and after it."""
        keep = 0.5 ** (seconds / self._memory_s)
        self._items = keep * self._items + items
        self._seconds = keep * self._seconds + seconds
        self._last = now

    def per_s(self, now: float, fresh_s: float = 60.0) -> float | None:
        """Scans a second of one replica, None without a recent measurement."""
        if now - self._last > fresh_s or self._seconds <= 0:
            return None
        return self._items / self._seconds


class ArrivalRate:
    """Arrivals a second; those more than about a second ago lose their weight."""

    def __init__(self, memory_s: float = 1.0) -> None:
        self._memory_s = memory_s
        self._count = 0.0
        self._last = 0.0

    def arrive(self, now: float) -> None:
        """Record one arrival."""
        self._count = 1 + self._faded(now)
        self._last = now

    def per_s(self, now: float) -> float:
        """Arrivals a second at this time."""
        return self._faded(now) / self._memory_s

    def _faded(self, now: float) -> float:
        return self._count * exp(min(0.0, self._last - now) / self._memory_s)


class Returns:
    """How many clients send again after an answer, and how soon: distinguishes closed loops from independent arrivals.

    After each batch the arrivals within `window_s` are counted against its items. Further arrivals are expected only if
    at least half return, and only until the time by which nearly all of them returned before.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._ended = -1e9
        self._items = 0
        self._back = 0
        self._items_seen = self._back_seen = 0.0
        self._delay_s = self._spread_s = window_s / 2

    def ended(self, items: int, now: float) -> None:
        """Start to count the returns after a finished batch."""
        self._items_seen = 0.9 * self._items_seen + self._items
        self._back_seen = 0.9 * self._back_seen + self._back
        self._ended, self._items, self._back = now, items, 0

    def arrive(self, now: float) -> None:
        """Count an arrival as a return while the window is open."""
        delay_s = now - self._ended
        if delay_s <= self._window_s and self._back < self._items:
            self._back += 1
            self._delay_s += 0.1 * (delay_s - self._delay_s)
            self._spread_s += 0.1 * (abs(delay_s - self._delay_s) - self._spread_s)

    def expected(self, now: float) -> tuple[float, float]:
        """How many more will return, and by when; (0, now) if that is unknown."""
        share = self._back_seen / self._items_seen if self._items_seen else 0.0
        by = self._ended + min(self._window_s, self._delay_s + 2 * self._spread_s)
        if share < 0.5 or by <= now:
            return 0.0, now
        return max(0.0, share * self._items - self._back), by
