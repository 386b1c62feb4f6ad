"""What the commands share: exit codes, errors as one line, a progress bar, a folder to write to."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer
from pydantic import JsonValue
from pydantic_core import from_json
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pixel_agent.core.errors import (
    ConfigurationError,
    EngineUnavailable,
    InvalidRequest,
    PixelAgentError,
    TaskUnsupported,
)
from pixel_agent.core.settings import Settings, load

EngineOption = Annotated[
    str | None, typer.Option(help="auto, embedded, transformers, openai, vllm or simulated; default from the settings.")
]


class Exit:
    """Exit codes for scripts."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    UNSUPPORTED = 3
    UNAVAILABLE = 4
    INTERRUPTED = 130


@contextmanager
def usage_errors() -> Iterator[None]:
    """Turn our errors into one line on the error stream and an exit code."""
    try:
        yield
    except PixelAgentError as error:
        from pixel_agent.client.failures import ServerUnreachable

        complain(error)
        codes: list[tuple[type[PixelAgentError], int]] = [
            (TaskUnsupported, Exit.UNSUPPORTED),
            (EngineUnavailable, Exit.UNAVAILABLE),
            (ServerUnreachable, Exit.UNAVAILABLE),
        ]
        raise typer.Exit(next((code for kind, code in codes if isinstance(error, kind)), Exit.USAGE)) from None


def complain(error: PixelAgentError) -> None:
    """One line on the error stream."""
    Console(stderr=True).print(f"[red]{escape(error.message)}[/] {escape(error.advice)}", highlight=False)


def json_object(text: str) -> dict[str, JsonValue]:
    """What `--options` says. Raises InvalidRequest."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest("--options is not a JSON object.", "Write it like '{\"threshold_deg\": 10}'.")
    return value


def make_folder(folder: Path) -> None:
    """Make sure that files can be written there. Raises ConfigurationError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write annotated photos to {folder}: {error.strerror}.", "Choose another folder for --annotate."
        ) from None


def write_copy(folder: Path, source: str, data: bytes) -> None:
    """Write the annotated copy of a photo; a name that is taken in this folder gets a number."""
    stem = Path(source).stem
    target = folder / f"{stem}.jpg"
    number = 2
    while target.exists() and number:
        target = folder / f"{stem}-{number}.jpg"
        number += 1
    target.write_bytes(data)


@contextmanager
def progress_bar(total: int) -> Iterator[tuple[Progress, TextIO]]:
    """A bar on the error stream, for people with more than one photo; and where to print results meanwhile.

    On a terminal that is above the bar. A pipe or a file gets them as they are.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    out, shown = sys.stdout, total > 1 and console.is_terminal
    with Progress(*columns, console=console, disable=not shown, transient=True) as progress:
        yield progress, sys.stdout if out.isatty() else out  # while it lives, rich holds the standard output


def load_settings(engine: str | None, **overrides: JsonValue) -> Settings:
    """The settings in force, with what the command line says. Ends the command where they are wrong."""
    chosen: dict[str, JsonValue] = {"engine": engine} if engine else {}
    with usage_errors():
        return load({**chosen, **overrides})
