"""Scores a folder of photos against a truth file, by kind and by field; the same scores as `pixel-agent eval`."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from benchmarks.report import machine
from pixel_agent.cli.common import usage_errors
from pixel_agent.cli.eval import load_cases, read_with, report
from pixel_agent.core.settings import load


def bench_reading(
    folder: Annotated[Path, typer.Argument(help="Folder with photos and cases.jsonl.", metavar="DIR")],
    engine: Annotated[str, typer.Option(help="The engine that reads.")] = "embedded",
    html: Annotated[Path | None, typer.Option(help="Write a page with each miss, its photo and its boxes.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
) -> None:
    """Read every photo of a folder and score it against the truth file."""
    with usage_errors():
        cases = load_cases(folder)
        start = perf_counter()
        readings = read_with(load({"engine": engine}), folder, cases)
        seconds = perf_counter() - start
        report(cases, {engine: readings}, folder, html=html, json_path=json_path)
    print(f"{len(cases) / seconds:.1f} photos/s, start of the engine included; {machine()}")
