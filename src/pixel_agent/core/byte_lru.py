"""A cache with a limit in bytes: the least recently used value is removed first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteLru(Generic[K, V]):
    """Stores values whose sizes together stay within `max_bytes`. One thread, or one event loop, owns it."""

    def __init__(self, max_bytes: int) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, or None; counts as a use."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size_bytes: int) -> None:
        """Store or replace a value; a value larger than the whole cache is not stored."""
        self.drop(key)
        if size_bytes > self._max_bytes:
            return
        self._values[key] = value, size_bytes
        self.bytes += size_bytes
        while self.bytes > self._max_bytes:
            self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        """Remove a value; a missing key is no error."""
        found = self._values.pop(key, None)
        if found is not None:
            self.bytes -= found[1]
