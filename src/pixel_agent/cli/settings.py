"""`pixel-agent settings`: every setting with its current value and its meaning."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pixel_agent.cli.common import load_settings
from pixel_agent.core.settings import describe


def settings_command(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """Show every setting: its name, its current value and its meaning."""
    rows = describe(load_settings(None))
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
