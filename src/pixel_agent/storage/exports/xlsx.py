"""XLSX: a workbook with the sheets `scans`, `rows` and `corrections`, for people.

The sheets grow in temporary files, since an archive holds one after the other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from pydantic import JsonValue

from pixel_agent.core import Lang, Task
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.columns import RowColumns, heading
from pixel_agent.storage.exports.entry import Entry, Fields, mapping, mappings
from pixel_agent.storage.exports.spool import room
from pixel_agent.storage.exports.workbook import Table, package

SCANS = (
    *("scan_id", "task", "status", "store_id", "batch_id", "filename", "captured_at", "received_at", "finished_at"),
    *("summary", "items", "findings", "alerts", "severity", "review", "engine", "simulated", "total_ms"),
    *("width", "height", "photo_sha256", "rerun_of", "error"),
)
CORRECTIONS = ("scan_id", "task", "part", "row", "field", "model_value", "value", "by", "at", "carried_from")


class XlsxExporter(Exporter):
    """Headings are the stable names, or in a language where one is given."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix = "xlsx"

    def __init__(self, tasks: Iterable[Task], lang: Lang | None = None) -> None:
        self._columns = RowColumns(tasks)
        self._lang = lang
        self._with_files = ExitStack()
        self._tables: list[Table] = []

    def begin(self) -> bytes:
        """Open the temporary files; the workbook itself comes at the end."""
        with room():
            folder = self._with_files.enter_context(tempfile.TemporaryDirectory(prefix="pixel-agent-export-"))
            for name, columns in (("scans", SCANS), ("rows", self._columns.names), ("corrections", CORRECTIONS)):
                headings = [heading(column, self._lang) for column in columns]
                self._tables.append(Table(Path(folder), name, columns, headings))
        return b""

    def add(self, entries: Iterable[Entry]) -> bytes:
        """Write the rows of these scans; the file comes at the end."""
        scans, rows, corrections = self._tables
        with room():
            for entry in entries:
                scans.add(_scan(entry))
                for row in self._columns.values(entry):
                    rows.add(row)
                for correction in mappings(entry.record.get("corrections")):
                    corrections.add(_correction(entry.record, correction))
        return b""

    def end(self) -> Iterator[bytes]:
        """The workbook."""
        with room():
            for table in self._tables:
                table.sheets[-1].finish()
        yield from package([sheet for table in self._tables for sheet in table.sheets])

    def close(self) -> None:
        """Remove the temporary files."""
        for table in self._tables:
            table.sheets[-1].close()
        self._with_files.close()


def _scan(entry: Entry) -> Sequence[JsonValue]:
    image = mapping(entry.reading.get("image")) or mapping(entry.record.get("photo"))
    known = {
        **entry.record,
        "width": image.get("width"),
        "height": image.get("height"),
        "photo_sha256": image.get("sha256"),
        "error": entry.error() or None,
    }
    return [known.get(name) for name in SCANS]


def _correction(record: Fields, correction: Fields) -> Sequence[JsonValue]:
    known = {**correction, "scan_id": record.get("scan_id"), "task": record.get("task")}
    return [known.get(name) for name in CORRECTIONS]
