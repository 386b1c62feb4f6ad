"""Counts the written forms of dates and shelf lives that are read correctly, read wrongly, or refused."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console

from benchmarks.reading.date_forms import DURATIONS, FORMS, NOT_DATES, TODAY
from benchmarks.reading.date_labels import LABELS, date_labels, read_label
from benchmarks.report import show
from pixel_agent.tasks.rules.dates import Duration, find_dates, parse_duration


def bench_dates(
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Read the table of written forms; a wrong reading is named below the counts."""
    wrong: list[str] = []
    tables = {
        "dates to read": [(text, _date(text), f"{iso} {kind or ''}".strip()) for text, iso, kind in FORMS],
        "texts without a date": [(text, _date(text), "") for text in NOT_DATES],
        f"labels of {len(LABELS)} languages": [
            (" / ".join(one.lines), _stated(*read_label(one)), _stated(one.field, one.day)) for one in date_labels()
        ],
        "shelf lives": [(text, _duration(text), _named(Duration(*d)) if d else "") for text, d in DURATIONS],
    }
    rows: list[dict[str, JsonValue]] = []
    for name, cases in tables.items():
        right = sum(got == expected for _, got, expected in cases)
        refused = sum(not got and bool(expected) for _, got, expected in cases)
        rows.append(
            {
                "table": name,
                "forms": len(cases),
                "right": right,
                "wrong": len(cases) - right - refused,
                "refused": refused,
                "us_per_form": round(_microseconds([text for text, _, _ in cases])),
            }
        )
        wrong += [
            f"{text}: read {got or 'nothing'}, right {expected or 'nothing'}"
            for text, got, expected in cases
            if got != expected
        ]
    show("Dates and shelf lives", rows, json_path=json_path)
    for line in wrong:
        Console().print(line, markup=False)


def _date(text: str) -> str:
    return ", ".join(f"{found.date} {found.kind or ''}".strip() for found in find_dates(text, TODAY))


def _stated(field: str | None, day: str | None) -> str:
    return f"{day} {field}" if day else ""


def _duration(text: str) -> str:
    found = parse_duration(text)
    return _named(found) if found else ""


def _named(duration: Duration) -> str:
    return f"{duration.months} months {duration.days} days"


def _microseconds(texts: list[str]) -> float:
    """Mean time of a search for dates in one text, in microseconds."""
    start = time.perf_counter()
    for text in texts:
        find_dates(text, TODAY)
    return (time.perf_counter() - start) / len(texts) * 1e6
