"""Exports XLSX for spreadsheet users: a workbook with the sheets `scans`, `rows` and `corrections`.

XlsxWriter writes the rows to temporary files, so that memory stays flat; the workbook is assembled at the end.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from pydantic import JsonValue
from xlsxwriter import Workbook  # type: ignore[import-untyped]
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]

from pixel_agent.core import Lang, Task
from pixel_agent.storage.exports.base import PIECE_BYTES, Exporter
from pixel_agent.storage.exports.cells import to_json
from pixel_agent.storage.exports.columns import RowColumns, heading
from pixel_agent.storage.exports.entry import Entry, Fields, mapping, mappings, moment
from pixel_agent.storage.exports.spool import room

SCANS = (
    *("scan_id", "task", "status", "store_id", "batch_id", "filename", "captured_at", "received_at", "finished_at"),
    *("summary", "items", "findings", "alerts", "severity", "review", "engine", "simulated", "total_ms"),
    *("width", "height", "photo_sha256", "rerun_of", "error"),
)
CORRECTIONS = ("scan_id", "task", "part", "row", "field", "model_value", "value", "by", "at", "carried_from")
MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
"""Excel's limits of a sheet (rows) and of a cell (UTF-16 units)."""
MAX_NUMBER = 10**15
"""Excel stores 15 digits; longer numbers are written as text, so that no digit changes."""
TIMES = frozenset({"captured_at", "received_at", "finished_at", "corrected_at", "at"})

_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of Excel's calendar, valid for dates since March 1900."""
_DAY_S = 86_400
_REMOVED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]"
)
"""Characters that XML forbids, and characters that change the text direction."""
_WIDTHS = {"scan_id": 34, "summary": 40, "evidence": 40, "text": 40, "name": 24, "photo_sha256": 20, "filename": 22}


class XlsxExporter(Exporter):
    """Writes a workbook. Headings are the stable names, or labels if a language is given."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    suffix = "xlsx"

    def __init__(self, tasks: Iterable[Task], lang: Lang | None = None) -> None:
        self._columns = RowColumns(tasks)
        self._lang = lang
        self._resources = ExitStack()

    def begin(self) -> bytes:
        """Open the temporary files; all output comes at the end."""
        with room():
            folder = tempfile.TemporaryDirectory(prefix="pixel-agent-export-")
            self._path = Path(self._resources.enter_context(folder)) / "book.xlsx"
            self._book = Workbook(self._path, {"constant_memory": True, "tmpdir": folder.name})
            self._resources.callback(_close_files, self._book)
            self._scans = _Table(self._book, "scans", SCANS, self._lang)
            self._rows = _Table(self._book, "rows", self._columns.names, self._lang)
            self._corrections = _Table(self._book, "corrections", CORRECTIONS, self._lang)
        return b""

    def add(self, entries: Iterable[Entry]) -> bytes:
        """Write the rows of these scans to the temporary files; all output comes at the end."""
        with room():
            for entry in entries:
                self._scans.add(_scan(entry))
                for row in self._columns.values(entry):
                    self._rows.add(row)
                for correction in mappings(entry.record.get("corrections")):
                    self._corrections.add(_correction(entry.record, correction))
        return b""

    def end(self) -> Iterator[bytes]:
        """The workbook, in pieces."""
        with room():
            for table in (self._scans, self._rows, self._corrections):
                table.finish()
            self._book.close()
            with self._path.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    yield piece

    def close(self) -> None:
        """Remove the temporary files."""
        self._resources.close()


class _Table:
    """Rows with one heading, on as many sheets as needed: `rows`, `rows 2`, …"""

    def __init__(self, book: Workbook, name: str, columns: Sequence[str], lang: Lang | None) -> None:
        self._book, self._name, self._columns = book, name, columns
        self._headings = [heading(column, lang) for column in columns]
        self._is_time = [column in TIMES for column in columns]
        self._heading_format = book.add_format({"bold": True, "bg_color": "#E8EEF4"})
        self._time_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._number = 0
        self._open()

    def add(self, values: Sequence[JsonValue]) -> None:
        """Write one row; one value per column, null for an empty cell."""
        if self._next_row >= MAX_ROWS:
            self.finish()
            self._open()
        for column, value in enumerate(values):
            if value is not None:
                self._write(column, value)
        self._next_row += 1

    def finish(self) -> None:
        """Add a filter to every column."""
        self._sheet.autofilter(0, 0, self._next_row - 1, len(self._columns) - 1)

    def _open(self) -> None:
        self._number += 1
        sheet = self._book.add_worksheet(self._name if self._number == 1 else f"{self._name} {self._number}")
        self._sheet: Worksheet = sheet
        sheet.freeze_panes(1, 1)
        for column, name in enumerate(self._columns):
            sheet.set_column(column, column, _WIDTHS.get(name, 19 if name in TIMES else 14))
        for column, text in enumerate(self._headings):
            sheet.write_string(0, column, text, self._heading_format)
        self._next_row = 1

    def _write(self, column: int, value: JsonValue) -> None:
        sheet, row = self._sheet, self._next_row
        if isinstance(value, str):
            when = moment(value) if self._is_time[column] else None
            if when is None:
                sheet.write_string(row, column, text_cell(value))
            else:
                sheet.write_number(row, column, serial(when), self._time_format)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value)
        elif isinstance(value, int | float) and abs(value) < MAX_NUMBER:
            sheet.write_number(row, column, value)
        else:
            sheet.write_string(row, column, text_cell(to_json(value)))


def text_cell(text: str) -> str:
    """Text for a cell: cleaned by `clean`, and never interpreted as markup.

    With constant memory, XlsxWriter writes a text between `<r>` and `</r>` unchanged, as the runs of a rich text: such
    a text is wrapped in one run.
    """
    text = clean(text)
    if text.startswith("<r>") and text.endswith("</r>"):
        run = f'<r><t xml:space="preserve">{escape(text)}</t></r>'
        return run if len(run) <= MAX_TEXT else f"{text[:-1]}…"
    return text


def clean(text: str) -> str:
    """The text without characters that XML forbids or that change its direction, cut at Excel's limit."""
    if not text.isprintable():  # fast check: none of the removed characters is printable
        text = _REMOVED.sub("", text)
    if len(text) * 2 > MAX_TEXT and len(text.encode("utf-16-le")) > MAX_TEXT * 2:
        text = text.encode("utf-16-le")[: (MAX_TEXT - 1) * 2].decode("utf-16-le", "ignore") + "…"
    return text


def serial(when: datetime) -> float:
    """Days since Excel's day 0, in UTC."""
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH).total_seconds() / _DAY_S


def _close_files(book: Workbook) -> None:
    """Close the row files of unfinished sheets; XlsxWriter closes only those of written ones."""
    for sheet in book.worksheets():
        if sheet.row_data_fh is not None:
            sheet.row_data_fh.close()


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
