"""Writes the outcomes of accepted scans: those that end during one transaction share the next. Last step of the worker.

The engine answers a whole batch at once, so groups form without a delay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pixel_agent.core.errors import StoreError
from pixel_agent.jobs.group_commit import commit
from pixel_agent.storage import queue
from pixel_agent.storage.queue import Claim
from pixel_agent.storage.records import Outcome
from pixel_agent.storage.store import Store

GROUP: Final = 32
"""Maximum scans per transaction, so that other writers do not wait long."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ended:
    claim: Claim
    outcome: Outcome
    written: asyncio.Future[bool]


class CompletionWriter:
    """Writes the outcomes of claimed scans in groups. One event loop owns it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[_Ended] = []
        self._writer: asyncio.Task[None] | None = None

    async def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """Write a scan's outcome and wake its listeners; False if the claim was lost. Raises StoreError."""
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
                await commit(group, self._write, _fail)
            except StoreError as error:
                for ended in group:
                    _fail(ended, error)

    async def _write(self, group: Sequence[_Ended]) -> None:
        async with self._store.db.write() as conn:
            before = await queue.finish(conn, [(ended.claim, ended.outcome) for ended in group])
        found = {record.seq for record in before}
        for ended in group:
            if not ended.written.done():
                ended.written.set_result(ended.claim.seq in found)
        self._store.notifier.notify(*(record.scan_id for record in before), *{record.batch_id for record in before})


def _fail(ended: _Ended, error: Exception) -> None:
    if not ended.written.done():
        ended.written.set_exception(error)
