"""`pixel-agent top`: the stats of a running server, live in a terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from pixel_agent.cli.common import load_settings, usage_errors


def top_command(
    url: Annotated[str | None, typer.Option(help="Address of the server; default from the settings.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Show once and exit.")] = False,
) -> None:
    """Show a running server live: latencies, queue, batches, device."""
    from pixel_agent.cli.top_screen import watch

    with usage_errors(), suppress(KeyboardInterrupt):
        server = load_settings(None).server
        watch((url or f"http://{server.host}:{server.port}").rstrip("/"), once=once)
