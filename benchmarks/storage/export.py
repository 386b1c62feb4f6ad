"""Speed and memory of exports: a store of made-up records, each format in its own process, few and many records."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from pydantic import JsonValue

from benchmarks.report import show
from benchmarks.storage.export_records import FIRST_MS, fill, since_of
from pixel_agent.core.settings import load
from pixel_agent.storage import scans as records
from pixel_agent.storage.records import ScanFilter
from pixel_agent.storage.store import Store

FORMATS = ("csv", "jsonl", "xlsx", "coco")
MIB = 2**20


def bench_export(
    scans: Annotated[int, typer.Option(min=100, help="Records in the store.")] = 100_000,
    fewer: Annotated[int, typer.Option(min=10, help="Records of the export that memory is compared with.")] = 10_000,
    formats: Annotated[str, typer.Option(help="Separated by commas.")] = ",".join(FORMATS),
    folder: Annotated[
        Path | None, typer.Option(help="Where the store is made, or found again; unset: temporary.")
    ] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Export made-up records in each format: seconds, size, peak memory, and how late the event loop was meanwhile."""
    with tempfile.TemporaryDirectory(prefix="pixel-agent-bench-") as temporary:
        data = str(folder or temporary)
        made_s = asyncio.run(_filled(data, scans))
        rows = [_row(data, name.strip(), scans, fewer) for name in formats.split(",")]
    show(f"Exports of {scans:,} records (the store was made in {made_s:.0f} s)", rows, json_path=json_path)


def _row(data: str, name: str, scans: int, fewer: int) -> dict[str, JsonValue]:
    few, many = (_run(data, name, since_of(scans, number)) for number in (fewer, scans))
    return {
        "format": name,
        "seconds": round(many["seconds"], 1),
        "cpu s": round(many["cpu_s"], 1),
        "scans/s": round(scans / many["seconds"]),
        "file MB": round(many["file_bytes"] / 1e6, 1),
        f"peak MiB, {fewer:,}": round(few["peak_bytes"] / MIB, 1),
        f"peak MiB, {scans:,}": round(many["peak_bytes"] / MIB, 1),
        "growth MiB": round((many["peak_bytes"] - few["peak_bytes"]) / MIB, 1),
        "loop late ms, p99": round(many["late_p99_ms"], 1),
        "max": round(many["late_max_ms"], 1),
    }


def _run(data: str, name: str, since_ms: int) -> dict[str, float]:
    """Run one export in a fresh process, which has its own memory."""
    script = Path(__file__).with_name("export_run.py")
    command = [sys.executable, "-P", str(script), data, name, str(since_ms)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(said)
    return measured


async def _filled(data: str, number: int) -> float:
    """Create the store unless it exists; returns the seconds it took."""
    store = Store(load({"data_dir": data}, environment={}))
    await store.open()
    try:
        store.check()
        async with store.db.read() as conn:
            if await records.page(conn, ScanFilter(until=FIRST_MS + 1), limit=1):
                return 0.0
        start = perf_counter()
        await fill(store, number)
        return perf_counter() - start
    finally:
        await store.close()
