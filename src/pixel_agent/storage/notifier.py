"""Wakes listeners for a scan or a batch within this process; changes by other processes are found by polling.

A listener reads first and waits afterwards: `with notifier.listening(scan_id) as changed`, then read, then
`await changed(timeout_s)`, and read again. No change between the read and the wait is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

Changed: TypeAlias = Callable[[float], Awaitable[bool]]
"""Waits up to the given seconds for a change since its last call; returns whether there was one."""


ANY: Final = "*"
"""The subject of listeners for all changes."""


class Notifier:
    """Wakes listeners by subject: the id of a scan or a batch. One event loop owns it."""

    def __init__(self) -> None:
        self._listening: dict[str, set[asyncio.Event]] = {}

    @property
    def subjects(self) -> int:
        """Number of subjects with listeners."""
        return len(self._listening)

    def notify(self, *subjects: str | None) -> None:
        """Wake the listeners of these subjects; None is skipped. Call it after the commit."""
        for subject in (*subjects, ANY):
            for event in self._listening.get(subject or "", ()):
                event.set()

    @contextmanager
    def listening(self, subject: str) -> Iterator[Changed]:
        """Listen for changes of a subject from now on."""
        event = asyncio.Event()
        self._listening.setdefault(subject, set()).add(event)

        async def changed(timeout_s: float) -> bool:
            try:
                async with asyncio.timeout(timeout_s):
                    await event.wait()
            except TimeoutError:
                return False
            event.clear()
            return True

        try:
            yield changed
        finally:
            others = self._listening[subject]
            others.discard(event)
            if not others:
                del self._listening[subject]
