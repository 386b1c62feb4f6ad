"""Parts that the commands share: exit codes, errors as one line, a progress bar, an output folder, settings."""

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
    """Turn a PixelAgentError into one line on the error stream and an exit code."""
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
    """Print an error as one line on the error stream."""
    Console(stderr=True).print(f"[red]{escape(error.message)}[/] {escape(error.advice)}", highlight=False)


def json_object(text: str) -> dict[str, JsonValue]:
    """Parse the value of `--options`. Raises InvalidRequest."""
    try:
        value: JsonValue = from_json(text, allow_inf_nan=False)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InvalidRequest("--options is not a JSON object.", "Write it like '{\"threshold_deg\": 10}'.")
    return value


def make_folder(folder: Path) -> None:
    """Create a folder if needed, and check that files can be written in it. Raises ConfigurationError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"Cannot write annotated photos to {folder}: {error.strerror}.", "Choose another folder for --annotate."
        ) from None


def write_copy(folder: Path, source: str, data: bytes) -> None:
    """Write the annotated copy of a photo; if the name exists in the folder, a number is added."""
    stem = Path(source).stem
    target = folder / f"{stem}.jpg"
    number = 2
    while target.exists() and number:
        target = folder / f"{stem}-{number}.jpg"
        number += 1
    target.write_bytes(data)


@contextmanager
def progress_bar(total: int) -> Iterator[tuple[Progress, TextIO]]:
    """A progress bar on the error stream for several photos, and the stream to print results to meanwhile.

    On a terminal, results appear above the bar. A pipe or a file gets them unchanged.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    out, shown = sys.stdout, total > 1 and console.is_terminal
    with Progress(*columns, console=console, disable=not shown, transient=True) as progress:
        yield progress, sys.stdout if out.isatty() else out  # meanwhile, rich replaces the standard output


def load_settings(engine: str | None, **overrides: JsonValue) -> Settings:
    """Load the settings, with the command line's overrides. Ends the command if they are invalid."""
    chosen: dict[str, JsonValue] = {"engine": engine} if engine else {}
    with usage_errors():
        return load({**chosen, **overrides})
