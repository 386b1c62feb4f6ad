"""How many bytes of uploads may be inside at once."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Reservation:
    """Some bytes of a budget, from `ByteBudget.reserve` to `release`; a context manager."""

    __slots__ = ("_budget", "size_bytes")

    def __init__(self, budget: ByteBudget, size_bytes: int) -> None:
        self._budget = budget
        self.size_bytes = size_bytes

    def resize(self, size_bytes: int) -> None:
        """Correct the size once it is known; ask `ByteBudget.fits` for the difference before."""
        self._budget.used_bytes += size_bytes - self.size_bytes
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
    """At most `most_bytes` are reserved at once. `used_bytes` are now."""

    __slots__ = ("most_bytes", "used_bytes")

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.used_bytes = 0

    def fits(self, more_bytes: int, share: float = 1.0) -> bool:
        """Whether so many bytes more stay within a share of the budget."""
        return self.used_bytes + more_bytes <= share * self.most_bytes

    def reserve(self, size_bytes: int) -> Reservation:
        """Reserve bytes that fit."""
        self.used_bytes += size_bytes
        return Reservation(self, size_bytes)
