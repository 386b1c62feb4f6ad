"""Installs, starts, warms up and stops each server of the comparison."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.load.answer import Answer, parse_answer
from benchmarks.load.plan import Plan, Stream
from benchmarks.load.uploads import Uploads

HOST = "127.0.0.1"
START_S = 90.0
STOP_S = 10.0
COMMON_PACKAGES = ("numpy", "pillow", "simplejpeg", "uvloop")
QUIET = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", "BENTOML_DO_NOT_TRACK": "True"}
"""Environment without telemetry and without files in the user's folders."""
REFERENCE = Path(__file__).parent


class Missing(Exception):
    """A server cannot be measured here; the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the comparison. `packages`: the contents of its own environment; empty: the current one is used."""

    name: str
    title: str
    about: str
    module: str = ""
    packages: tuple[str, ...] = ()
    live_path: str = "/livez"
    left_out: tuple[str, ...] = ()

    @property
    def ours(self) -> bool:
        """Whether this is Pixel Agent itself."""
        return not self.module

    def skips(self, scenario: str) -> bool:
        """Whether this server cannot run a load."""
        return scenario in self.left_out

    def python(self, environments: Path) -> Path:
        """The Python interpreter of the server's environment."""
        return environments.absolute() / self.name / "bin" / "python" if self.packages else Path(sys.executable)


@dataclass(frozen=True, slots=True)
class Up:
    """A running server that has answered a first photo."""

    host: str
    port: int
    pid: int
    device_log: Path


SERVERS = (
    Server("ours", "Pixel Agent", "pixel-agent serve --engine simulated, defaults"),
    Server("synchronous", "synchronous stand-in", "a page's one thread: not Streamlit itself", "synchronous"),
    Server(
        "streamlit",
        "Streamlit page",
        "the real thing, driven over its own protocol; at 500/s nobody could hold the tabs open",
        "streamlit_server",
        ("streamlit",),
        "/",
        ("flood500",),
    ),
    Server("rebuild", "first FastAPI rebuild", "as published: 4 threads decode, model in the handler", "rebuild"),
    Server("batches", "its batches of 4", "4 items, 0.1 s window", "rebuild_batches"),
    Server(
        "litserve",
        "LitServe, tuned",
        "max_batch_size 16, batch_timeout 20 ms, 2 workers a device",
        "litserve_server",
        ("litserve", "python-multipart"),
        "/health",
    ),
    Server(
        "mosec",
        "mosec, tuned",
        "2 decoding workers, batches of 16 or 20 ms, capacity 128",
        "mosec_server",
        ("mosec",),
        "/",
    ),
    Server(
        "bentoml",
        "BentoML, tuned",
        "decoding in a service of its own, adaptive batches of 16, 96 inside",
        "bentoml_server",
        ("bentoml",),
    ),
    Server(
        "ray",
        "Ray Serve, tuned",
        "serve.batch of 16 or 20 ms, 64 ongoing, 32 queued",
        "ray_server",
        ("ray[serve]", "python-multipart"),
        "/-/healthz",
    ),
)


def install(server: Server, environments: Path) -> None:
    """Create the server's environment and install its packages, unless that is done. Raises Missing."""
    if not server.packages or server.python(environments).exists():
        return
    home = environments.absolute() / server.name
    home.parent.mkdir(parents=True, exist_ok=True)
    (home.parent / ".gitignore").write_text("*\n", "ascii")
    commands = (
        [sys.executable, "-m", "venv", str(home)],
        [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *server.packages, *COMMON_PACKAGES],
    )
    for command in commands:
        if subprocess.run(command, check=False).returncode:
            shutil.rmtree(home, ignore_errors=True)
            raise Missing(f"not installed: {' '.join(command)} failed.")


@contextmanager
def running(server: Server, photo: Path, task: str, environments: Path) -> Iterator[Up]:
    """Start a server on a free port, wait until it answers a photo, stop it and all its children at the end.

    Raises Missing if it is not installed or does not start; the message then contains its last output.
    """
    python = server.python(environments)
    if not python.exists():
        raise Missing(f"not installed: run with --install, or pip install {' '.join(server.packages)} into {python}.")
    with TemporaryDirectory(prefix="pixel-agent-reference-", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), free_port()
        shutil.copytree(REFERENCE, folder / "reference")
        command, environment = _command(server, python, folder, port)
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
            )
        try:
            if not warm_up(process, port, photo, task):
                words = (folder / "output").read_text("utf-8", "replace").strip().splitlines()[-3:]
                raise Missing(f"does not start: {' / '.join(words)}")
            yield Up(HOST, port, process.pid, folder / "device.log")
        finally:
            _stop(process)


def _command(server: Server, python: Path, folder: Path, port: int) -> tuple[list[str], dict[str, str]]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if server.ours:
        start = "from pixel_agent.cli import main; main()"
        command = [str(python), "-c", start, "serve", "--engine", "simulated", "--port", str(port)]
        return command, {**environment, "PIXEL_AGENT_DATA_DIR": str(folder / "data")}
    environment |= QUIET
    environment |= {"PYTHONPATH": str(folder), "REFERENCE_DEVICE_LOG": str(folder / "device.log")}
    return [str(python), "-m", f"reference.{server.module}", str(port)], environment


def warm_up(process: subprocess.Popen[bytes], port: int, photo: Path, task: str) -> bool:
    """Send one photo until it is answered; False if the process ends first, or after a timeout."""
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        try:
            answer = scan_once(port, photo, task)
        except OSError:
            answer = None
        if answer is not None and answer.status == 200:
            return True
        time.sleep(0.25)
    return False


def scan_once(port: int, photo: Path, task: str) -> Answer | None:
    """Post one photo and wait for the answer; None if the server hangs up. Raises OSError."""
    plan = Plan(HOST, port, [str(photo)], [])
    _, parts = Uploads([photo.read_bytes()], "warm-up").next(plan, Stream("warm-up").asking(task))
    with socket.create_connection((HOST, port), timeout=10.0) as connection:
        connection.sendall(b"".join(parts))
        received = b""
        while data := connection.recv(65536):
            received += data
            if (answer := parse_answer(received)) is not None:
                return answer
        return parse_answer(received, closed=True)


def free_port() -> int:
    """A free TCP port on this machine."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    for what in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, what)
        except ProcessLookupError:
            return
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.2)
