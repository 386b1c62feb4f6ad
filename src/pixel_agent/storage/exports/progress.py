"""Tracks the progress of this process's exports, by the ids that their clients chose. Read by the API."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from pixel_agent.storage.exports.entry import Entry

MAX_KNOWN = 64
"""Maximum number of tracked exports; above it, the oldest is dropped."""


@dataclass(slots=True)
class ExportProgress:
    """Scans written so far, and scans that matched at the start. `finished`: the file is complete, or was aborted."""

    scans_total: int
    scans_done: int = 0
    finished: bool = False

    async def counted(self, pages: AsyncIterator[Iterable[Entry]]) -> AsyncIterator[Iterable[Entry]]:
        """Yield the same pages, and count the scans read from them as done."""
        async for page in pages:
            yield map(self._count, page)

    def _count(self, entry: Entry) -> Entry:
        self.scans_done += 1
        return entry


class ExportProgresses:
    """The tracked exports by id. One event loop owns it; a thread can do the counting."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, ExportProgress] = OrderedDict()

    def begin(self, export_id: str, scans_total: int) -> ExportProgress:
        """Track a new export; an earlier one with the same id is replaced."""
        progress = self._known[export_id] = ExportProgress(scans_total)
        self._known.move_to_end(export_id)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return progress

    def get(self, export_id: str) -> ExportProgress | None:
        """The progress of an export, None if this process does not know it."""
        return self._known.get(export_id)
