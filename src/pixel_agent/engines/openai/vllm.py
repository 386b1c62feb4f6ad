"""Runs `vllm serve` as a child process: starts it in its own environment, reads its log, and always stops it.

The `openai` engine uses it like any other server. If it dies, the server pool is lost, and the engine pool restarts it
after a pause that grows with each failed restart.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shlex
import shutil
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

import httpx

from pixel_agent.core.errors import ConfigurationError, EngineUnavailable, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import OpenAISettings, VllmSettings
from pixel_agent.engines.base import Engine
from pixel_agent.engines.openai.engine import openai_engines
from pixel_agent.engines.openai.health import Address

log = logging.getLogger("pixel_agent.vllm")

MIN_PIXELS = 256 * 256
"""The model enlarges photos below this size; this service sends photos in the size that the model sees."""
LOOK_AGAIN_S = 0.2
"""Seconds between two health checks of a starting server."""
MAX_LINE = 2_000


def vllm_engines(settings: VllmSettings, openai: OpenAISettings) -> Sequence[Callable[[], Engine]]:
    """Return one factory for each request that the server can have in flight. Raises ConfigurationError."""
    openai = openai.model_copy(update={"model": settings.model, "kind": "vllm"})
    return openai_engines(openai, (), "vllm", VllmProcess(settings, openai.max_pixels))


def arguments(settings: VllmSettings, port: int, max_pixels: int) -> list[str]:
    """The command line after the program's name; docs/engines.md gives the reasons. Raises ConfigurationError."""
    try:
        more = shlex.split(settings.args)
    except ValueError as error:
        raise ConfigurationError(f"vllm.args cannot be split: {error}.", "Quote it as in a shell.") from None
    photo = {"size": {"shortest_edge": MIN_PIXELS, "longest_edge": max_pixels}}
    return [
        "serve",
        settings.model,
        *("--served-model-name", settings.model),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--limit-mm-per-prompt", json.dumps({"image": 1, "video": 0})),
        *("--mm-processor-kwargs", json.dumps(photo)),
        *("--scheduling-policy", "priority"),
        *("--max-num-queued-reqs", str(settings.max_queued)),
        *("--mm-processor-cache-gb", "0"),
        *("--api-server-count", str(settings.api_servers)),
        *("--max-model-len", str(settings.max_model_len)),
        *("--gpu-memory-utilization", f"{settings.gpu_memory_utilization:g}"),
        *more,
    ]


class VllmProcess:
    """The `vllm serve` process; `start` and `stop` can be repeated."""

    def __init__(self, settings: VllmSettings, max_pixels: int) -> None:
        arguments(settings, 0, max_pixels)  # reports a wrong setting before anything starts
        self._settings = settings
        self._max_pixels = max_pixels
        self._process: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._tail: deque[str] = deque(maxlen=settings.log_lines)

    @property
    def pid(self) -> int | None:
        """Id of the process group; None if no process runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> Sequence[Address]:
        """Start it and wait without limit until it is healthy. Raises EngineUnavailable with the end of its log."""
        program = shutil.which(self._settings.executable)
        if program is None:
            raise EngineUnavailable(
                f"There is no program {self._settings.executable}.",
                "Install vLLM in a virtual environment of its own and set vllm.executable to its bin/vllm.",
            )
        port = self._settings.port or _free_port()
        command = [program, *arguments(self._settings, port, self._max_pixels)]
        log.info("event=vllm_starts command=%s", shlex.join(command))
        self._tail.clear()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pixel_agent.engines.openai.process_guard", *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._listening = asyncio.create_task(self._listen(self._process))
        root = f"http://127.0.0.1:{port}"
        await self._healthy(root, self._listening)
        log.info("event=vllm_ready url=%s", root)
        return (Address(f"{root}/v1"),)

    async def died(self) -> PixelAgentError:
        """Wait until the process has ended; the returned error contains the end of its log."""
        if self._listening is not None:
            await asyncio.shield(self._listening)
        return ReplicaLost(self._last_words(), "Read its log above; it is started again.")

    async def stop(self) -> None:
        """Stop it; kill the rest of its process group after `stop_timeout_s`, or at once if this call is cancelled."""
        process, self._process = self._process, None
        listening, self._listening = self._listening, None
        if process is None or listening is None:
            return
        try:
            with suppress(ProcessLookupError):
                process.terminate()
            async with asyncio.timeout(self._settings.stop_timeout_s):
                await process.wait()
        except TimeoutError:
            log.warning("event=vllm_killed after_s=%g", self._settings.stop_timeout_s)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await listening
        if process.stdin is not None:
            process.stdin.close()

    async def _healthy(self, root: str, ended: asyncio.Task[None]) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
            while True:
                with suppress(httpx.HTTPError):
                    if (await client.get(f"{root}/health")).status_code == 200:
                        return
                await asyncio.wait([ended], timeout=LOOK_AGAIN_S)
                if ended.done():
                    raise EngineUnavailable(self._last_words(), "Correct what its log says, or vllm.args.")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Remember the end of the log until the process and all writers to the same pipe have ended."""
        assert process.stdout is not None, "the pipe was asked for"  # noqa: S101  # our bug if not
        rest = b""
        while chunk := await process.stdout.read(65536):
            *lines, rest = (rest + chunk).replace(b"\r", b"\n").split(b"\n")
            rest = rest[-MAX_LINE:]
            for line in lines:
                self._note(line)
        self._note(rest)
        await process.wait()

    def _note(self, line: bytes) -> None:
        words = line[:MAX_LINE].decode("utf-8", "replace").rstrip()
        if words:
            self._tail.append(words)
            log.debug("event=vllm_says line=%s", words)

    def _last_words(self) -> str:
        return "vllm has ended. The end of its log:\n" + ("\n".join(self._tail) or "(it said nothing)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
