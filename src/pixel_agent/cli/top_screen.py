"""The screen of `pixel-agent top`: the stats of a running server, live in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from pydantic import ValidationError
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.stats import Stats

BAR_CELLS = 20


def watch(url: str, *, once: bool = False) -> None:
    """Show the stats until interrupted, or `once`. Raises InvalidRequest if no Pixel Agent server answers."""
    try:
        if once:
            Console().print(screen(_read(f"{url}/v1/stats")))
            return
        with Live(screen=True, auto_refresh=False) as live:
            for stats in _stream(f"{url}/v1/stats/events"):
                live.update(screen(stats), refresh=True)
    except (httpx.HTTPError, httpx.InvalidURL, ValidationError) as error:
        raise InvalidRequest(f"No Pixel Agent answers at {url}: {error}.", "Give its address with --url.") from None


def screen(stats: Stats) -> RenderableType:
    """The panels for one set of stats."""
    panels = [_scans(stats), _queue(stats), _batches(stats), _device(stats)]
    head = f"[bold]Pixel Agent 像素特工[/]  engine {stats.engine}  up {stats.uptime_s:.0f} s  "
    head += "[green]ready[/]" if stats.ready else "[red]not ready[/]"
    return Group(head, Columns(panels, equal=True), f"[dim]{stats.batches.why}[/]")


def _scans(stats: Stats) -> Panel:
    scans = stats.scans
    rows = [
        ("scans/s", f"{scans.per_s:.1f}"),
        ("P50 / P95 / P99", " / ".join(_ms(value) for value in (scans.p50_ms, scans.p95_ms, scans.p99_ms))),
        ("ended", _tally(scans.outcomes)),
        ("refused", _tally(scans.refused)),
        ("shared", f"{scans.shared_in_flight} in flight, {scans.shared_from_cache} from cache"),
    ]
    return _panel(f"last {scans.window_s:.0f} s", rows)


def _queue(stats: Stats) -> Panel:
    queue = stats.queue
    rows = [(name, str(count)) for name, count in queue.waiting.items()]
    rows += [
        ("running", str(queue.in_flight)),
        ("inside", f"{queue.inside_scans} scans, {queue.inside_bytes / 2**20:.1f} MiB"),
        ("oldest waits", _ms(queue.oldest_wait_ms)),
        ("in / out", f"{queue.arrivals_per_s:.1f} / {queue.drain_per_s:.1f} a second"),
    ]
    return _panel("queue", rows)


def _batches(stats: Stats) -> Panel:
    batches = stats.batches
    fit = f"{batches.fit_base_ms:.0f} + {batches.fit_per_item_ms:.1f} n + {batches.fit_per_token_ms:.3f} t ms"
    rows = [
        ("batches", str(batches.count)),
        ("mean size", "–" if batches.mean_items is None else f"{batches.mean_items:.1f}"),
        ("latest", " ".join(str(size) for size in batches.recent[-12:])),
        ("latency", fit),
    ]
    rows += [(f"replica {r.number}", f"{r.state}, {r.restarts} restarts {r.error}") for r in stats.replicas]
    return _panel("batches", rows)


def _device(stats: Stats) -> Panel:
    machine = stats.machine
    rows = [("busy", _bar(stats.device.busy)), ("cpu", _bar(machine.cpu))]
    rows += [("memory", _bar(machine.memory_used_bytes / machine.memory_total_bytes))]
    rows += [("process", f"{machine.process_rss_bytes / 2**20:.0f} MiB")]
    rows += [("photo threads", f"{machine.photo_busy} of {machine.photo_threads} busy, {machine.photo_queued} queued")]
    rows += [(f"gpu {gpu.index}", _bar(gpu.utilisation)) for gpu in stats.device.gpus]
    if not stats.device.gpus:
        rows += [("gpu", stats.device.gpu_note or "none")]
    return _panel("device", rows)


def _panel(title: str, rows: list[tuple[str, str]]) -> Panel:
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(f"[dim]{name}[/]", value)
    return Panel(table, title=title)


def _bar(share: float | None) -> str:
    if share is None:
        return "?"
    full = round(min(1.0, share) * BAR_CELLS)
    return "█" * full + "░" * (BAR_CELLS - full) + f" {share:.0%}"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} ms"


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "none"


def _read(url: str) -> Stats:
    return Stats.model_validate_json(httpx.get(url, timeout=10).raise_for_status().content)


def _stream(url: str) -> Iterator[Stats]:
    timeout = httpx.Timeout(10, read=None)
    with httpx.stream("GET", url, timeout=timeout) as answer:
        answer.raise_for_status()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield Stats.model_validate_json(line.removeprefix("data: "))
