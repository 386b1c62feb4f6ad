"""`pixel-agent serve`: the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import JsonValue

from pixel_agent.cli.common import EngineOption, load_settings, usage_errors


def serve_command(
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
    settings = load_settings(engine, server=server, **({"insecure": True} if insecure else {}))
    with usage_errors():
        run_server(settings)
