"""Results of a load run: counts of every outcome, latencies, rates. Pure; every request is counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.load.answer import Outcome
from benchmarks.load.record import Record, Run

LATE_S = 0.05
"""Limit (seconds) at the 99th percentile: a client that sends later did not offer the load that it reports."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A distribution in milliseconds; percentiles are nearest rank, so each is a value that occurred."""

    count: int
    mean_ms: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Summary | None:
        """Summarise durations in seconds; None for an empty input."""
        ordered = sorted(value * 1000 for value in seconds)
        if not ordered:
            return None
        p50, p90, p99 = (percentile(ordered, share) for share in (0.5, 0.9, 0.99))
        return cls(len(ordered), sum(ordered) / len(ordered), p50, p90, p99, ordered[-1])


@dataclass(frozen=True, slots=True)
class Window:
    """The measured part of a run, in seconds after its start: the server is warm, and all clients are active.

    A run without a fixed length can end before its window does.
    """

    start_s: float
    end_s: float

    def holds(self, at_s: float) -> bool:
        """Whether a moment is inside; the end is not."""
        return self.start_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Results of one stream of requests. Requests that were due inside the window count, each exactly once.

    `good_per_s` counts the good answers that *arrived* inside the window, so that work from before or after does not
    raise the rate. `resets` have no answer; `cut_off` have one, but their connection broke during the upload.
    """

    offered: int
    good: int
    unverified: int
    wrong: int
    refused_with_retry_after: int
    refused_without: int
    other: int
    timeouts: int
    resets: int
    cut_off: int
    left: int
    early: int
    offered_per_s: float
    good_per_s: float
    latency: Summary | None
    refusal: Summary | None
    lateness: Summary | None

    @property
    def refused(self) -> int:
        """Requests that were refused with a time to retry (503 or 429)."""
        return self.refused_with_retry_after + self.refused_without

    @property
    def lost(self) -> int:
        """Requests that ended in a way that no client should see."""
        return self.wrong + self.other + self.timeouts + self.resets + self.cut_off

    @property
    def on_time(self) -> bool:
        """Whether the client itself sent on time."""
        return self.lateness is None or self.lateness.p99_ms <= LATE_S * 1000


def summarise(run: Run, window: Window, stream: str | None = None) -> LoadResult:
    """Count the outcomes of a stream's requests (of all streams if none is named)."""
    length_s = min(window.end_s, run.elapsed_s) - window.start_s
    records = [record for record in run.records if stream in (None, record.stream)]
    due = [record for record in records if window.holds(record.scheduled)]
    counts = Counter(record.outcome for record in due)
    refused = [record for record in due if record.outcome is Outcome.REFUSED]
    return LoadResult(
        offered=len(due),
        good=counts[Outcome.GOOD] + counts[Outcome.UNVERIFIED],
        unverified=counts[Outcome.UNVERIFIED],
        wrong=counts[Outcome.WRONG],
        refused_with_retry_after=sum(record.retry_after for record in refused),
        refused_without=sum(not record.retry_after for record in refused),
        other=counts[Outcome.OTHER],
        timeouts=counts[Outcome.TIMEOUT],
        resets=counts[Outcome.RESET],
        cut_off=sum(record.cut_off for record in due),
        left=counts[Outcome.LEFT],
        early=sum(record.early for record in due),
        offered_per_s=len(due) / length_s,
        good_per_s=sum(window.holds(record.done) for record in _good(records)) / length_s,
        latency=Summary.of(record.latency_s for record in _good(due)),
        refusal=Summary.of(record.latency_s for record in refused),
        lateness=Summary.of(record.sent - record.scheduled for record in due),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values: the smallest that at least `share` of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def _good(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.outcome in (Outcome.GOOD, Outcome.UNVERIFIED)]
