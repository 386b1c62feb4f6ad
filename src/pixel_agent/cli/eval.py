"""`pixel-agent eval`: scores readings of the user's photos against a truth file; one or two engines or saved runs."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pixel_agent.cli.common import Exit, usage_errors
from pixel_agent.cli.eval_page import misses_page
from pixel_agent.core import Priority, ScanRequest, ScanSpec
from pixel_agent.core.errors import ConfigurationError, InvalidRequest
from pixel_agent.core.settings import Settings, load
from pixel_agent.tasks.scoring import Case, Score, Tally, read_cases, score_case, tally

if TYPE_CHECKING:
    from pixel_agent.service.service import ScanService

Readings: TypeAlias = dict[str, Mapping[str, JsonValue]]
"""Maps a file to its reading, as `pixel-agent scan --format jsonl` writes it."""
TRUTH = "cases.jsonl"
SAVED = (".jsonl", ".ndjson")


def eval_command(
    folder: Annotated[Path, typer.Argument(help="Folder with photos and a truth file, cases.jsonl.", metavar="DIR")],
    run: Annotated[
        list[str] | None,
        typer.Option(help="An engine, or a run that --save wrote; give it twice to compare side by side."),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the readings to this file, to compare a later version with.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with each miss, its photo and its boxes.")] = None,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
) -> None:
    """Score readings of a folder of photos: precision, recall, and values that are wrong and sure, by field and kind.

    docs/tasks.md describes the truth file; `pixel-agent export --format truth` makes one from corrected scans. Exit
    code 0 for any score.
    """
    names = run or ["auto"]
    if len(names) > 2 or len(set(names)) < len(names) or (save is not None and len(names) > 1):
        raise typer.BadParameter("give one run, or two different ones without --save", param_hint="--run")
    with usage_errors():
        cases = load_cases(folder)
        readings = {name: _readings(name, folder, cases) for name in names}
        if save is not None:
            _write(
                save,
                "".join(
                    json.dumps({**one, "file": file}, ensure_ascii=False) + "\n"
                    for file, one in readings[names[0]].items()
                ),
            )
        report(cases, readings, folder, html=html, json_path=json_path)
    raise typer.Exit(Exit.OK)


def load_cases(folder: Path) -> list[Case]:
    """Load the cases of a folder, and check that their photos exist. Raises InvalidRequest."""
    try:
        cases = read_cases((folder / TRUTH).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InvalidRequest(
            f"There is no readable {TRUTH} in {folder}.", "docs/tasks.md says what it looks like."
        ) from None
    missing = [case.file for case in cases if not (folder / case.file).is_file()]
    if missing or not cases:
        what = f"{missing[0]} is not there" if missing else "it has no cases"
        raise InvalidRequest(f"{folder / TRUTH}: {what}.", "Name photos beside the truth file.")
    return cases


def read_with(settings: Settings, folder: Path, cases: Sequence[Case]) -> Readings:
    """Read all photos in this process; those with the same task and options are read together."""
    from pixel_agent.service.service import build_service

    return asyncio.run(_read_all(build_service(settings, keep=False), folder, cases))


def report(
    cases: Sequence[Case],
    readings: Mapping[str, Readings],
    folder: Path,
    *,
    html: Path | None = None,
    json_path: Path | None = None,
) -> dict[str, list[Score]]:
    """Print the tables, and write the page and the numbers if asked to. Returns the scores of each run."""
    scores = {name: [score_case(case, found.get(case.file, {})) for case in cases] for name, found in readings.items()}
    for by in ("kind", "field"):
        Console().print(_table(by, {name: tally(found, by) for name, found in scores.items()}))
    for name, found in scores.items():
        for score in found:
            if not score.right:
                print(f"{name + ': ' if len(scores) > 1 else ''}{score.case.file}: {'; '.join(score.misses)}")
        print(f"{name}: {sum(score.right for score in found)} of {len(found)} cases right")
    if html is not None:
        _write(html, misses_page(scores, readings, folder.resolve(), html))
    if json_path is not None:
        numbers = {name: {by: _numbers(tally(found, by)) for by in ("kind", "field")} for name, found in scores.items()}
        _write(json_path, json.dumps(numbers, ensure_ascii=False, indent=1) + "\n")
    return scores


def _readings(name: str, folder: Path, cases: Sequence[Case]) -> Readings:
    if name.endswith(SAVED):
        return _saved(Path(name))
    return read_with(load({"engine": name}), folder, cases)


def _saved(path: Path) -> Readings:
    """Load a saved run: readings by file. Raises InvalidRequest."""
    try:
        lines = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line.strip()]
        return {str(line["file"]): line for line in lines}
    except (OSError, ValueError, TypeError, KeyError):
        raise InvalidRequest(f"{path} is no saved run.", "Write one with pixel-agent eval --save FILE.jsonl.") from None


async def _read_all(service: ScanService, folder: Path, cases: Sequence[Case]) -> Readings:
    from pixel_agent.cli.scan_local import scan_files

    groups: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        groups[case.task, json.dumps(case.options, sort_keys=True)].append(case)
    readings: Readings = {}
    await service.start()
    try:
        await service.until_ready()
        for (task, _), group in groups.items():
            found = service.catalogue.find(task)
            spec = ScanSpec(
                found.id, lang="en", force=True, options=group[0].options, priority=Priority.BULK, client="cli"
            )
            template = ScanRequest("", spec, found, b"", "", datetime.now(UTC))
            async with aclosing(scan_files(service, template, [folder / case.file for case in group])) as results:
                files = iter(group)
                async for done in results:
                    readings[next(files).file] = done.result.record(found.id)
    finally:
        await service.stop()
    return readings


def _table(by: Literal["kind", "field"], runs: Mapping[str, Mapping[str, Tally]]) -> Table:
    """A table with one line per kind or field; with two runs, one line per run, one below the other."""
    table = Table(title=f"By {by}")
    for column in (by, "run", "cases" if by == "kind" else "values"):
        if column != "run" or len(runs) > 1:
            table.add_column(column, overflow="fold")
    for column in ("precision", "recall", "wrong", "wrong and sure"):
        table.add_column(column, justify="right")
    keys = dict.fromkeys(key for tallies in runs.values() for key in tallies if key != "total")
    for key in (*keys, "total"):
        for name, tallies in runs.items():
            cells = _cells(by, tallies.get(key, Tally()))
            about = (Path(name).name,) if len(runs) > 1 else ()
            table.add_row(escape(key), *map(escape, about), *cells, style="bold" if key == "total" else "")
    return table


def _cells(by: Literal["kind", "field"], one: Tally) -> Iterable[str]:
    yield f"{one.cases_right}/{one.cases}" if by == "kind" else f"{one.counts['right']}/{sum(one.counts.values())}"
    for rate in (one.precision, one.recall):
        yield "–" if rate is None else f"{rate:.3f}"
    yield str(one.wrong)
    yield str(one.counts["sure"])


def _numbers(tallies: Mapping[str, Tally]) -> dict[str, JsonValue]:
    return {
        name: {
            "cases": one.cases,
            "cases_right": one.cases_right,
            "precision": one.precision,
            "recall": one.recall,
            "wrong": one.wrong,
            "wrong_and_sure": one.counts["sure"],
        }
        for name, one in tallies.items()
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"Cannot write {path}: {error.strerror}.", "Choose another file.") from None
