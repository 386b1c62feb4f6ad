"""A cache that is bounded by bytes: what was not used for the longest time leaves first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ByteLru(Generic[K, V]):
    """Keeps values whose sizes together stay within `max_bytes`. One thread, or one event loop, owns it."""

    def __init__(self, max_bytes: int) -> None:
        self.bytes = 0
        self._max_bytes = max_bytes
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key, which counts as a use; None if there is none."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size_bytes: int) -> None:
        """Keep a value, or replace it; one that is larger than the whole cache is not kept."""
        self.drop(key)
        if size_bytes > self._max_bytes:
            return
        self._values[key] = value, size_bytes
        self.bytes += size_bytes
        while self.bytes > self._max_bytes:
            self.drop(next(iter(self._values)))

    def drop(self, key: K) -> None:
        """Remove a value if it is there."""
        found = self._values.pop(key, None)
        if found is not None:
            self.bytes -= found[1]
