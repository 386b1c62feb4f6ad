"""Output shared by all benchmarks: the machine, the versions, a table for people, and a file for programs."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from pydantic import JsonValue
from rich.console import Console
from rich.table import Table


def machine() -> str:
    """One line that names the machine: processor, cores, system, Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )


def show(title: str, rows: list[dict[str, JsonValue]], *, json_path: Path | None = None) -> None:
    """Print rows as a table under a title that names the machine; write them as JSON where a path is given."""
    console = Console()
    table = Table(title=title, caption=machine())
    for key in rows[0]:
        table.add_column(key)
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    console.print(table)
    if json_path is not None:
        record = {
            "title": title,
            "machine": machine(),
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "version": version("pixel-agent"),
            "rows": rows,
        }
        json_path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
