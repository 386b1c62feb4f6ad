"""Detects near-duplicates: compares the fingerprint of a new photo with those of recent ones. Used by the pipeline."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from pixel_agent.core import Photo, ScanRequest

NEAR_BITS = 4
"""Difference hashes of one scene, compressed or resized again, differ in at most about this many of 64 bits."""


@dataclass(frozen=True, slots=True)
class _Seen:
    scan_id: str
    fingerprint: int
    sha256: str
    task: str
    store: tuple[str, str | None]


class RecentPhotos:
    """The last `most` photos by their 64-bit fingerprint; constant memory."""

    def __init__(self, most: int = 256) -> None:
        self._seen: deque[_Seen] = deque(maxlen=most)

    def near(self, photo: Photo, fingerprint: int, request: ScanRequest) -> str | None:
        """The id of the newest earlier scan of a near copy from the same client and store; None if there is none.

        An identical file under another task is no duplicate.
        """
        new = _seen(photo, fingerprint, request)
        return next((old.scan_id for old in reversed(self._seen) if _duplicates(new, old)), None)

    def remember(self, photo: Photo, fingerprint: int, request: ScanRequest) -> None:
        """Add a photo; beyond `most` photos the oldest is dropped."""
        self._seen.append(_seen(photo, fingerprint, request))


def _seen(photo: Photo, fingerprint: int, request: ScanRequest) -> _Seen:
    store = (request.spec.client, request.spec.store_id)
    return _Seen(request.scan_id, fingerprint, photo.sha256, request.task.id, store)


def _duplicates(new: _Seen, old: _Seen) -> bool:
    if new.store != old.store or (new.fingerprint ^ old.fingerprint).bit_count() > NEAR_BITS:
        return False
    return new.sha256 != old.sha256 or new.task == old.task
