"""The loads of the load benchmark, each with the bars that a server must pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from benchmarks.load.plan import Stream
from benchmarks.load.record import Run
from benchmarks.load.result import LoadResult, Window
from benchmarks.load.watch import Watched

CLIENT_TIMEOUT_S = 5.0
PATIENCE_S = 60.0
MIXED_S = 14.0
"""Duration of interactive scans during the backlog: a little less than the backlog takes at 65 a second."""
ENDLESS = Window(0.0, 600.0)
PATIENT = 40
LEAVERS = 48
LEAVE_AFTER_S = 0.5
BACKLOG = 1000
BACKLOG_CLIENTS = 128


@dataclass(frozen=True, slots=True)
class Measured:
    """One load on one server: its plan, records, results and server samples."""

    scenario: Scenario
    run: Run
    result: LoadResult
    watched: Watched

    @property
    def backlog_s(self) -> float | None:
        """Duration of the bulk backlog in seconds; None without a backlog, or if not all of it was answered."""
        bulk = [record for record in self.run.records if record.stream == "bulk"]
        if not bulk or any(record.status != 200 for record in bulk):
            return None
        return max(record.done for record in bulk) - min(record.scheduled for record in bulk)

    @property
    def abandoned(self) -> int | None:
        """Scans that the device ran after their clients had left; None without such clients or a device count.

        Exact if every client that left did so before a device could have started its scan (scenario `leavers`).
        """
        ran, left = self.watched.items_in_all, self.result.left
        return (
            max(0, ran - sum(record.status == 200 for record in self.run.records)) if left and ran is not None else None
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """One limit for a number: an upper bound (`at_most`) or a lower bound (`at_least`)."""

    name: str
    read: Callable[[Measured], float | None]
    at_most: float | None = None
    at_least: float | None = None

    def holds(self, measured: Measured) -> bool:
        """Whether the number was measured and is within the bar."""
        value = self.read(measured)
        if value is None:
            return False
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)

    @property
    def limit(self) -> str:
        """The bar in words."""
        return f"≤ {self.at_most:g}" if self.at_most is not None else f"≥ {self.at_least:g}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load. Requests of the `counted` stream (None: all) that are due inside the window count.

    `send_buffer_bytes` is how much of an upload the client's kernel buffers at once: a small value lets answers arrive
    early, as over a network; 0 (the kernel's default) completes an upload before its client leaves.
    """

    name: str
    title: str
    streams: tuple[Stream, ...]
    window: Window
    counted: str | None = None
    bars: tuple[Bar, ...] = ()
    send_buffer_bytes: int = 65536


def scenarios(duration_s: float = 20.0, warm_up_s: float = 2.0) -> dict[str, Scenario]:
    """Every named load, by name. `duration_s` is how long the steady ones count, after `warm_up_s` that do not."""
    window = Window(warm_up_s, warm_up_s + duration_s)
    until_s = warm_up_s + duration_s
    found = (
        Scenario("one", "1 client", (closed(1, until_s),), window, bars=(*ALL_ANSWERED, P50_ONE)),
        Scenario(
            "closed64", "64 clients", (closed(64, until_s),), window, bars=(*ALL_ANSWERED, *AT_THE_LIMIT, BATCHES)
        ),
        Scenario("open30", "30/s", (constant(30, until_s),), window, bars=(*ALL_ANSWERED, *CALM)),
        Scenario("open60", "60/s", (constant(60, until_s),), window, bars=(*ALL_ANSWERED, P99_BUSY)),
        Scenario("flood500", "500/s", (constant(500, until_s),), window, bars=(*AT_THE_LIMIT, *SHED)),
        Scenario("bulk", "backlog of 1,000 alone", (backlog(),), ENDLESS),
        Scenario(
            "mixed",
            "backlog of 1,000 and 5/s",
            (constant(5, MIXED_S), backlog()),
            ENDLESS,
            "scan",
            (*ALL_ANSWERED, P99_MIXED),
        ),
        Scenario("leavers", "48 leavers", leaving(), ENDLESS, "leaving", (NONE_ABANDONED,), 0),
    )
    return {scenario.name: scenario for scenario in found}


def custom(
    clients: int, rate: float, duration_s: float, warm_up_s: float, leave_after_s: float, bulk: int, timeout_s: float
) -> Scenario:
    """A load from command-line options; without any loop, 64 clients."""
    until_s = warm_up_s + duration_s
    if not (clients or rate or bulk):
        clients = 64
    streams, words = [], []
    if rate:
        streams.append(replace(constant(rate, until_s), name="open", timeout_s=timeout_s, leave_after_s=leave_after_s))
        words.append(f"{rate:g}/s")
    if clients:
        streams.append(
            replace(closed(clients, until_s), name="closed", timeout_s=timeout_s, leave_after_s=leave_after_s)
        )
        words.append(f"{clients} clients")
    if bulk:
        streams.append(backlog(bulk))
        words.append(f"backlog of {bulk}")
    title = " and ".join(words) + (f", gone after {leave_after_s:g} s" if leave_after_s else "")
    return Scenario("custom", title, tuple(streams), Window(warm_up_s, until_s), streams[0].name)


def closed(clients: int, duration_s: float) -> Stream:
    """Clients that each wait for their answer before they send again."""
    return Stream("scan", clients=clients, duration_s=duration_s, timeout_s=CLIENT_TIMEOUT_S)


def constant(rate: float, duration_s: float) -> Stream:
    """Requests that arrive at a constant rate (a second), whatever the outcome of earlier ones."""
    return Stream("scan", rate=rate, duration_s=duration_s, timeout_s=CLIENT_TIMEOUT_S)


def leaving() -> tuple[Stream, Stream]:
    """Clients that hang up, queued behind patient ones that use the device for longer than that (40 scans: 0.6 s)."""
    patient = Stream("patient", clients=PATIENT, count=PATIENT, timeout_s=PATIENCE_S)
    gone = Stream("leaving", clients=LEAVERS, count=LEAVERS, start_s=0.05, leave_after_s=LEAVE_AFTER_S)
    return patient, gone


def backlog(count: int = BACKLOG) -> Stream:
    """Bulk photos: each is sent again when it is refused, until all are answered."""
    return Stream(
        "bulk",
        path="/v1/scans",
        file_field="photos",
        fields={"priority": "bulk"},
        clients=min(count, BACKLOG_CLIENTS),
        count=count,
        timeout_s=300.0,
        retry=True,
    )


def _p99(measured: Measured) -> float | None:
    return measured.result.latency.p99_ms if measured.result.latency else None


def _growth(measured: Measured) -> float | None:
    warm, most = measured.watched.memory_warm_mb, measured.watched.memory_max_mb
    return 100 * (most / warm - 1) if warm and most else None


def _busy(measured: Measured) -> float | None:
    share = measured.watched.busy_share
    return None if share is None else 100 * share


ALL_ANSWERED = (
    Bar("lost", lambda m: m.result.lost, at_most=0),
    Bar("refused", lambda m: m.result.refused, at_most=0),
)
P50_ONE = Bar("p50 ms", lambda m: m.result.latency.p50_ms if m.result.latency else None, at_most=138)
CALM = (
    Bar("mean ms", lambda m: m.result.latency.mean_ms if m.result.latency else None, at_most=250),
    Bar("p99 ms", _p99, at_most=330),
)
P99_BUSY = Bar("p99 ms", _p99, at_most=500)
P99_MIXED = Bar("p99 ms", _p99, at_most=600)
AT_THE_LIMIT = (
    Bar("good/s", lambda m: m.result.good_per_s, at_least=64),
    Bar("p99 ms", _p99, at_most=1000),
    Bar("device busy %", _busy, at_least=98),
)
BATCHES = Bar("mean batch", lambda m: m.watched.mean_batch, at_least=15.5)
SHED = (
    Bar("lost", lambda m: m.result.lost, at_most=0),
    Bar("refused without Retry-After", lambda m: m.result.refused_without, at_most=0),
    Bar("refusal p99 ms", lambda m: m.result.refusal.p99_ms if m.result.refusal else None, at_most=25),
    Bar("memory growth %", _growth, at_most=10),
    Bar("livez max ms", lambda m: m.watched.live.max_ms if m.watched.live else None, at_most=50),
    Bar("livez failures", lambda m: m.watched.live_failures, at_most=0),
)
NONE_ABANDONED = Bar("abandoned run", lambda m: m.abandoned, at_most=0)
