"""Waking those who wait for a scan or a batch in this process; what other processes do is seen by looking again.

A waiter looks first and waits afterwards: `with notifier.listening(scan_id) as changed`, then look, then
`await changed(timeout_s)`, and look again. Nothing that happens between the look and the wait is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

Changed: TypeAlias = Callable[[float], Awaitable[bool]]
"""Waits so many seconds for a change since it was last called; whether there was one."""


ANY: Final = "*"
"""The subject of those who want to hear of every one."""


class Notifier:
    """Wakes by subject: the id of a scan or of a batch. One event loop owns it."""

    def __init__(self) -> None:
        self._listening: dict[str, set[asyncio.Event]] = {}

    @property
    def subjects(self) -> int:
        """How many subjects are listened for."""
        return len(self._listening)

    def notify(self, *subjects: str | None) -> None:
        """Wake who listens for these subjects; None is skipped. Call it after the commit."""
        for subject in (*subjects, ANY):
            for event in self._listening.get(subject or "", ()):
                event.set()

    @contextmanager
    def listening(self, subject: str) -> Iterator[Changed]:
        """Hear of a subject from now on."""
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
