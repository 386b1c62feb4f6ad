"""`pixel-agent export`: the same files as over HTTP, from the storage of this machine."""

from __future__ import annotations

import asyncio
import os
import sys
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from pixel_agent.cli.common import Exit, usage_errors
from pixel_agent.core.errors import ConfigurationError, InvalidRequest
from pixel_agent.core.settings import Settings, load

if TYPE_CHECKING:
    from pixel_agent.api.routes.exports import Export
    from pixel_agent.schemas.queries import ExportQuery


def export_command(
    format_: Annotated[
        str,
        typer.Option("--format", help="csv, jsonl, xlsx, coco, html (a report to print) or truth (a folder for eval)."),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The file to write (of truth: the folder, or a .zip); - for the standard output."
        ),
    ],
    task: Annotated[str | None, typer.Option(help="Id, Chinese or English name.")] = None,
    store_id: Annotated[str | None, typer.Option(help="The shop.")] = None,
    batch_id: Annotated[str | None, typer.Option(help="One batch.")] = None,
    scan_id: Annotated[list[str] | None, typer.Option(help="Only this scan; may be repeated.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="completed, failed, …; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="Received at or after, like 2026-11-22 (UTC).")] = None,
    until: Annotated[str | None, typer.Option(help="Received before.")] = None,
    review: Annotated[str | None, typer.Option(help="none, advised, confirmed or corrected.")] = None,
    severity: Annotated[str | None, typer.Option(help="The worst finding: info, minor, major or critical.")] = None,
    gtin: Annotated[str | None, typer.Option(help="Scans that read this GTIN.")] = None,
    q: Annotated[str | None, typer.Option(help="Words that must all occur.")] = None,
    lang: Annotated[str | None, typer.Option(help="zh or en: the report, and the headings of XLSX.")] = None,
) -> None:
    """Write the scans stored on this machine to a file: a table, JSON lines, annotations, or a report to print."""
    given: dict[str, object] = {
        "format": format_,
        "task": task,
        "store_id": store_id,
        "batch_id": batch_id,
        "scan_id": scan_id,
        "status": status,
        "since": since,
        "until": until,
        "review": review,
        "severity": severity,
        "gtin": gtin,
        "q": q,
        "lang": lang,
    }
    with usage_errors():
        query = _query({name: value for name, value in given.items() if value})
        asyncio.run(_export(load(), query, output))
    raise typer.Exit(Exit.OK)


def _query(given: dict[str, object]) -> ExportQuery:
    from pixel_agent.schemas.queries import ExportQuery

    try:
        return ExportQuery.model_validate(given)
    except ValidationError as error:
        places = [
            f"--{str(one['loc'][0] if one['loc'] else '').replace('_', '-')}: {one['msg']}" for one in error.errors()
        ]
        raise InvalidRequest(f"{'; '.join(places)}.", "See pixel-agent export --help.") from None


async def _export(settings: Settings, query: ExportQuery, output: Path) -> None:
    from pixel_agent.api.routes.exports import Export, decoders
    from pixel_agent.storage.store import Store
    from pixel_agent.tasks import Catalogue

    store, photos = Store(settings), decoders(settings)
    await store.open()
    try:
        store.check()
        export = Export(settings, Catalogue.load(settings.tasks_file), store, query, photos)
        if str(output) == "-":
            await _write(export, sys.stdout.buffer)
        elif query.format == "truth" and output.suffix != ".zip":
            await _write_folder(export, output)
        else:
            await _write_file(export, output)
    finally:
        await photos.close()
        await store.close()


async def _write_folder(export: Export, output: Path) -> None:
    """Write the truth archive, unpacked to a folder. Raises ConfigurationError."""
    packed = output.with_name(f"{output.name}.zip.part")
    await _write_file(export, packed)
    try:
        with zipfile.ZipFile(packed) as archive:
            archive.extractall(output)
    except OSError as error:
        raise ConfigurationError(f"Cannot write {output}: {error.strerror}.", "Choose another --output.") from None
    finally:
        packed.unlink(missing_ok=True)


async def _write_file(export: Export, output: Path) -> None:
    """Write to a `.part` file and rename it, so that `output` is never incomplete. Raises ConfigurationError."""
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("wb") as file:
            await _write(export, file)
        os.replace(part, output)
    except OSError as error:
        raise ConfigurationError(f"Cannot write {output}: {error.strerror}.", "Choose another --output.") from None
    finally:
        part.unlink(missing_ok=True)


async def _write(export: Export, file: IO[bytes]) -> None:
    async for piece in await export.open():
        await asyncio.to_thread(file.write, piece)
    file.flush()
