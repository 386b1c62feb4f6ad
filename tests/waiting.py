"""Waiting in tests for what happens by itself, on machines of any speed: for states and events, never for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_S = 60.0
"""When a test gives up. It is far beyond what the slowest machine needs, and costs nothing where things happen."""


async def until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait until something has come true. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


def jump(seconds: float) -> None:
    """Let the clock of the running event loop jump: what was to happen meanwhile happens next, in its order.

    So a test lets an hour pass when all is in place for it, instead of hoping that a short time is long enough.
    """
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign]
