"""How far the exports of this process are, by the ids that their clients chose."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from pixel_agent.storage.exports.entry import Entry

MAX_KNOWN = 64
"""Exports that are remembered; the oldest is forgotten."""


@dataclass(slots=True)
class ExportProgress:
    """Scans written so far, and scans that matched when it began. `finished`: the file is complete, or was given up."""

    scans_total: int
    scans_done: int = 0
    finished: bool = False

    async def counted(self, pages: AsyncIterator[Iterable[Entry]]) -> AsyncIterator[Iterable[Entry]]:
        """The same pages; what is taken from them counts as done."""
        async for page in pages:
            yield map(self._count, page)

    def _count(self, entry: Entry) -> Entry:
        self.scans_done += 1
        return entry


class ExportProgresses:
    """Written by the exports, read by who asks for them. One event loop owns it; counting may happen in a thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, ExportProgress] = OrderedDict()

    def begin(self, export_id: str, scans_total: int) -> ExportProgress:
        """Follow a new export; one with the same id is replaced."""
        progress = self._known[export_id] = ExportProgress(scans_total)
        self._known.move_to_end(export_id)
        while len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return progress

    def get(self, export_id: str) -> ExportProgress | None:
        """The progress of an export, None if it is not known here."""
        return self._known.get(export_id)
