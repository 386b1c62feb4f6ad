"""Cost of recording for a synchronous scan: two servers, one that records scans and one that does not.

Both get the same loads in alternating order, so that other work on the machine affects both equally.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from pydantic import JsonValue

from benchmarks.load.photos import write_photos
from benchmarks.load.run import Target, measure
from benchmarks.load.scenarios import Measured, Scenario, custom
from benchmarks.load.watch import StatsProbe
from benchmarks.reference.servers import HOST, free_port, warm_up
from benchmarks.report import show

MAX_MORE_MS = 3.0
"""Limit for the time (ms) that recording adds to a scan at the median."""
MAX_LESS = 0.05
"""Limit for the share of throughput that recording costs at the rate of the open loop."""
STOP_S = 30.0


def bench_recording(
    rounds: Annotated[int, typer.Option(min=1, help="How often each server gets each load.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Seconds of each load that count.")] = 10.0,
    rate: Annotated[float, typer.Option(min=1, help="Scans a second of the open loop.")] = 60.0,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; empty: SQLite.")] = "",
    task: Annotated[str, typer.Option(help="The task that is asked for.")] = "product_full_scan",
    photos: Annotated[int, typer.Option(min=1, help="Distinct photos; each upload is made unique besides.")] = 8,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Scan with and without recording on the simulated engine: one client after the other, and an open loop."""
    loads = [custom(1, 0.0, seconds, 2.0, 0.0, 0, 10.0), custom(0, rate, seconds, 2.0, 0.0, 0, 10.0)]
    with TemporaryDirectory(prefix="pixel-agent-bench-") as name:
        folder = Path(name)
        paths = write_photos(folder, photos)
        with _server(folder, paths[0], task, None) as plain, _server(folder, paths[0], task, database) as keeping:
            servers = {"off": plain, "on": keeping}
            rows = [_row(load, servers, paths, task, rounds) for load in loads]
    show(f"Recording off and on, {rounds} rounds of {seconds:g} s", rows, json_path=json_path)


def _row(
    load: Scenario, servers: dict[str, Target], photos: list[Path], task: str, rounds: int
) -> dict[str, JsonValue]:
    found: dict[str, list[Measured]] = {name: [] for name in servers}
    for number in range(rounds):
        names = list(servers)
        for name in names if number % 2 == 0 else reversed(names):
            found[name].append(measure(servers[name], load, photos, task))
    p50 = {name: median(_p50_ms(one) for one in some) for name, some in found.items()}
    per_s = {name: median(one.result.good_per_s for one in some) for name, some in found.items()}
    more_ms, less = p50["on"] - p50["off"], 1 - per_s["on"] / per_s["off"]
    return {
        "load": load.title,
        "p50 off ms": round(p50["off"], 1),
        "p50 on ms": round(p50["on"], 1),
        "p50 more ms": round(more_ms, 1),
        "good/s off": round(per_s["off"], 1),
        "good/s on": round(per_s["on"], 1),
        "good/s less %": round(100 * less, 1),
        "holds": more_ms <= MAX_MORE_MS if load.streams[0].clients else less <= MAX_LESS,
    }


def _p50_ms(measured: Measured) -> float:
    if measured.result.latency is None:
        raise RuntimeError(f"No scan of the load {measured.scenario.title} was answered.")
    return measured.result.latency.p50_ms


@contextmanager
def _server(folder: Path, photo: Path, task: str, database: str | None) -> Iterator[Target]:
    """Start one server; without a `database` (empty: SQLite) it records nothing."""
    port = free_port()
    environment = {
        **os.environ,
        "PIXEL_AGENT_DATA_DIR": str(folder / f"data-{port}"),
        "PIXEL_AGENT_STORE__ENABLED": str(database is not None).lower(),
        "PIXEL_AGENT_STORE__URL": database or "",
    }
    start = "from pixel_agent.cli.main import main; main()"
    command = [sys.executable, "-c", start, "serve", "--engine", "simulated", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            if not warm_up(process, port, photo, task):
                raise RuntimeError("The server does not start.")
            yield Target(HOST, port, StatsProbe(HOST, port), process.pid)
        finally:
            process.terminate()
            process.wait(STOP_S)
