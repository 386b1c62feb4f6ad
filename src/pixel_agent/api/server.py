"""Runs the application in uvicorn, with a graceful shutdown.

On SIGTERM or SIGINT the service rejects new scans, finishes the admitted ones within `server.drain_timeout_s`, and the
process exits with code 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from types import FrameType

import uvicorn

from pixel_agent.api.app import create_app
from pixel_agent.api.http.browsers import is_loopback
from pixel_agent.api.http.connection import limited, raise_open_files
from pixel_agent.core.errors import ConfigurationError
from pixel_agent.core.settings import Settings
from pixel_agent.service.service import ScanService, build_service


class _GracefulServer(uvicorn.Server):
    """uvicorn with another signal handler: it closes admission first, and the process exits with code 0."""

    def __init__(self, config: uvicorn.Config, service: ScanService) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening; once the engine is warm, exclude its long-lived objects from garbage collection."""
        await super().startup(sockets)
        self._warm = asyncio.create_task(self._freeze())

    async def _freeze(self) -> None:
        with contextlib.suppress(Exception):  # /readyz reports a failed start
            await self._service.until_ready()
            gc.collect()
            gc.freeze()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT; restore the previous handlers at the end."""
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, self._on_signal) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def _on_signal(self, kind: int, frame: FrameType | None) -> None:
        self._service.close_admission()
        self.handle_exit(kind, frame)


def run_server(settings: Settings) -> None:
    """Run the server until a signal arrives. Raises ConfigurationError if the address is unsafe or in use."""
    host, port = settings.server.host, settings.server.port
    if not settings.insecure and not is_loopback(host):
        raise ConfigurationError(
            f"Listening on {host} would let other machines scan without an API key.",
            "Bind to 127.0.0.1, or pass --insecure if the network is trusted.",
        )
    logging.getLogger("pixel_agent").setLevel(settings.log_level.upper())
    raise_open_files()
    service = build_service(settings)
    listener = _bind(host, port)
    shown = f"[{host}]" if ":" in host else host
    print(
        f"Pixel Agent 像素特工 → http://{shown}:{listener.getsockname()[1]}  (engine: {service.engine.info.name})",
        flush=True,
    )
    uvicorn_config = uvicorn.Config(
        create_app(service),
        http=limited(settings.server),
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=False,  # see api/http/proxies.py
        timeout_keep_alive=65,
        timeout_graceful_shutdown=max(1, round(settings.server.drain_timeout_s)),
        backlog=2048,
    )
    with listener:
        _GracefulServer(uvicorn_config, service).run(sockets=[listener])


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {error.strerror}.", "Choose another --port, or stop what uses this one."
        ) from None
    listener.set_inheritable(True)
    return listener
