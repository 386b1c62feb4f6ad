"""Exports JSON lines for programs: one record per line, as `GET /v1/scans/{id}` answers it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_core import to_json

from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry


class JsonlExporter(Exporter):
    """Writes JSON lines. Each line is complete; an interrupted download ends within a line."""

    media_type = "application/x-ndjson"
    suffix = "jsonl"

    def add(self, entries: Iterable[Entry]) -> bytes:
        """One line per scan."""
        return b"".join(to_json(entry.record, inf_nan_mode="null") + b"\n" for entry in entries)
