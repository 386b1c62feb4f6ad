"""`pixel-agent scan`: on this machine (`scan_local.py`) or on a server (`scan_remote.py`)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pixel_agent.cli.common import EngineOption, json_object, load_settings, usage_errors
from pixel_agent.cli.output import Format
from pixel_agent.core import Lang, Priority, ScanRequest, ScanSpec

if TYPE_CHECKING:
    from pixel_agent.client.options import ScanOptions


def scan_command(
    paths: Annotated[list[str], typer.Argument(help="Photos, folders or patterns like 'shelf/*.jpg'.")],
    task: Annotated[
        str | None,
        typer.Option(help="Id, Chinese or English name; see `pixel-agent tasks`. Default: product_full_scan."),
    ] = None,
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
    from pixel_agent.client.paths import expand
    from pixel_agent.tasks import DEFAULT_TASK

    task = task or DEFAULT_TASK.id
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

        service = build_service(load_settings(engine), keep=False)
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
