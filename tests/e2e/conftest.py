"""A real server process, started as a person would start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest


@dataclass(frozen=True, slots=True)
class Server:
    """A running `pixel-agent serve`."""

    url: str
    process: subprocess.Popen[str]

    def stop(self, timeout_s: float = 120) -> int:
        """Ask it to stop; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout_s)


Start = Callable[..., Server]
PATIENT = {"PIXEL_AGENT_ADMISSION__SLO_MS": "0", "PIXEL_AGENT_STORE__APPEND_TIMEOUT_S": "60"}
"""Nobody is refused, and no record comes late, because the machine is slow."""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers with settings as environment variables; all are ended afterwards."""
    with servers(tmp_path) as start:
        yield start


@contextmanager
def servers(folder: Path) -> Iterator[Start]:
    """The same, for as long as wanted; `folder` is where they run."""
    started: list[Server] = []

    def run(engine: str = "simulated", *, port: int = 0, **environment: str) -> Server:
        command = [sys.executable, "-m", "pixel_agent.cli", "serve", "--port", str(port), "--engine", engine]
        process = subprocess.Popen(
            command,
            env={**os.environ, **PATIENT, "PIXEL_AGENT_DATA_DIR": str(folder / "data"), **environment},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, f"the server did not start (exit code {process.poll()})"
        server = Server(found[0], process)
        started.append(server)
        wait_until(lambda: ready(server.url))
        return server

    try:
        yield run
    finally:
        for server in started:
            if server.process.poll() is None:
                server.process.kill()
            server.process.wait()
            if server.process.stdout is not None:
                server.process.stdout.close()


def ready(url: str) -> bool:
    """Whether the server says that it is ready."""
    try:
        return httpx.get(f"{url}/readyz", timeout=60).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(condition: Callable[[], bool], timeout_s: float = 120) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.02)
