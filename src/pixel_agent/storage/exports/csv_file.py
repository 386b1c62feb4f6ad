"""Exports CSV, one line per row of a reading. UTF-8 with a byte order mark, so Excel shows Chinese; escaped cells."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable
from io import StringIO

from pixel_agent.core import Task
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.cells import cell
from pixel_agent.storage.exports.columns import RowColumns
from pixel_agent.storage.exports.entry import Entry


class CsvExporter(Exporter):
    """Writes CSV with the columns of the given tasks, the same for any data; see `columns.py`."""

    media_type = "text/csv; charset=utf-8"
    suffix = "csv"

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._columns = RowColumns(tasks)

    def begin(self) -> bytes:
        """The byte order mark and the heading."""
        return BOM_UTF8 + _lines([list(self._columns.names)])

    def add(self, entries: Iterable[Entry]) -> bytes:
        """The lines of these scans."""
        return _lines(
            ["" if value is None else cell(value) for value in line]
            for entry in entries
            for line in self._columns.values(entry)
        )


def _lines(rows: Iterable[list[str]]) -> bytes:
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
