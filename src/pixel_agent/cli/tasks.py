"""`pixel-agent tasks`: the catalogue, and how well the engine supports each task."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pixel_agent.cli.common import EngineOption, load_settings, usage_errors
from pixel_agent.core import Lang


def tasks_command(
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    engine: EngineOption = None,
) -> None:
    """List all tasks, and how well the engine supports each."""
    from pixel_agent.api.views import task_out
    from pixel_agent.service.service import build_service

    language: Lang = "en" if lang == "en" else "zh"
    with usage_errors():
        service = build_service(load_settings(engine), keep=False)
    entries = [task_out(task, service.engine.plan(task), language) for task in service.catalogue]
    if as_json:
        print(json.dumps([entry.model_dump(by_alias=True) for entry in entries], ensure_ascii=False, indent=1))
        return
    table = Table(title=f"engine: {service.engine.info.name}", box=None)
    for column in ("id", "中文", "English", "support", "missing", "about"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        cells = (entry.id, entry.zh, entry.en, entry.support, ", ".join(entry.missing), entry.about)
        table.add_row(*(escape(cell) for cell in cells))
    Console().print(table)
