"""The fair queue of the decoder pool: lowest rank first, then the client that used the least time, then first come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

REMEMBERED = 1024
"""Maximum number of clients without waiting work whose used time is remembered."""


class FairQueue(Generic[T]):
    """Start-time fair queueing: an idle client gains no credit for the time that other clients used meanwhile."""

    def __init__(self) -> None:
        self._ranks: dict[int, dict[str, deque[T]]] = {}
        self._used_s: dict[str, float] = {}
        self._floor_s = 0.0
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, rank: int, client: str, item: T, *, first: bool = False) -> None:
        """Add an item; `first` puts it before the client's own others."""
        waiting = self._ranks.setdefault(rank, {}).setdefault(client, deque())
        if not waiting:
            self._used_s[client] = max(self._used_s.get(client, 0.0), self._floor_s)
        (waiting.appendleft if first else waiting.append)(item)
        self._length += 1

    def pop(self, fits: Callable[[T], bool] = lambda _: True) -> T | None:
        """Remove and return the next item that `fits`; None if no item does."""
        for rank in sorted(self._ranks):
            clients = self._ranks[rank]
            for client in sorted(clients, key=self._used_s.__getitem__):
                if fits(clients[client][0]):
                    self._floor_s = max(self._floor_s, self._used_s[client])
                    item = clients[client].popleft()
                    self._taken(rank, client)
                    return item
        return None

    def remove(self, rank: int, client: str, item: T) -> None:
        """Remove an item if it still waits."""
        waiting = self._ranks.get(rank, {}).get(client)
        if waiting is not None and item in waiting:
            waiting.remove(item)
            self._taken(rank, client)

    def drain(self) -> list[T]:
        """Remove and return all items."""
        items = [item for clients in self._ranks.values() for waiting in clients.values() for item in waiting]
        self._ranks.clear()
        self._length = 0
        return items

    def used(self, client: str, seconds: float) -> None:
        """Add `seconds` to the time that a client has used."""
        self._used_s[client] = max(self._used_s.get(client, 0.0), self._floor_s) + seconds
        if len(self._used_s) > REMEMBERED:
            waiting = {client for clients in self._ranks.values() for client in clients}
            most = sorted(self._used_s, key=self._used_s.__getitem__)[-REMEMBERED // 2 :]
            self._used_s = {one: self._used_s[one] for one in {*most, *waiting}}

    def _taken(self, rank: int, client: str) -> None:
        self._length -= 1
        clients = self._ranks[rank]
        if not clients[client]:
            del clients[client]
        if not clients:
            del self._ranks[rank]
