"""The command line: serve, scan, tasks, doctor, export, top. What the commands take, and whom they call.

Scanning on this machine stands in `scan_local.py`, through a server in `scan_remote.py`.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pixel_agent.cli.common import Exit, json_object, usage_errors
from pixel_agent.cli.export import export_command
from pixel_agent.cli.output import Format
from pixel_agent.client.options import ScanOptions
from pixel_agent.client.paths import expand
from pixel_agent.core import Lang, Priority, ScanRequest, ScanSpec
from pixel_agent.core.settings import Settings, describe, load
from pixel_agent.tasks import DEFAULT_TASK

EngineOption = Annotated[
    str | None, typer.Option(help="auto, embedded, transformers, openai, vllm or simulated; default from the settings.")
]
app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Pixel Agent 像素特工: photos in, checked readings out."
)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to bind to; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to bind to; default 8000, 0 picks a free one.")] = None,
    engine: EngineOption = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Allow other machines to connect without API keys.")
    ] = False,
) -> None:
    """Start the HTTP service."""
    from pixel_agent.api.server import run_server

    server: dict[str, JsonValue] = {k: v for k, v in {"host": host, "port": port}.items() if v is not None}
    settings = _settings(engine, server=server, **({"insecure": True} if insecure else {}))
    with usage_errors():
        run_server(settings)


@app.command()
def scan(
    paths: Annotated[list[str], typer.Argument(help="Photos, folders or patterns like 'shelf/*.jpg'.")],
    task: Annotated[str, typer.Option(help="Id, Chinese or English name; see `pixel-agent tasks`.")] = DEFAULT_TASK.id,
    format_: Annotated[
        Format | None, typer.Option("--format", help="Default: a table on a terminal, JSON lines in a pipe.")
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="Folder for copies of the photos with boxes and labels.")
    ] = None,
    question: Annotated[str | None, typer.Option(help="For the task `ask`.")] = None,
    store_id: Annotated[str | None, typer.Option(help="The shop that the photos are from.")] = None,
    lang: Annotated[str, typer.Option(help="Language of the reading: zh or en.")] = "zh",
    options: Annotated[str, typer.Option(help="Options of the task as JSON: '{\"threshold_deg\": 10}'.")] = "{}",
    force: Annotated[bool, typer.Option("--force", help="Read photos even if their quality is too poor.")] = False,
    engine: EngineOption = None,
    server: Annotated[
        str | None, typer.Option(help="Scan on this server, as one batch: http://host:port.", metavar="URL")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="With --server: start again instead of resuming.")] = False,
) -> None:
    """Scan photos on this machine or on a server, and print the readings in the order of the arguments.

    Exit codes: 0 all read, 1 some photo could not be read, 2 wrong usage, 3 the engine cannot answer the task,
    4 the engine cannot start or the server does not answer, 130 stopped by Ctrl-C.
    """
    if lang not in ("zh", "en"):
        raise typer.BadParameter("accepted: zh, en", param_hint="--lang")
    language: Lang = "en" if lang == "en" else "zh"
    if server is not None and engine is not None:
        raise typer.BadParameter("a server has its own engine", param_hint="--engine")
    if server is None and restart:
        raise typer.BadParameter("there is nothing to go on with on this machine", param_hint="--restart")
    with usage_errors():
        files = expand(paths)
        if server is not None:
            from pixel_agent.cli.scan_remote import Errand, scan_there

            asked: ScanOptions = {"task": task, "lang": language, "force": force, "options": json_object(options)}
            asked |= {"question": question, "store_id": store_id}
            errand = Errand(server.rstrip("/"), files, asked, format_, annotate, restart)
            raise typer.Exit(scan_there(errand))
        from pixel_agent.cli.scan_local import scan_here
        from pixel_agent.service.service import build_service

        service = build_service(_settings(engine), keep=False)
        found = service.catalogue.find(task)
        template = ScanRequest(
            scan_id="",
            spec=ScanSpec(found.id, question, language, force, json_object(options), store_id, Priority.BULK, "cli"),
            task=found,
            data=b"",
            sha256="",
            received_at=datetime.now(UTC),
        )
        raise typer.Exit(asyncio.run(scan_here(service, template, files, format_, annotate)))


@app.command()
def tasks(
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    engine: EngineOption = None,
) -> None:
    """List all tasks, and how far the engine supports each."""
    from pixel_agent.api.views import task_out
    from pixel_agent.service.service import build_service

    language: Lang = "en" if lang == "en" else "zh"
    with usage_errors():
        service = build_service(_settings(engine), keep=False)
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


@app.command(name="doctor")
def doctor_command(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show versions, devices and engines, and how to fix problems. Exit code 1 if a required part is missing."""
    from pixel_agent.cli import doctor

    checks = doctor.examine(_settings(None))
    if as_json:
        print(json.dumps([{"name": c.name, "ok": c.ok, "detail": c.detail, "fix": c.fix} for c in checks], indent=1))
    else:
        table = Table(box=None)
        for column in ("", "what", "found", "to do"):
            table.add_column(column, overflow="fold")
        for check in checks:
            mark = "[green]✓[/]" if check.ok else "[red]✗[/]" if check.needed else "[dim]–[/]"
            table.add_row(mark, check.name, check.detail, "" if check.ok else check.fix)
        Console().print(table)
    raise typer.Exit(Exit.OK if all(check.ok or not check.needed for check in checks) else Exit.SOME_FAILED)


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Show every setting: its name, its current value and its meaning."""
    rows = describe(_settings(None))
    if markdown:
        print("| setting | default | meaning |\n|---|---|---|")
        print("\n".join(f"| `{name}` | {f'`{value}`' if value else '–'} | {about} |" for name, value, about in rows))
        return
    table = Table(box=None)
    for column in ("setting", "value", "meaning"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console().print(table)


app.command(name="export")(export_command)


@app.command(name="top")
def top_command(
    url: Annotated[str | None, typer.Option(help="Address of the server; default from the settings.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show once and exit.")] = False,
) -> None:
    """Watch a running server: latencies, queue, batches, device."""
    from pixel_agent.cli.top import watch

    with usage_errors(), suppress(KeyboardInterrupt):
        server = _settings(None).server
        watch((url or f"http://{server.host}:{server.port}").rstrip("/"), once=once)


def main() -> None:
    """The entry point."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    app()


def _settings(engine: str | None, **overrides: JsonValue) -> Settings:
    chosen: dict[str, JsonValue] = {"engine": engine} if engine else {}
    with usage_errors():
        return load({**chosen, **overrides})
