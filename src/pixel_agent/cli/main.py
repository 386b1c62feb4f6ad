"""The entry point of the command line: registers the commands, one module each."""

from __future__ import annotations

import io
import logging
import os
import sys

import typer

from pixel_agent.cli.doctor import doctor_command
from pixel_agent.cli.eval import eval_command
from pixel_agent.cli.export import export_command
from pixel_agent.cli.scan import scan_command
from pixel_agent.cli.serve import serve_command
from pixel_agent.cli.settings import settings_command
from pixel_agent.cli.tasks import tasks_command
from pixel_agent.cli.top import top_command

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Pixel Agent 像素特工: photos in, checked readings out."
)
app.command(name="serve")(serve_command)
app.command(name="scan")(scan_command)
app.command(name="tasks")(tasks_command)
app.command(name="doctor")(doctor_command)
app.command(name="settings")(settings_command)
app.command(name="export")(export_command)
app.command(name="eval")(eval_command)
app.command(name="top")(top_command)


def main() -> None:
    """Run the command line: prepare the standard streams and logging, then run the command."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the parent process closed it
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.WARNING)
    app()
