"""Puts load on any server with `POST /scan`: closed and open loops, clients that leave, a bulk backlog.

The client (`client.py`) is a separate process; `watch.py` samples it and the server from here.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from urllib.parse import urlsplit

import typer

from benchmarks import ROOT
from benchmarks.load.photos import TARGET_BYTES, write_photos
from benchmarks.load.plan import Plan
from benchmarks.load.record import Run
from benchmarks.load.report import print_measured, write_json, write_report
from benchmarks.load.result import summarise
from benchmarks.load.scenarios import Measured, Scenario, custom, scenarios
from benchmarks.load.watch import DeviceProbe, StatsProbe, Watcher, listening_pid


@dataclass(frozen=True, slots=True)
class Target:
    """The server under load. `pid` is None if its memory cannot be read."""

    host: str
    port: int
    probe: DeviceProbe
    pid: int | None = None
    live_path: str = "/livez"


def bench_load(
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8000",
    clients: Annotated[int, typer.Option(help="Closed loop: this many clients, each waits for its answer.")] = 0,
    rate: Annotated[float, typer.Option(help="Open loop: constant arrivals a second.")] = 0.0,
    duration: Annotated[float, typer.Option(help="Seconds that count.")] = 20.0,
    warm_up: Annotated[float, typer.Option(help="Seconds before, under the same load, that do not count.")] = 2.0,
    leave_after: Annotated[float, typer.Option(help="Clients hang up after so many seconds.")] = 0.0,
    bulk: Annotated[int, typer.Option(help="A backlog of this many bulk scans beside, on /v1/scans.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds after which a client gives up.")] = 5.0,
    scenario: Annotated[
        str, typer.Option(help="Instead: named loads with their bars, with commas between, or 'all'.")
    ] = "",
    task: Annotated[str, typer.Option(help="The task that is asked for.")] = "product_full_scan",
    photos: Annotated[int, typer.Option(help="Distinct photos; each upload is made unique besides.")] = 8,
    photo_bytes: Annotated[int, typer.Option(help="Size of a photo.")] = TARGET_BYTES,
    pid: Annotated[int | None, typer.Option(help="The server's process, for its memory; found if local.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    report_path: Annotated[
        Path | None, typer.Option("--report", help="Write a Markdown report with a plot here.")
    ] = None,
) -> None:
    """Put load on a running server and say what came of it. With none of the loops named: 64 clients."""
    where = urlsplit(url)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    local = host in ("127.0.0.1", "localhost", "::1")
    target = Target(host, port, StatsProbe(host, port), pid or (listening_pid(port) if local else None))
    if scenario:
        chosen = pick(scenarios(duration, warm_up), scenario)
    else:
        chosen = [custom(clients, rate, duration, warm_up, leave_after, bulk, timeout)]
    with TemporaryDirectory(prefix="pixel-agent-load-") as folder:
        paths = write_photos(Path(folder), photos, photo_bytes)
        measured = [measure(target, one, paths, task) for one in chosen]
    print_measured(measured)
    if json_path is not None:
        write_json(measured, json_path)
    if report_path is not None:
        write_report(f"Load on {url}", measured, report_path)


def measure(target: Target, scenario: Scenario, photos: Sequence[Path], task: str) -> Measured:
    """Put one load on a server, sample client and server, and wait until the device has no more work."""
    plan = Plan(
        host=target.host,
        port=target.port,
        photos=[str(path) for path in photos],
        streams=[stream.asking(task) for stream in scenario.streams],
        seed=f"{scenario.name} {time.time_ns()}",
        send_buffer_bytes=scenario.send_buffer_bytes,
    )
    watcher = Watcher(target.host, target.port, target.probe, scenario.window, target.pid, target.live_path)
    run = run_client(plan, watcher)
    watched = watcher.finish()
    return Measured(scenario, run, summarise(run, scenario.window, scenario.counted), watched)


def run_client(plan: Plan, watcher: Watcher) -> Run:
    """Run a plan in a client process of its own, while the watcher samples the server.

    Raises RuntimeError if the client process fails.
    """
    with TemporaryDirectory(prefix="pixel-agent-load-") as folder:
        plan_path, run_path = Path(folder, "plan.json"), Path(folder, "run.json")
        plan.write(plan_path)
        command = [sys.executable, "-m", "benchmarks.load.client", str(plan_path), str(run_path)]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            if process.stdin is None or process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError("The load client did not start.")
            origin = time.monotonic() + 0.1
            process.stdin.write(f"{origin}\n")
            process.stdin.flush()
            watcher.start(origin)
            process.wait()
        if process.returncode:
            raise RuntimeError(f"The load client failed with exit code {process.returncode}.")
        return Run.read(run_path)


def pick(known: dict[str, Scenario], names: str) -> list[Scenario]:
    """The scenarios that a comma-separated list names, in its order; `all` names all. Raises BadParameter."""
    wanted = list(known) if names == "all" else names.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise typer.BadParameter(f"There is no scenario {', '.join(unknown)}. There are: {', '.join(known)}, all.")
    return [known[name] for name in wanted]
