"""Counters and histograms of past events, for Prometheus and for `/v1/stats`.

The service reports events to `Metrics`; current state (queue, replicas, device) is read at scrape time through the
service's `gauges`, so that nothing is counted twice.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds. Dense around 0.1-1 s, where a scan is felt as quick or slow."""
BATCH_BUCKETS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64)
WINDOW_S = 60.0
"""Window of the recent figures in the stats, in seconds."""
WINDOW_SCANS = 20_000


@dataclass(frozen=True, slots=True)
class Gauge:
    """One family of current values, by label values; `counter` for values that only grow."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]
    counter: bool = False


@dataclass(frozen=True, slots=True)
class Latencies:
    """Response times of the scans of the last minute, in milliseconds; None without scans."""

    per_s: float
    count: int
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Metrics:
    """One service's metrics, in a separate registry."""

    def __init__(self, gauges: Callable[[], Iterable[Gauge]], clock: Callable[[], float] = monotonic) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Gauges(gauges))
        self._started = clock()
        self.totals: Tally[str] = Tally()
        self._clock = clock
        self._window: deque[tuple[float, float]] = deque(maxlen=WINDOW_SCANS)
        self._stages = Histogram(
            "pixel_agent_stage_seconds", "Time in each stage.", ["stage"], buckets=STAGE_BUCKETS, registry=self.registry
        )
        self._scans = Histogram(
            "pixel_agent_scan_seconds",
            "Time from admission to answer.",
            ["task", "status"],
            buckets=STAGE_BUCKETS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "pixel_agent_batch_items", "Items in each batch.", buckets=BATCH_BUCKETS, registry=self.registry
        )
        self._ended = Counter("pixel_agent_ended", "Scans ended, by how.", ["outcome"], registry=self.registry)

    @property
    def uptime_s(self) -> float:
        """Seconds since the service was created."""
        return self._clock() - self._started

    def answered(self, task: str, status: str, timings_ms: Mapping[str, float]) -> None:
        """A scan ended with a reading; `timings_ms` has a `total`."""
        total_s = timings_ms.get("total", 0.0) / 1000
        for stage, ms in timings_ms.items():
            if stage != "total":
                self._stages.labels(stage).observe(ms / 1000)
        self._scans.labels(task, status).observe(total_s)
        self._window.append((self._clock(), total_s))
        self._count(status)

    def stage(self, stage: str, seconds: float) -> None:
        """Record the duration of a stage that ran after the answer was finished."""
        self._stages.labels(stage).observe(seconds)

    def failed(self, code: str) -> None:
        """A scan ended with an error, a cancellation or a deadline; `code` is the error's stable code."""
        self._count(code)

    def batch(self, items: int) -> None:
        """A batch went to a replica."""
        self._batches.observe(items)

    def latencies(self) -> Latencies:
        """Rate and response times of the last minute, or of the time since the start if it is shorter."""
        now = self._clock()
        while self._window and self._window[0][0] < now - WINDOW_S:
            self._window.popleft()
        values = sorted(latency for _, latency in self._window)
        span = max(1e-9, min(WINDOW_S, now - self._started))
        mean = sum(values) / len(values) * 1000 if values else None
        return Latencies(
            per_s=len(values) / span,
            count=len(values),
            mean_ms=mean,
            p50_ms=_percentile_ms(values, 0.50),
            p95_ms=_percentile_ms(values, 0.95),
            p99_ms=_percentile_ms(values, 0.99),
        )

    def render(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self.registry)

    def _count(self, outcome: str) -> None:
        self._ended.labels(outcome).inc()
        self.totals[outcome] += 1


class _Gauges(Collector):
    def __init__(self, gauges: Callable[[], Iterable[Gauge]]) -> None:
        self._gauges = gauges

    def describe(self) -> Iterator[Metric]:
        """No metrics in advance: the gauges are not readable before the service has started."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read all current gauge values."""
        for gauge in self._gauges():
            kind = CounterMetricFamily if gauge.counter else GaugeMetricFamily
            family = kind(f"pixel_agent_{gauge.name}", gauge.help, labels=gauge.labels)
            for labels, value in gauge.values:
                family.add_metric(labels, value)
            yield family


def _percentile_ms(ordered: list[float], share: float) -> float | None:
    """Nearest rank: the smallest value that at least `share` of all do not exceed."""
    if not ordered:
        return None
    rank = max(1, -(-int(share * 1000) * len(ordered) // 1000))
    return ordered[rank - 1] * 1000
