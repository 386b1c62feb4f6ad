"""Remembers the look of the last photos, to tell that one was taken before."""

from __future__ import annotations

from collections import OrderedDict

NEAR_BITS = 4
"""Difference hashes of the same scene, compressed or resized again, differ in at most about this many of 64 bits."""


class RecentPhotos:
    """The last `most` photos by their 64-bit fingerprint; constant memory."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._seen: OrderedDict[str, int] = OrderedDict()

    def near(self, fingerprint: int, scan_id: str) -> str | None:
        """The newest earlier scan of a near copy, if there is one; remembers this one."""
        found = None
        for earlier, other in reversed(self._seen.items()):
            if (fingerprint ^ other).bit_count() <= NEAR_BITS:
                found = earlier
                break
        self._seen[scan_id] = fingerprint
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return found
