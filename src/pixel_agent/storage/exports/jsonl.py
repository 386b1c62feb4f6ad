"""JSON lines: one record a line, as `GET /v1/scans/{id}` answers it, for programs."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic_core import to_json

from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry


class JsonlExporter(Exporter):
    """Each line is whole in itself; a broken download ends in the middle of one."""

    media_type = "application/x-ndjson"
    suffix = "jsonl"

    def add(self, entries: Iterable[Entry]) -> bytes:
        """One line a scan."""
        return b"".join(to_json(entry.record, inf_nan_mode="null") + b"\n" for entry in entries)
