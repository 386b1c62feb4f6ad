"""Report of the comparison, for people and for programs: one row a server, one group of columns a load."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console

from benchmarks.load.report import markdown, record, remarks, turned
from benchmarks.load.scenarios import Measured
from benchmarks.reference.servers import Server
from benchmarks.report import machine, show

MAX_ITEMS = 16
ROUNDING = 0.1
AT_LEAST_TIMES = 7.5
SLO_MS = 1000.0
Read = Callable[[Measured], float | None]


@dataclass(frozen=True, slots=True)
class Row:
    """One server's results; `missing` gives the reason if there are none."""

    server: Server
    measured: tuple[Measured, ...]
    missing: str = ""

    def value(self, load: str, read: Read) -> float | None:
        """One number of one load; None if it was not measured."""
        for one in self.measured:
            if one.scenario.name == load:
                return read(one)
        return None


def good(one: Measured) -> float | None:
    """Good answers a second."""
    return round(one.result.good_per_s, 1)


def mean(one: Measured) -> float | None:
    """Mean latency of good answers, in milliseconds."""
    return round(one.result.latency.mean_ms, 1) if one.result.latency else None


def p50(one: Measured) -> float | None:
    """Median latency of good answers, in milliseconds."""
    return round(one.result.latency.p50_ms, 1) if one.result.latency else None


def p99(one: Measured) -> float | None:
    """99th percentile of good answers' latency, in milliseconds."""
    return round(one.result.latency.p99_ms, 1) if one.result.latency else None


def lost_share(one: Measured) -> float | None:
    """Share of lost requests, in per cent of those offered."""
    return round(100 * one.result.lost / one.result.offered, 1) if one.result.offered else None


def refusal_p99(one: Measured) -> float | None:
    """99th percentile of the time to a refusal, in milliseconds."""
    return round(one.result.refusal.p99_ms, 1) if one.result.refusal else None


COLUMNS: tuple[tuple[str, str, Read], ...] = (
    ("1: p50", "one", p50),
    ("64: good/s", "closed64", good),
    ("64: p99", "closed64", p99),
    ("30/s: mean", "open30", mean),
    ("30/s: p99", "open30", p99),
    ("60/s: good/s", "open60", good),
    ("60/s: p99", "open60", p99),
    ("500/s: good/s", "flood500", good),
    ("500/s: p99", "flood500", p99),
    ("500/s: lost %", "flood500", lost_share),
    ("500/s: refusal p99", "flood500", refusal_p99),
    ("leavers: run", "leavers", lambda one: one.abandoned),
)


def table(rows: Sequence[Row]) -> list[dict[str, JsonValue]]:
    """The comparison as rows; latencies in milliseconds, only of good answers."""
    return [
        {"server": row.server.title} | {name: row.value(load, read) for name, load, read in COLUMNS} for row in rows
    ]


def verdicts(rows: Sequence[Row]) -> list[str]:
    """Pixel Agent against the best other server, load by load; empty if either side has no results.

    Rates count as equal within one batch of the window, which is the resolution of a window.
    """
    ours = next((row for row in rows if row.server.ours and row.measured), None)
    others = [row for row in rows if not row.server.ours and row.measured]
    if ours is None or not others:
        return []
    lines = [
        _against("64: good/s", ours, others, "closed64", good, highest=True),
        _against("1: p50", ours, others, "one", p50),
        _against("30/s: p50", ours, others, "open30", p50),
        _against("30/s: p99", ours, others, "open30", p99),
        _against("500/s: good/s", ours, others, "flood500", good, highest=True),
        _against("48 leavers run", ours, others, "leavers", lambda one: one.abandoned),
    ]
    page = next((row for row in others if row.server.name == "synchronous"), None)
    mine, theirs = ours.value("closed64", good), page.value("closed64", good) if page else None
    if mine and theirs:
        held = "held" if mine >= AT_LEAST_TIMES * theirs else "NOT HELD"
        lines.append(f"{held}: 64 clients: {mine / theirs:.1f} times the synchronous page (≥ {AT_LEAST_TIMES:g})")
    return [line for line in lines if line]


def _against(name: str, ours: Row, others: Sequence[Row], load: str, read: Read, *, highest: bool = False) -> str:
    mine = ours.value(load, read)
    theirs = {row.server.title: value for row in others if (value := row.value(load, read)) is not None}
    if mine is None or not theirs:
        return ""
    best = max(theirs, key=lambda title: theirs[title]) if highest else min(theirs, key=lambda title: theirs[title])
    slack = ROUNDING + MAX_ITEMS / _window_s(ours, load) if highest else 0.0
    held = mine >= theirs[best] - slack if highest else mine <= theirs[best]
    return f"{'held' if held else 'NOT HELD'}: {name}: {mine:g}, best of the others {theirs[best]:g} ({best})"


def _window_s(row: Row, load: str) -> float:
    window = next(one.scenario.window for one in row.measured if one.scenario.name == load)
    return window.end_s - window.start_s


def print_rows(rows: Sequence[Row]) -> None:
    """Print the comparison: one column a server, one row a number."""
    show("Serving stacks on one simulated device (ms)", turned(table(rows), "server"))
    console = Console(highlight=False)
    for line in notes(rows):
        console.print(line)


def notes(rows: Sequence[Row]) -> list[str]:
    """Descriptions of the servers, missing results, the verdicts, and doubts about the client."""
    lines = [f"{row.server.title}: {row.server.about}." for row in rows]
    lines += [f"{row.server.title}: {row.missing}" for row in rows if row.missing]
    late = [one for row in rows for one in row.measured if not one.result.on_time]
    return lines + verdicts(rows) + remarks(late)


def write_rows(rows: Sequence[Row], json_path: Path | None, report_path: Path | None) -> None:
    """Write the comparison as JSON, as a Markdown report, or both."""
    if json_path is not None:
        content = {
            "machine": machine(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": version("pixel-agent"),
            "servers": [
                {
                    "name": row.server.name,
                    "about": row.server.about,
                    "missing": row.missing,
                    "loads": [record(one) for one in row.measured],
                }
                for row in rows
            ],
            "verdicts": verdicts(rows),
        }
        json_path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")
    if report_path is not None:
        lines = ["# Serving stacks on one simulated device", "", f"{machine()}. Latencies in ms.", ""]
        lines += [*markdown(table(rows)), "", *(f"- {line}" for line in notes(rows))]
        report_path.write_text("\n".join(lines) + "\n", "utf-8")
