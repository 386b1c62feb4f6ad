"""How many bytes of uploads may be inside at once."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

CLIENT_SHARE: Final = 0.5
"""Most of the budget that one client may hold, so that it cannot shut the others out."""


class Reservation:
    """Some bytes of a budget, from `ByteBudget.reserve` to `release`; a context manager."""

    __slots__ = ("_budget", "client", "size_bytes")

    def __init__(self, budget: ByteBudget, size_bytes: int, client: str) -> None:
        self._budget = budget
        self.client = client
        self.size_bytes = size_bytes

    def resize(self, size_bytes: int) -> None:
        """Correct the size once it is known; ask `ByteBudget.fits` for the difference before."""
        self._budget.use(size_bytes - self.size_bytes, self.client)
        self.size_bytes = size_bytes

    def release(self) -> None:
        """Give the bytes back; further calls do nothing."""
        self.resize(0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class ByteBudget:
    """At most `most_bytes` are reserved at once, and no client holds more than `CLIENT_SHARE` of them. `used_bytes` are now."""

    __slots__ = ("_clients", "most_bytes", "used_bytes")

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.used_bytes = 0
        self._clients: dict[str, int] = {}

    def fits(self, more_bytes: int, share: float = 1.0, client: str = "") -> bool:
        """Whether so many bytes more stay within a share of the budget, and within the client's own."""
        own = self._clients.get(client, 0) + more_bytes if client else 0
        return self.used_bytes + more_bytes <= share * self.most_bytes and own <= CLIENT_SHARE * self.most_bytes

    def reserve(self, size_bytes: int, client: str = "") -> Reservation:
        """Reserve bytes that fit."""
        self.use(size_bytes, client)
        return Reservation(self, size_bytes, client)

    def use(self, more_bytes: int, client: str) -> None:
        """Count bytes more, or less, as used by a client."""
        self.used_bytes += more_bytes
        own = self._clients.get(client, 0) + more_bytes
        if own:
            self._clients[client] = own
        else:
            self._clients.pop(client, None)
