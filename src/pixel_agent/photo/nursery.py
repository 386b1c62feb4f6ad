"""The server's side of the nursery process: starts it, requests decoder processes, restarts it if it dies.

Used by `decoder_pool.py`; the nursery itself is `decoder.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress

STOP_S = 2.0
"""Time for the nursery to end before it is killed."""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""One photo uses one core, and a process with more threads cannot be forked safely."""


class Nursery:
    """Forks decoder processes through the nursery. One event loop owns it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._starting = asyncio.Lock()

    async def fork(self, memory_bytes: int, niceness: int) -> socket.socket:
        """A socket to a new decoder, which sends `{"pid": …}` when ready; closed at once if the fork fails.

        Raises OSError if the machine has no room for another process.
        """
        control = await self._running()
        ours, its = socket.socketpair()
        try:
            terms = json.dumps({"memory_bytes": memory_bytes, "niceness": niceness}).encode() + b"\n"
            socket.send_fds(control, [terms], [its.fileno()])
        except OSError:
            ours.close()
            await self._end()
            raise
        finally:
            its.close()
        ours.setblocking(False)
        return ours

    def kill(self, pid: int) -> None:
        """Kill a decoder that does not end by itself."""
        if self._control is not None:
            with suppress(OSError):
                self._control.sendall(json.dumps({"kill": pid}).encode() + b"\n")

    async def close(self) -> None:
        """End the nursery and, with it, every decoder."""
        async with self._starting:
            await self._end()

    async def _running(self) -> socket.socket:
        async with self._starting:
            if self._process is not None and self._process.poll() is not None:
                await self._end()
            if self._control is None:
                self._process, control = await asyncio.to_thread(_start)
                self._control = control
                return control
            return self._control

    async def _end(self) -> None:
        process, self._process = self._process, None
        control, self._control = self._control, None
        if control is not None:
            control.close()
        if process is not None:
            await asyncio.to_thread(_stop, process)


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, its = socket.socketpair()
    try:
        process = subprocess.Popen(  # noqa: S603  # this module, by this Python
            [sys.executable, "-m", "pixel_agent.photo.decoder", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD},
        )
    except BaseException:
        ours.close()
        raise
    finally:
        its.close()
    return process, ours


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
