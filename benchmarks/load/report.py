"""Load results for people (a table, a Markdown report with a plot) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console

from benchmarks.load.answer import Outcome
from benchmarks.load.result import LATE_S
from benchmarks.load.scenarios import Measured
from benchmarks.report import machine, show

PLOT_ADVICE = "No plot: matplotlib is not installed (pip install 'pixel-agent[bench]')."
COLORS = {
    Outcome.GOOD: "tab:green",
    Outcome.UNVERIFIED: "tab:olive",
    Outcome.REFUSED: "tab:blue",
    Outcome.TIMEOUT: "tab:red",
    Outcome.RESET: "black",
    Outcome.WRONG: "magenta",
    Outcome.OTHER: "tab:orange",
    Outcome.LEFT: "tab:gray",
}


def print_measured(measured: Sequence[Measured]) -> None:
    """Print the results of each load, then every bar with the measured number."""
    show("What clients saw (ms)", turned([answers_row(one) for one in measured], "load"))
    show("What the server did", turned([server_row(one) for one in measured], "load"))
    console = Console(highlight=False)
    for line in bar_lines(measured) + remarks(measured):
        console.print(line)


def answers_row(measured: Measured) -> dict[str, JsonValue]:
    """Outcomes of one load's requests, as a row of a table. Latencies in milliseconds."""
    result = measured.result
    latency, refusal = result.latency, result.refusal
    return {
        "load": measured.scenario.title,
        "good/s": _rounded(result.good_per_s),
        "mean": _rounded(latency.mean_ms if latency else None),
        "p50": _rounded(latency.p50_ms if latency else None),
        "p99": _rounded(latency.p99_ms if latency else None),
        "refused": result.refused,
        "refused p99": _rounded(refusal.p99_ms if refusal else None),
        "timeout": result.timeouts,
        "reset": result.resets + result.cut_off,
        "wrong": result.wrong,
        "other": result.other,
    }


def server_row(measured: Measured) -> dict[str, JsonValue]:
    """Measurements of the server under one load, as a row of a table; None if the server does not report a value."""
    watched = measured.watched
    return {
        "load": measured.scenario.title,
        "livez p99 ms": _rounded(watched.live.p99_ms if watched.live else None),
        "livez max ms": _rounded(watched.live.max_ms if watched.live else None),
        "memory MB": _rounded(watched.memory_max_mb),
        "device busy %": _rounded(None if watched.busy_share is None else 100 * watched.busy_share),
        "mean batch": _rounded(watched.mean_batch),
        "abandoned run": measured.abandoned,
    }


def bar_lines(measured: Sequence[Measured]) -> list[str]:
    """One line per bar: passed or not, the number, the limit."""
    lines = []
    for one in measured:
        for bar in one.scenario.bars:
            value = bar.read(one)
            shown = "unknown" if value is None else f"{value:.4g}"
            lines.append(
                f"{'held' if bar.holds(one) else 'NOT HELD'}: {one.scenario.title}: {bar.name} {shown} ({bar.limit})"
            )
    return lines


def remarks(measured: Sequence[Measured]) -> list[str]:
    """Remarks needed to trust the numbers: cost of the client, late sends, backlog times."""
    lines = []
    for one in measured:
        lateness, share = one.result.lateness, one.run.cpu_s / one.run.elapsed_s
        if lateness is None:
            continue
        lines.append(
            f"{one.scenario.title}: the client used {100 * share:.0f} % of a core and sent "
            f"{lateness.p50_ms:.1f} ms (p50), {lateness.p99_ms:.1f} ms (p99), {lateness.max_ms:.1f} ms (max) late."
        )
        if not one.result.on_time:
            lines.append(f"  More than {LATE_S * 1000:.0f} ms: the client could not keep this load; do not trust it.")
        if one.result.unverified:
            lines.append(f"  {one.result.unverified} good answers name no upload: they could not be verified.")
    backlogs = {one.scenario.name: one for one in measured if one.backlog_s is not None}
    lines += [f"{one.scenario.title}: the backlog took {one.backlog_s:.2f} s." for one in backlogs.values()]
    alone, mixed = backlogs.get("bulk"), backlogs.get("mixed")
    if alone and mixed and alone.backlog_s and mixed.backlog_s:
        share = (mixed.watched.items_in_all or 0) / (alone.watched.items_in_all or 1)
        lines.append(
            f"The backlog took {mixed.backlog_s / alone.backlog_s:.3f} times as long beside the others; "
            f"the device ran {share:.3f} times as many scans."
        )
    return lines


def record(measured: Measured) -> dict[str, JsonValue]:
    """One load as JSON values, for programs."""
    return {
        "scenario": measured.scenario.name,
        "title": measured.scenario.title,
        "result": _plain(asdict(measured.result)),
        "watched": _plain(asdict(measured.watched)),
        "client_cpu_share": measured.run.cpu_s / measured.run.elapsed_s,
        "backlog_s": measured.backlog_s,
        "abandoned": measured.abandoned,
        "bars": [
            {"name": bar.name, "limit": bar.limit, "value": bar.read(measured), "held": bar.holds(measured)}
            for bar in measured.scenario.bars
        ],
    }


def write_json(measured: Sequence[Measured], path: Path) -> None:
    """Write all numbers as JSON, with the machine, the time and the version."""
    content = {
        "machine": machine(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("pixel-agent"),
        "loads": [record(one) for one in measured],
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


def write_report(title: str, measured: Sequence[Measured], path: Path) -> None:
    """Write a Markdown report, and the plot next to it if matplotlib is installed."""
    answers, server = [answers_row(one) for one in measured], [server_row(one) for one in measured]
    lines = [
        f"# {title}",
        "",
        f"{machine()}; Pixel Agent {version('pixel-agent')}.",
        "",
        *markdown(answers),
        "",
        *markdown(server),
        "",
    ]
    lines += [f"- {line.strip()}" for line in bar_lines(measured) + remarks(measured)]
    image = path.with_suffix(".png")
    lines += [
        "",
        f"![Every request: when it was due, how long it took]({image.name})" if plot(measured, image) else PLOT_ADVICE,
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def markdown(rows: Sequence[dict[str, JsonValue]]) -> list[str]:
    """Rows as the lines of a Markdown table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return lines + [
        "| " + " | ".join("–" if value is None else str(value) for value in one.values()) + " |" for one in rows
    ]


def turned(rows: Sequence[dict[str, JsonValue]], head: str) -> list[dict[str, JsonValue]]:
    """Swap rows and columns, so that many numbers fit a terminal; the values of `head` become the column names."""
    names = [name for name in rows[0] if name != head]
    return [{"": name, **{str(row[head]): row[name] for row in rows}} for name in names]


def plot(measured: Sequence[Measured], path: Path) -> bool:
    """Plot every request of every load, by due time and latency; False without matplotlib."""
    try:
        figure_module = import_module("matplotlib.figure")
    except ModuleNotFoundError:
        return False
    figure = figure_module.Figure(figsize=(11, 2.6 * len(measured)), layout="constrained")
    for axes, one in zip(figure.subplots(len(measured), squeeze=False)[:, 0], measured, strict=True):
        for outcome, color in COLORS.items():
            points = [(r.scheduled, 1000 * r.latency_s) for r in one.run.records if r.outcome is outcome]
            if points:
                axes.plot(
                    *zip(*points, strict=True), ".", markersize=2, color=color, label=f"{outcome} ({len(points)})"
                )
        axes.set(title=one.scenario.title, ylabel="ms", yscale="log")
        axes.legend(loc="upper right", markerscale=5)
        axes.grid(alpha=0.3)
    figure.supxlabel("due, seconds after the start")
    figure.savefig(path, dpi=110)
    return True


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _plain(values: dict[str, object]) -> JsonValue:
    plain: JsonValue = json.loads(json.dumps(values))
    return plain
