"""One sheet of a workbook as XML (ECMA-376, SpreadsheetML), row by row into a temporary file. Text stays text.

Written here because it is the whole cost of an XLSX export: XlsxWriter takes three and a half times as long for the
same cells, and in its mode of constant memory it takes a text that begins with `<r>` for markup (docs/benchmarks.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from pydantic import JsonValue

from pixel_agent.storage.exports.base import PIECE_BYTES
from pixel_agent.storage.exports.cells import to_json
from pixel_agent.storage.exports.entry import moment

MAX_ROWS = 1_048_576
MAX_TEXT = 32_767
"""Excel's limits of a sheet (rows) and of a cell (UTF-16 units)."""
MAX_NUMBER = 10**15
"""Excel keeps 15 digits; longer numbers are written as text, so that none is changed."""
TIMES = frozenset({"captured_at", "received_at", "finished_at", "corrected_at", "at"})
HEADING_STYLE, TIME_STYLE = 1, 2
"""Places in the list of styles, see `workbook.py`."""

_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
"""Day 0 of Excel's calendar, as it counts since March 1900."""
_DAY_S = 86_400
_UNWANTED = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff"
"""What XML does not allow, and what turns the direction of the text around."""
_REMOVED = re.compile(f"[{_UNWANTED}]")
_SPECIAL = re.compile(f"[{_UNWANTED}&<>]|_x")
_LIKE_ESCAPE = re.compile("_(x[0-9A-Fa-f]{4}_)")
_WIDTHS = {"scan_id": 34, "summary": 40, "evidence": 40, "text": 40, "name": 24, "photo_sha256": 20, "filename": 22}
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


class Sheet:
    """`columns` are the stable names, which decide how values are shown; `headings` what stands above them."""

    def __init__(self, path: Path, name: str, columns: Sequence[str], headings: Sequence[str]) -> None:
        self.path, self.name = path, name
        self.rows = 0
        self._letters = [letters(index) for index in range(len(columns))]
        self._times = [column in TIMES for column in columns]
        self._file = path.open("w", encoding="utf-8", buffering=PIECE_BYTES, newline="\n")
        self._file.write(_head(columns))
        self._file.write(self._row(enumerate(f' s="{HEADING_STYLE}"{_text(heading)}' for heading in headings)))

    @property
    def full(self) -> bool:
        """Whether no further row fits."""
        return self.rows >= MAX_ROWS

    @property
    def area(self) -> str:
        """All cells, like `A1:Z100`."""
        return f"A1:{self._letters[-1]}{self.rows}"

    def add(self, values: Sequence[JsonValue]) -> None:
        """Write one row; one value a column, null for an empty cell."""
        times = self._times
        told = [(at, _inner(value, times[at])) for at, value in enumerate(values) if value is not None]
        self._file.write(self._row(told))

    def finish(self) -> None:
        """Write the end of the sheet, with a filter over all columns."""
        self._file.write(f'</sheetData><autoFilter ref="{self.area}"/></worksheet>')
        self._file.close()

    def pieces(self) -> Iterator[bytes]:
        """The finished sheet."""
        with self.path.open("rb") as file:
            while piece := file.read(PIECE_BYTES):
                yield piece

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._file.close()

    def _row(self, inner: Iterable[tuple[int, str]]) -> str:
        """A row of cells, each with its column."""
        self.rows += 1
        row, names = self.rows, self._letters
        cells = "".join([f'<c r="{names[column]}{row}"{told}</c>' for column, told in inner])
        return f'<row r="{row}">{cells}</row>'


def clean(text: str) -> str:
    """The text as a cell can hold it: without what XML forbids or what turns its direction, cut at Excel's limit."""
    text = _REMOVED.sub("", text)
    if len(text) * 2 > MAX_TEXT and len(text.encode("utf-16-le")) > MAX_TEXT * 2:
        text = text.encode("utf-16-le")[: (MAX_TEXT - 1) * 2].decode("utf-16-le", "ignore") + "…"
    return text


def serial(when: datetime) -> float:
    """Days since Excel's day 0, in UTC."""
    return ((when if when.tzinfo else when.replace(tzinfo=UTC)) - _EPOCH).total_seconds() / _DAY_S


def letters(index: int) -> str:
    """The name of a column: 0 is A, 26 is AA."""
    more, last = divmod(index, 26)
    return (letters(more - 1) if more else "") + chr(ord("A") + last)


def _inner(value: JsonValue, is_time: bool) -> str:
    """A cell behind its place."""
    if isinstance(value, str):
        when = moment(value) if is_time else None
        return _text(value) if when is None else f' s="{TIME_STYLE}"><v>{serial(when)!r}</v>'
    if isinstance(value, bool):
        return f' t="b"><v>{value:d}</v>'
    if isinstance(value, int | float) and abs(value) < MAX_NUMBER:
        return f"><v>{value!r}</v>"
    return _text(to_json(value))


def _text(text: str) -> str:
    if len(text) * 2 > MAX_TEXT or _SPECIAL.search(text):
        text = escape(clean(text))
        if "_x" in text:
            text = _LIKE_ESCAPE.sub(r"_x005F_\1", text)
    return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is>'


def _head(columns: Sequence[str]) -> str:
    widths = [_WIDTHS.get(column, 19 if column in TIMES else 14) for column in columns]
    cols = [f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, 1)]
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{_NAMESPACE}"><sheetViews>'
        '<sheetView workbookViewId="0"><pane xSplit="1" ySplit="1" topLeftCell="B2" activePane="bottomRight" '
        f'state="frozen"/></sheetView></sheetViews><cols>{"".join(cols)}</cols><sheetData>'
    )
