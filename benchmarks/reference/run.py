"""Measures common serving stacks against Pixel Agent: same device, same photos, same loads, one run.

Each server is a fresh process for each load, so that one load does not affect the next.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.load.photos import write_photos
from benchmarks.load.run import Target, measure, pick
from benchmarks.load.scenarios import Measured, Scenario, scenarios
from benchmarks.load.watch import DeviceProbe, LogProbe, StatsProbe
from benchmarks.reference.report import Row, print_rows, write_rows
from benchmarks.reference.servers import SERVERS, Missing, Server, install, running

LOADS = "one,closed64,open30,open60,flood500,leavers"
ENVIRONMENTS = Path(".venv-reference")


def bench_reference(
    servers: Annotated[str, typer.Option(help="Which servers, with commas between, or 'all'.")] = "all",
    loads: Annotated[str, typer.Option(help="Which loads, with commas between.")] = LOADS,
    duration: Annotated[float, typer.Option(help="Seconds of each load that count.")] = 20.0,
    task: Annotated[str, typer.Option(help="The task that is asked for.")] = "product_full_scan",
    photos: Annotated[int, typer.Option(help="Distinct photos; each upload is made unique besides.")] = 8,
    install_missing: Annotated[
        bool, typer.Option("--install", help="Install missing stacks, each into an environment of its own.")
    ] = False,
    environments: Annotated[Path, typer.Option(help="Folder of those environments.")] = ENVIRONMENTS,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the numbers here.")] = None,
    report_path: Annotated[Path | None, typer.Option("--report", help="Write a Markdown report here.")] = None,
) -> None:
    """Measure the stacks that people have today beside ours on the same simulated device."""
    chosen = _servers(servers)
    plan = pick(scenarios(duration), loads)
    if install_missing:
        for server in chosen:
            install(server, environments)
    with TemporaryDirectory(prefix="pixel-agent-reference-") as folder:
        paths = write_photos(Path(folder), photos)
        rows = [_row(server, plan, paths, task, environments) for server in chosen]
    print_rows(rows)
    if json_path is not None or report_path is not None:
        write_rows(rows, json_path, report_path)


def _servers(names: str) -> list[Server]:
    known = {server.name: server for server in SERVERS}
    wanted = list(known) if names == "all" else names.split(",")
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise typer.BadParameter(f"There is no server {', '.join(unknown)}. There are: {', '.join(known)}, all.")
    return [known[name] for name in wanted]


def _row(server: Server, plan: list[Scenario], photos: list[Path], task: str, environments: Path) -> Row:
    console = Console(highlight=False)
    measured = []
    for scenario in plan:
        if server.skips(scenario.name):
            continue
        console.print(f"{server.title}: {scenario.title} …")
        try:
            measured.append(_measure(server, scenario, photos, task, environments))
        except Missing as missing:
            console.print(f"{server.title}: {missing}")
            return Row(server, (), str(missing))
    return Row(server, tuple(measured))


def _measure(server: Server, scenario: Scenario, photos: list[Path], task: str, environments: Path) -> Measured:
    with running(server, photos[0], task, environments) as up:
        probe: DeviceProbe = StatsProbe(up.host, up.port) if server.ours else LogProbe(up.device_log)
        target = Target(up.host, up.port, probe, up.pid, server.live_path)
        return measure(target, scenario, photos, task)
