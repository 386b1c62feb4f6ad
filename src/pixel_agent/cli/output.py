"""Output of the command line, one result per photo: a table for people; JSON, JSON lines or CSV for programs."""

from __future__ import annotations

import csv
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from pixel_agent.core import Review, Status
from pixel_agent.core.envelope import Envelope, Problem, RowOut
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.core.text import printable
from pixel_agent.storage.exports.cells import EVIDENCE, cell, plain


class Format(StrEnum):
    """Output formats of readings."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one photo: a reading, or a problem."""

    file: str
    reading: Envelope | None = None
    problem: Problem | None = None

    @property
    def failed(self) -> bool:
        """Whether the photo has no usable reading: a problem, or a photo that must be retaken."""
        return self.reading is None or self.reading.status == Status.RETAKE_REQUIRED

    def record(self, task: str) -> dict[str, JsonValue]:
        """The envelope plus `file`; for a problem, `file` and `error` instead of a reading."""
        if self.reading is not None:
            return {"file": self.file, **self.reading.model_dump(mode="json", by_alias=True)}
        problem = self.problem or Problem.of(PixelAgentError("The scan ended without an answer."))
        error: JsonValue = problem.model_dump(mode="json", exclude_none=True)
        return {"file": self.file, "status": Status.FAILED.value, "task": task, "items": [], "error": error}


class Writer(ABC):
    """Prints results in the order of the arguments; `task` is a task id, `columns` are the fields of its rows."""

    def __init__(self, task: str, columns: Sequence[str], out: TextIO) -> None:
        self.task = task
        self.columns = columns
        self.out = out

    @abstractmethod
    def add(self, result: Result) -> None:
        """Print one result, or store it until `close`."""

    def close(self) -> None:  # noqa: B027  # most formats have nothing to write at the end
        """Print what must come last."""


class JsonLines(Writer):
    """Prints one envelope per line, as soon as it is there."""

    def add(self, result: Result) -> None:
        """Print one line."""
        self.out.write(json.dumps(result.record(self.task), ensure_ascii=False) + "\n")
        self.out.flush()


class JsonArray(Writer):
    """Prints all envelopes as one JSON array."""

    def __init__(self, task: str, columns: Sequence[str], out: TextIO) -> None:
        super().__init__(task, columns, out)
        self._opened = False

    def add(self, result: Result) -> None:
        """Print one element."""
        self.out.write(",\n" if self._opened else "[\n")
        self.out.write(json.dumps(result.record(self.task), ensure_ascii=False, indent=1))
        self._opened = True
        self.out.flush()

    def close(self) -> None:
        """Print the end of the array."""
        self.out.write("\n]\n" if self._opened else "[]\n")


class CsvTable(Writer):
    """Prints one line per item or finding; the columns are the task's schema, all other values go to `more` as JSON."""

    def __init__(self, task: str, columns: Sequence[str], out: TextIO) -> None:
        super().__init__(task, columns, out)
        self._csv = csv.writer(out, lineterminator="\n" if out.isatty() else "\r\n")
        self._csv.writerow(["file", "scan_id", "status", "kind", *self.columns, *EVIDENCE, "more", "error"])

    def add(self, result: Result) -> None:
        """Print the rows of one photo; one line even if there is none."""
        record = result.record(self.task)
        head = [cell(record.get(key)) for key in ("file", "scan_id", "status")]
        rows = [(kind, row) for kind in ("items", "findings") for row in _rows(record, kind)]
        error = record.get("error")
        note = cell(error.get("detail")) if isinstance(error, dict) else ""
        for kind, row in rows or [("", {})]:
            known = [cell(row.get(key)) for key in (*self.columns, *EVIDENCE)]
            more = {key: value for key, value in row.items() if key not in self.columns and key not in EVIDENCE}
            self._csv.writerow([*head, kind.removesuffix("s"), *known, cell(more or None), note])


class Tables(Writer):
    """Prints a small table per photo, for people."""

    def add(self, result: Result) -> None:
        """Print the reading of one photo."""
        console = Console(file=self.out, soft_wrap=False)
        if result.reading is None:
            problem = result.problem
            message = printable(f"{problem.detail} {problem.advice}") if problem else "no answer"
            console.print(f"[bold red]✗[/] [bold]{escape(printable(result.file))}[/]: {escape(message)}")
            return
        envelope = result.reading
        mark = {"completed": "[green]✓[/]", "partial": "[yellow]◐[/]"}.get(envelope.status, "[red]✗[/]")
        console.print(f"{mark} [bold]{escape(printable(result.file))}[/]  {escape(printable(envelope.summary))}")
        for rows in (envelope.items, envelope.findings):
            if rows:
                _print_rows(console, rows)
        for alert in envelope.alerts:
            console.print(f"  [bold red]![/] {escape(printable(alert.message))}")
        for warning in envelope.warnings:
            console.print(f"  [yellow]•[/] {escape(printable(warning.message))}")


def writer(wanted: Format | None, task: str, columns: Sequence[str], out: TextIO | None = None) -> Writer:
    """Create the writer for a format; it prints to `out`, by default the standard output.

    Without a format: a table on a terminal, JSON lines in a pipe.
    """
    kinds: dict[Format, type[Writer]] = {
        Format.TABLE: Tables,
        Format.JSON: JsonArray,
        Format.JSONL: JsonLines,
        Format.CSV: CsvTable,
    }
    out = out or sys.stdout
    return kinds[wanted or (Format.TABLE if out.isatty() else Format.JSONL)](task, columns, out)


def _print_rows(console: Console, rows: Sequence[RowOut]) -> None:
    """Print a table if it fits the terminal, else one line per row."""
    shown = [_for_people(row) for row in rows]
    columns = list(dict.fromkeys(key for row in shown for key in row))
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in shown:
        table.add_row(*(escape(row.get(column, "")) for column in columns))
    if Measurement.get(console, console.options.update(width=10_000), table).maximum <= console.width:
        console.print(table)
        return
    for row in shown:
        console.print("  " + "  ".join(f"[dim]{key}[/] {escape(value)}" for key, value in row.items()))


def _for_people(row: RowOut) -> dict[str, str]:
    """The task's own fields first, then source, confidence and review; empty values are left out."""
    evidence = {"source": row.source, "confidence": row.confidence}
    if row.review != Review.NONE:
        evidence["review"] = row.review
    cells = {**(row.model_extra or {}), **evidence}
    return {key: plain(value) for key, value in cells.items() if value not in (None, "", [], {})}


def _rows(record: Mapping[str, JsonValue], kind: str) -> list[dict[str, JsonValue]]:
    rows = record.get(kind)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
