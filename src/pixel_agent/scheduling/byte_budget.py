"""Limits the bytes of uploads inside, in total and for each client; used by admission."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

CLIENT_SHARE: Final = 0.5
"""Largest share of the budget for one client, so that one client cannot block the others."""


class Reservation:
    """Reserved bytes of a budget, from `ByteBudget.reserve` to `release`; a context manager."""

    __slots__ = ("_budget", "client", "size_bytes")

    def __init__(self, budget: ByteBudget, size_bytes: int, client: str) -> None:
        self._budget = budget
        self.client = client
        self.size_bytes = size_bytes

    def resize(self, size_bytes: int) -> None:
        """Correct the size once it is known; call `ByteBudget.fits` for the difference first."""
        self._budget.use(size_bytes - self.size_bytes, self.client)
        self.size_bytes = size_bytes

    def release(self) -> None:
        """Return the bytes to the budget; further calls do nothing."""
        self.resize(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class ByteBudget:
    """Reserves at most `most_bytes`, and at most `CLIENT_SHARE` of them for one client. `used_bytes`: reserved now."""

    __slots__ = ("_clients", "most_bytes", "used_bytes")

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.used_bytes = 0
        self._clients: dict[str, int] = {}

    def fits(self, more_bytes: int, share: float = 1.0, client: str = "") -> bool:
        """Whether `more_bytes` fit within a share of the budget, and within the client's own share."""
        own = self._clients.get(client, 0) + more_bytes if client else 0
        return self.used_bytes + more_bytes <= share * self.most_bytes and own <= CLIENT_SHARE * self.most_bytes

    def reserve(self, size_bytes: int, client: str = "") -> Reservation:
        """Reserve bytes; call `fits` first, nothing is checked here."""
        self.use(size_bytes, client)
        return Reservation(self, size_bytes, client)

    def use(self, more_bytes: int, client: str) -> None:
        """Add bytes to a client's use; negative values reduce it."""
        self.used_bytes += more_bytes
        own = self._clients.get(client, 0) + more_bytes
        if own:
            self._clients[client] = own
        else:
            self._clients.pop(client, None)
