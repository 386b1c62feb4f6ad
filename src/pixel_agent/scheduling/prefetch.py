"""Limits how many photos are prepared ahead of the device: enough to use it fully, few enough to fit in memory.

A scan takes a slot before its photo is decoded and releases it when its batch starts. Slots follow the scheduler's
order: urgent classes first, clients in turn, earliest deadline first. A class never waits for less urgent ones.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from dataclasses import dataclass, field
from math import inf

from pixel_agent.core import ScanRequest
from pixel_agent.core.errors import DeadlineExceeded
from pixel_agent.scheduling.policy import RANK


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    seq: int
    granted: asyncio.Future[None] = field(compare=False)


class PrefetchSlot:
    """The right to prepare one photo ahead of the device, until `release`; further calls do nothing."""

    def __init__(self, lookahead: Prefetch, rank: int, client: str) -> None:
        self._lookahead = lookahead
        self._held = True
        self.rank = rank
        self.client = client

    def release(self) -> None:
        """Free the slot for the next scan."""
        if self._held:
            self._held = False
            self._lookahead.give_back(self)

    def __enter__(self) -> PrefetchSlot:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Prefetch:
    """At most `most` slots for each class and the more urgent ones together. One event loop owns it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = [0] * len(RANK)
        self._by_client = Counter[str]()
        self._waiting: list[dict[str, list[_Waiting]]] = [{} for _ in RANK]
        self._seq = 0

    @property
    def waiting(self) -> int:
        """Number of scans that wait for a slot."""
        return sum(len(queue) for queues in self._waiting for queue in queues.values())

    async def take(self, request: ScanRequest) -> PrefetchSlot:
        """Wait for a slot. Raises DeadlineExceeded when the request's deadline comes first."""
        rank, client = RANK[request.spec.priority], request.spec.client
        if not self._free(rank) or self._waiting[rank]:
            await self._wait(rank, client, request.deadline)
        else:
            self._count(rank, client, 1)
        return PrefetchSlot(self, rank, client)

    def give_back(self, place: PrefetchSlot) -> None:
        """See `PrefetchSlot.release`."""
        self._count(place.rank, place.client, -1)
        self._grant()

    async def _wait(self, rank: int, client: str, deadline: float | None) -> None:
        self._seq += 1
        turn = _Waiting(inf if deadline is None else deadline, self._seq, asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting[rank].setdefault(client, []), turn)
        try:
            async with asyncio.timeout_at(deadline):
                await turn.granted
        except BaseException as error:
            self._withdraw(rank, client, turn)
            if isinstance(error, TimeoutError):
                message = "The deadline passed while the scan waited."
                raise DeadlineExceeded(message, "Allow more time, or come back later.") from None
            raise

    def _withdraw(self, rank: int, client: str, turn: _Waiting) -> None:
        """Stop waiting; a slot that was granted at the same moment goes to the next scan."""
        if turn.granted.done() and not turn.granted.cancelled():
            self._count(rank, client, -1)
            self._grant()
            return
        queue = self._waiting[rank].get(client, [])
        if turn in queue:
            queue.remove(turn)
            heapq.heapify(queue)
        if not queue:
            self._waiting[rank].pop(client, None)

    def _grant(self) -> None:
        for rank, queues in enumerate(self._waiting):
            while queues and self._free(rank):
                client = min(queues, key=lambda client: self._by_client[client])
                queue = queues.pop(client)
                turn = heapq.heappop(queue)
                if queue:
                    queues[client] = queue  # to the end: the other clients come first
                if not turn.granted.done():
                    self._count(rank, client, 1)
                    turn.granted.set_result(None)

    def _free(self, rank: int) -> bool:
        return sum(self._taken[: rank + 1]) < self._most

    def _count(self, rank: int, client: str, change: int) -> None:
        self._taken[rank] += change
        self._by_client[client] += change
        if not self._by_client[client]:
            del self._by_client[client]
