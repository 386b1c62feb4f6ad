"""Exports confirmed and corrected scans as a truth set for `pixel-agent eval`: photos and `cases.jsonl`.

It is one ZIP archive, so that it is sent like every other format; the CLI unpacks it into a folder.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import JsonValue
from pydantic_core import to_json

from pixel_agent.core import Task
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.coco import SUFFIXES
from pixel_agent.storage.exports.entry import Entry, Fields, mapping, mappings, words
from pixel_agent.storage.exports.spool import Spool, room
from pixel_agent.tasks.columns import columns_of

TRUTH = "cases.jsonl"
REVIEWED = ("confirmed", "corrected")
COMPUTED = frozenset({"days_left", "status", "reason", "issues", "fill_rate", "gs1", "symbology", "gtin_source"})
"""Fields that code computes from others, or that no reviewer confirms."""

ReadPhoto = Callable[[str], bytes | None]
"""Returns the bytes of a photo by its SHA-256, None if it was deleted; blocks."""


class TruthExporter(Exporter):
    """Exports reviewed scans whose photo exists; others are omitted. One case per photo and task, the newest."""

    media_type = "application/zip"
    suffix = "zip"

    def __init__(self, tasks: Sequence[Task], photo: ReadPhoto) -> None:
        self._columns = {task.id: columns_of(task) for task in tasks}
        self._photo = photo
        self._spool = Spool()
        self._zip = zipfile.ZipFile(self._spool.file, "w", zipfile.ZIP_STORED)
        self._cases: dict[tuple[str, str], bytes] = {}

    def add(self, entries: Iterable[Entry]) -> bytes:
        """Collect the photos and the cases; all output comes at the end."""
        with room():
            for entry in entries:
                self._take(entry)
        return b""

    def end(self) -> Iterator[bytes]:
        """The archive in pieces; `cases.jsonl` is its last member."""
        with room():
            self._zip.writestr(TRUTH, b"".join(self._cases.values()))
            self._zip.close()
        yield from self._spool.pieces()

    def close(self) -> None:
        """Remove the temporary file."""
        self._spool.close()

    def _take(self, entry: Entry) -> None:
        record, image = entry.record, mapping(entry.reading.get("image"))
        task, sha256 = words(record.get("task")), words(image.get("sha256"))
        if words(record.get("review")) not in REVIEWED or task not in self._columns or not sha256:
            return
        if (sha256, task) in self._cases:
            return
        file = f"{sha256[:16]}.{SUFFIXES.get(words(image.get('media_type')), 'jpg')}"
        if file not in self._zip.namelist():
            data = self._photo(sha256)
            if data is None:
                return
            self._zip.writestr(file, data)
        self._cases[sha256, task] = to_json(_case(entry, file, self._columns[task])) + b"\n"


def _case(entry: Entry, file: str, columns: Sequence[str]) -> dict[str, JsonValue]:
    record = entry.record
    options = dict(mapping(record.get("options")))
    day = words(record.get("captured_at"))[:10] or words(record.get("received_at"))[:10]
    items = [_row(line.fields, columns, line.corrections) for line in entry.lines() if line.part == "items"]
    return {
        "file": file,
        "task": record.get("task"),
        "options": {**({"today": day} if day else {}), **options},
        "kind": words(record.get("store_id")) or words(record.get("task")),
        "expected": {"rows": [*items], "count": len(mappings(entry.reading.get("items")))},
        "source": f"scan {words(record.get('scan_id'))}",
    }


def _row(fields: Fields, columns: Sequence[str], corrections: Sequence[Fields]) -> dict[str, JsonValue]:
    """The present values, and null where a reviewer removed one."""
    emptied = {words(one.get("field")) for one in corrections}
    wanted = [name for name in columns if name not in COMPUTED]
    return {
        name: fields[name]
        for name in wanted
        if isinstance(value := fields.get(name), str | int | float) or (value is None and name in emptied & set(fields))
    }
