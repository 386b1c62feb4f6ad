"""Measures the queue while it runs (arrivals, drain rate, when replicas become free) and forecasts for admission."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pixel_agent.core import Priority
from pixel_agent.core.settings import SchedulerSettings
from pixel_agent.scheduling.latency import ArrivalRate, DrainRate, LatencyModel, Returns
from pixel_agent.scheduling.policy import CLASSES, RANK, Dispatch, ReplicaView, State, batch_limit


@dataclass(frozen=True, slots=True)
class Forecast:
    """The state of the queue for admission; renewed whenever a batch starts or ends, so reading it costs nothing.

    `per_s` is the rate of all replicas under load, `round_s` the time of a full batch of `batch_items` on one of them,
    `alone_s` that of a single scan. `measured` is False while only the prior supports it. `free_at` is when the next
    replica becomes free (in the past: one is free), `in_flight` counts running scans of each class.
    """

    per_s: float
    batch_items: int
    round_s: float
    alone_s: float
    replicas: int
    measured: bool
    free_at: float
    in_flight: tuple[int, ...]

    def start_s(self, waiting: int, now: float) -> float:
        """Expected seconds until a scan with `waiting` scans ahead of it starts."""
        return max(0.0, self.free_at - now) + waiting // self.batch_items * self.round_s / self.replicas


class Forecaster:
    """Gets the events of the queue of `replicas`. Times are seconds on the scheduler's clock.

    `forecast` is the result of the last renewal; `typical_tokens` are the visual tokens of a usual scan.
    """

    def __init__(
        self, latency: LatencyModel, replicas: int, settings: SchedulerSettings, slo_s: float | None = None
    ) -> None:
        self.forecast = Forecast(1.0, 1, 1.0, 1.0, 1, False, 0.0, (0, 0, 0))
        self.typical_tokens = 0.0
        self._latency = latency
        self._replicas = replicas
        self._settings = settings
        self._slo_s = slo_s
        self._arrivals = ArrivalRate()
        self._returns = Returns(settings.window_ms / 1000)
        self._drain = DrainRate()
        self._saturated: dict[int, bool] = {}
        self._busy_until: dict[int, float] = {}

    def arrived(self, tokens: int, now: float) -> None:
        """Record a scan that arrived, with its visual tokens."""
        self._arrivals.arrive(now)
        self._returns.arrive(now)
        self.typical_tokens += 0.05 * (tokens - self.typical_tokens)

    def started(self, dispatch: Dispatch, waiting: int, now: float) -> None:
        """Record a batch that went to its replica; `waiting` counts waiting scans, including those of the batch."""
        items, tokens = len(dispatch.batch), sum(scan.tokens for scan in dispatch.batch)
        self._saturated[dispatch.replica] = waiting > items or items == self.forecast.batch_items
        self._busy_until[dispatch.replica] = now + self._latency.predict(items, tokens)

    def ended(self, replica: int, items: int, seconds: float, now: float) -> None:
        """Learn the drain rate and the returning clients from a finished batch."""
        self._returns.ended(items, now)
        if self._saturated.get(replica):
            self._drain.observe(items, seconds, now)

    def arrivals_per_s(self, now: float) -> float:
        """Arrivals, in scans a second."""
        return self._arrivals.per_s(now)

    def returning(self, now: float) -> tuple[float, float]:
        """Expected number of scans from clients that just got an answer, and the time by which they arrive."""
        return self._returns.expected(now)

    def renew(self, views: Sequence[ReplicaView], running: Iterable[Priority], now: float) -> None:
        """Compute the forecast again from the healthy replicas and the classes of the running scans."""
        latency = self._latency
        state = State(now, (), views, slo_s=self._slo_s, typical_tokens=self.typical_tokens)
        limits = [batch_limit(state, view, latency.fit, self._settings) for view in views]
        items = min((limit.items for limit in limits), default=self.forecast.batch_items)
        replicas = len(views) or self._replicas
        each = self._drain.per_s(now) or items / latency.predict(items, round(items * self.typical_tokens))
        free = [now if view.idle_since is not None else self._busy_until.get(view.number, now) for view in views]
        in_flight = Counter(RANK[priority] for priority in running)
        self.forecast = Forecast(
            per_s=each * replicas,
            batch_items=items,
            round_s=items / each,
            alone_s=latency.predict(1, round(self.typical_tokens)),
            replicas=replicas,
            measured=latency.observed > 0,
            free_at=min(free, default=now + items / each),
            in_flight=tuple(in_flight[rank] for rank in range(len(CLASSES))),
        )
