"""The command line: serve, scan, tasks, doctor, bench. It prepares settings, calls the service, prints."""

from __future__ import annotations

import asyncio
import glob
import io
import json
import logging
import os
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from pydantic import JsonValue
from pydantic_core import from_json
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pixel_agent import config, doctor
from pixel_agent.console import Result, writer
from pixel_agent.core import Lang, Priority, ScanRequest
from pixel_agent.errors import (
    ConfigurationError,
    EngineUnavailable,
    FileUnreadable,
    InvalidRequest,
    PhotoTooLarge,
    PixelAgentError,
    TaskUnsupported,
)
from pixel_agent.pairs import inner_task
from pixel_agent.service import ScanService, build_service
from pixel_agent.tasks import DEFAULT_TASK

PHOTO_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jpe", ".png", ".webp", ".heic", ".heif", ".avif", ".bmp", ".tif", ".tiff", ".gif"]
)
AHEAD = 8
"""Scans under way at once: enough to keep the engine's batches full while photos are prepared."""


class Exit:
    """Exit codes for scripts."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    UNSUPPORTED = 3
    UNAVAILABLE = 4


class Format(StrEnum):
    """How readings are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


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
        bool, typer.Option("--insecure", help="Allow to listen beyond this machine without keys.")
    ] = False,
) -> None:
    """Start the HTTP service."""
    from pixel_agent.api.server import run_server

    server: dict[str, JsonValue] = {k: v for k, v in {"host": host, "port": port}.items() if v is not None}
    settings = _settings(engine, server=server, **({"insecure": True} if insecure else {}))
    with _usage_errors():
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
    force: Annotated[bool, typer.Option("--force", help="Read photos that the quality gate would send back.")] = False,
    engine: EngineOption = None,
) -> None:
    """Scan photos on this machine, and print what was read in the order of the arguments.

    Exit codes: 0 all read, 1 some photo could not be read, 2 wrong usage, 3 the engine cannot answer the task,
    4 the engine cannot start.
    """
    if lang not in ("zh", "en"):
        raise typer.BadParameter("accepted: zh, en", param_hint="--lang")
    settings = _settings(engine)
    with _usage_errors():
        service = build_service(settings, keep=False)
        wanted = service.catalogue.find(task)
        files = expand(paths)
        template = ScanRequest(
            scan_id="",
            data=b"",
            task=wanted,
            received_at=datetime.now(UTC),
            question=question,
            store_id=store_id,
            priority=Priority.BULK,
            lang="en" if lang == "en" else "zh",
            force=force,
            options=_json_object(options),
            client="cli",
        )
        raise typer.Exit(asyncio.run(_scan_files(service, template, files, format_, annotate)))


@app.command()
def tasks(
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    engine: EngineOption = None,
) -> None:
    """List what a scan can be asked, and how well the engine answers it."""
    from pixel_agent.api.wire import TaskOut

    language: Lang = "en" if lang == "en" else "zh"
    with _usage_errors():
        service = build_service(_settings(engine), keep=False)
    entries = [TaskOut.of(task, service.engine.plan(task), language) for task in service.catalogue]
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
def doctor_command(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show versions, devices and engines, and what to do about what is missing. Exit code 1 if something needed is."""
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
    markdown: Annotated[bool, typer.Option("--markdown", help="As a table for the documentation.")] = False,
) -> None:
    """Show every setting: its name, the value in force here, and what it means."""
    rows = config.describe(_settings(None))
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


@app.command(name="top")
def top_command(
    url: Annotated[str | None, typer.Option(help="The server; default the one of the settings.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show once and end.")] = False,
) -> None:
    """Watch a running server: latencies, queue, batches, device."""
    from pixel_agent.top import watch

    with _usage_errors(), suppress(KeyboardInterrupt):
        server = _settings(None).server
        watch((url or f"http://{server.host}:{server.port}").rstrip("/"), once=once)


def expand(paths: Sequence[str]) -> list[Path]:
    """Files as given; folders as all photos in them, at any depth; patterns as what they match. Order is kept.

    A path that does not exist stays in the list, so that its error is reported in its place. Raises InvalidRequest if
    nothing is left.
    """
    files: list[Path] = []
    for text in paths:
        if not text:
            raise InvalidRequest("One of the paths is empty.", "Is a variable of your script unset?")
        path = Path(text)
        if os.path.isdir(path):
            files += sorted(p for p in path.rglob("*") if _is_photo(p, path))
        elif not os.path.exists(path) and glob.has_magic(text):
            files += sorted(Path(p) for p in glob.glob(text, recursive=True) if Path(p).is_file())
        else:
            files.append(path)
    if not files:
        raise InvalidRequest(
            f"No photo was found in: {', '.join(paths)}.", f"Photos end in {', '.join(sorted(PHOTO_SUFFIXES))}."
        )
    return files


def _is_photo(path: Path, folder: Path) -> bool:
    """By its name; what is hidden below the folder stays hidden."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()


def main() -> None:
    """The entry point."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if sys.argv[1:2] == ["bench"]:
        from pixel_agent.bench import bench_app

        app.add_typer(bench_app, name="bench")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    app()


async def _scan_files(
    service: ScanService, template: ScanRequest, files: list[Path], format_: Format | None, annotate: Path | None
) -> int:
    if annotate is not None:
        _make_folder(annotate)
    on_terminal = sys.stdout.isatty()
    chosen = format_ or (Format.TABLE if on_terminal else Format.JSONL)
    await service.start()
    try:
        await service.until_ready()
        service.plan(inner_task(template, service.catalogue) if template.task.photos > 1 else template.task)
        out = writer(chosen.value, template.task)
        failed = 0
        with closing(out), _progress(len(files)) as progress:
            bar = progress.add_task(template.task.name(template.lang), total=len(files))
            async for result in _results(service, template, files):
                out.add(result)
                failed += result.failed
                if annotate is not None and result.scan is not None:
                    await asyncio.to_thread(_annotate, service, result, annotate)
                progress.advance(bar)
        return Exit.SOME_FAILED if failed else Exit.OK
    finally:
        await service.stop()


async def _results(service: ScanService, template: ScanRequest, files: list[Path]) -> AsyncIterator[Result]:
    """Results in the order of the files, with a bounded number of scans under way."""
    if template.task.photos > 1:
        yield await _compare(service, template, files)
        return
    under_way: list[asyncio.Task[Result]] = []
    waiting = iter(files)
    try:
        for file in waiting:
            under_way.append(asyncio.create_task(_one(service, template, file)))
            if len(under_way) >= AHEAD:
                yield await under_way.pop(0)
        while under_way:
            yield await under_way.pop(0)
    finally:
        for task in under_way:
            task.cancel()


async def _one(service: ScanService, template: ScanRequest, file: Path) -> Result:
    try:
        request = await asyncio.to_thread(_read, service, template, file)
        with service.admit(len(request.data), request.priority):
            return Result(str(file), scan=await service.scan(request))
    except PixelAgentError as error:
        return Result(str(file), error=error)


async def _compare(service: ScanService, template: ScanRequest, files: list[Path]) -> Result:
    name = " → ".join(str(file) for file in files)
    try:
        requests = [await asyncio.to_thread(_read, service, template, file) for file in files]
        with service.admit(sum(len(request.data) for request in requests), template.priority):
            return Result(name, scan=await service.compare(requests))
    except PixelAgentError as error:
        return Result(name, error=error)


def _read(service: ScanService, template: ScanRequest, file: Path) -> ScanRequest:
    """The request for one file. Raises FileUnreadable or PhotoTooLarge."""
    try:
        most = service.settings.photo.max_bytes
        if file.exists() and not file.is_file():
            raise FileUnreadable("This is not a file.", "Name a photo, or a folder of photos.")
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise FileUnreadable(
            f"The file cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None
    if len(data) > most:
        raise PhotoTooLarge(f"The file has more than {most} bytes.", "Send a smaller photo, or raise photo.max_bytes.")
    return replace(template, scan_id=uuid.uuid4().hex, data=data, filename=file.name, received_at=datetime.now(UTC))


def _annotate(service: ScanService, result: Result, folder: Path) -> None:
    """Write the annotated copy; a name that is taken in this folder gets a number."""
    source = Path(result.file)
    if result.scan is None or not source.is_file():
        return
    target = folder / f"{source.stem}.jpg"
    number = 2
    while target.exists() and number:
        target = folder / f"{source.stem}-{number}.jpg"
        number += 1
    target.write_bytes(service.annotated(result.scan, source.read_bytes()))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write annotated photos to {folder}: {error.strerror}.", "Choose another folder for --annotate."
        ) from None


def _progress(total: int) -> Progress:
    """A bar on the error stream, for people with more than one photo."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=total < 2 or not console.is_terminal, transient=True)


def _settings(engine: str | None, **overrides: JsonValue) -> config.Settings:
    chosen: dict[str, JsonValue] = {"engine": engine} if engine else {}
    with _usage_errors():
        return config.load({**chosen, **overrides})


def _json_object(text: str) -> dict[str, JsonValue]:
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest("--options is not a JSON object.", "Write it like '{\"threshold_deg\": 10}'.")
    return value


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Turn our errors into one line on the error stream and an exit code."""
    try:
        yield
    except PixelAgentError as error:
        Console(stderr=True).print(f"[red]{escape(error.message)}[/] {escape(error.advice)}", highlight=False)
        codes: list[tuple[type[PixelAgentError], int]] = [
            (TaskUnsupported, Exit.UNSUPPORTED),
            (EngineUnavailable, Exit.UNAVAILABLE),
        ]
        raise typer.Exit(next((code for kind, code in codes if isinstance(error, kind)), Exit.USAGE)) from None


if __name__ == "__main__":
    main()
