"""Events are counted once; current values are read at scrape time."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from pixel_agent.service.metrics import Gauge, Metrics


class Now:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(metrics.render().decode()):
        for found in family.samples:
            if found.name == name and found.labels == labels:
                return found.value
    return None


def test_an_answer_counts_in_its_stages_and_outcome() -> None:
    metrics = Metrics(list)
    metrics.answered("price_tag", "completed", {"photo": 20, "engine": 125, "total": 150})
    assert sample(metrics, "pixel_agent_stage_seconds_sum", stage="engine") == 0.125
    assert sample(metrics, "pixel_agent_scan_seconds_count", task="price_tag", status="completed") == 1
    assert sample(metrics, "pixel_agent_ended_total", outcome="completed") == 1


def test_what_only_grows_is_a_counter() -> None:
    metrics = Metrics(
        lambda: [Gauge("refused_total", "Refused.", ("reason",), ((("queue_full",), 2.0),), counter=True)]
    )
    assert "# TYPE pixel_agent_refused_total counter" in metrics.render().decode()
    assert sample(metrics, "pixel_agent_refused_total", reason="queue_full") == 2


def test_gauges_are_read_when_scraped() -> None:
    depth = 3.0
    metrics = Metrics(lambda: [Gauge("queue_length", "Waiting.", ("priority",), ((("bulk",), depth),))])
    depth = 7.0
    assert sample(metrics, "pixel_agent_queue_length", priority="bulk") == 7


def test_percentiles_are_nearest_rank_over_the_last_minute() -> None:
    now = Now()
    metrics = Metrics(list, now)
    metrics.answered("t", "completed", {"total": 9_000_000})
    now.seconds += 100
    for ms in range(1, 101):
        metrics.answered("t", "completed", {"total": ms})
    last = metrics.latencies()
    assert (last.count, last.p50_ms, last.p95_ms, last.p99_ms) == (100, 50, 95, 99)
    assert last.per_s == 100 / 60


def test_without_answers_there_are_no_percentiles() -> None:
    assert Metrics(list).latencies().p99_ms is None
