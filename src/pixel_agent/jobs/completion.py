"""Ends of accepted scans, written in groups: what ends while one transaction is written goes into the next one together.

A device answers a whole batch at once, so that groups form by themselves and nobody waits for one to fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pixel_agent.core.errors import StoreError
from pixel_agent.storage import queue
from pixel_agent.storage.queue import Claim
from pixel_agent.storage.records import Outcome
from pixel_agent.storage.store import Store

GROUP: Final = 32
"""Most scans of one transaction, so that others who write need not wait for long."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ended:
    claim: Claim
    outcome: Outcome
    written: asyncio.Future[bool]


class Settler:
    """Writes how claimed scans ended. One event loop owns it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Ended] = []
        self._writer: asyncio.Task[None] | None = None

    async def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """End a scan, and wake who waits for it; False if the claim is not held any more. Raises StoreError."""
        ended = _Ended(claim, outcome, asyncio.get_running_loop().create_future())
        self._waiting.append(ended)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await ended.written

    async def _write_all(self) -> None:
        while self._waiting:
            group = self._waiting[:GROUP]
            del self._waiting[:GROUP]
            try:
                await self._write(group)
            except Exception as error:
                if len(group) == 1 or isinstance(error, StoreError):
                    _fail(group, error)
                else:
                    await self._write_singly(group)

    async def _write_singly(self, group: Sequence[_Ended]) -> None:
        """So that one that no database takes does not keep the others from their end."""
        for ended in group:
            try:
                await self._write([ended])
            except Exception as error:
                _fail([ended], error)

    async def _write(self, group: Sequence[_Ended]) -> None:
        async with self._store.db.write() as conn:
            before = await queue.finish(conn, [(ended.claim, ended.outcome) for ended in group])
        found = {record.seq for record in before}
        for ended in group:
            if not ended.written.done():
                ended.written.set_result(ended.claim.seq in found)
        self._store.notifier.notify(*(record.scan_id for record in before), *{record.batch_id for record in before})


def _fail(group: Sequence[_Ended], error: Exception) -> None:
    for ended in group:
        if not ended.written.done():
            ended.written.set_exception(error)
