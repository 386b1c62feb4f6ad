"""XLSX, read back by another library: text stays text, times are times, sheets that are full go on in the next."""

from __future__ import annotations

import tempfile
from datetime import datetime
from io import BytesIO
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape  # type: ignore[import-untyped]
from openpyxl.workbook import Workbook  # type: ignore[import-untyped]
from pydantic import JsonValue

from pixel_agent.storage.exports import xlsx
from pixel_agent.storage.exports.entry import Entry
from pixel_agent.storage.exports.xlsx import XlsxExporter, clean
from tests.storage.exports.records import HOSTILE, PRICE_TAG, corrected, entry, failed, row, written


def book(*entries: Entry) -> Workbook:
    return openpyxl.load_workbook(BytesIO(written(XlsxExporter([PRICE_TAG]), *entries)))


def table(found: Workbook, name: str) -> list[dict[str, object]]:
    heading, *rows = found[name].iter_rows(values_only=True)
    return [dict(zip(map(str, heading), values, strict=True)) for values in rows]


def test_scans_rows_and_corrections_have_sheets() -> None:
    found = book(
        entry(1, items=[row(name="水", regular_price=5.8)], corrections=[corrected("regular_price", 59, 5.8)]),
        failed(2),
    )
    assert found.sheetnames == ["scans", "rows", "corrections"]
    assert [line["status"] for line in table(found, "scans")] == ["completed", "failed"]
    assert table(found, "scans")[1]["error"] == "The engine died."
    assert (table(found, "rows")[0]["regular_price"], table(found, "rows")[0]["simulated"]) == (5.8, False)
    assert [(line["model_value"], line["value"], line["by"]) for line in table(found, "corrections")] == [
        (59, 5.8, "王芳")
    ]


def test_times_are_times_in_utc() -> None:
    found = book(entry(received_at="2026-11-22T16:30:05+08:00"))
    assert table(found, "scans")[0]["received_at"] == datetime(2026, 11, 22, 8, 30, 5)


def test_the_heading_stays_and_filters() -> None:
    scans = book(entry(1), entry(2))["scans"]
    assert (scans.freeze_panes, scans.auto_filter.ref) == ("B2", "A1:W3")


def test_headings_follow_a_language_where_one_is_asked_for() -> None:
    found = openpyxl.load_workbook(BytesIO(written(XlsxExporter([PRICE_TAG], "zh"), entry())))
    assert [cell.value for cell in found["scans"][1]][:4] == ["扫描号", "任务", "状态", "门店"]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "<r><t>x</t></r>",
        "<r> & </r>",
        "http://example.com",
        "a & b < c",
        " blank ",
        "mailto:x@y",
        "-5.9",
        "0012",
        "1e5",
    ],
)
def test_text_comes_back_as_the_same_text(text: str) -> None:
    found = book(entry(items=[row(name=text)]))
    cell = next(cell for cell in found["rows"][2] if cell.value == text)
    assert (cell.data_type, cell.hyperlink) == ("s", None)


def test_text_that_looks_like_an_escape_of_excel_is_escaped() -> None:
    (shown,) = [str(line["name"]) for line in table(book(entry(items=[row(name="a_x0041_b")])), "rows")]
    assert (shown, unescape(shown)) == ("a_x005F_x0041_b", "a_x0041_b")  # this reader leaves it to others to decode


def test_what_xml_forbids_and_what_turns_the_direction_is_removed() -> None:
    assert clean(f"a\x00\x1b\ufffe\ud800{HOSTILE}") == "a<img src=x onerror=alert(1)>gnp.exe"


@pytest.mark.parametrize("text", ["长" * 40_000, "😀" * 20_000])
def test_a_cell_is_cut_at_the_limit_of_excel(text: str) -> None:
    shown = str(table(book(entry(items=[row(name=text)])), "rows")[0]["name"])
    assert shown.endswith("…")
    assert 32_700 < len(shown.encode("utf-16-le")) // 2 <= xlsx.MAX_TEXT


def test_what_looks_like_markup_is_cut_before_it_is_too_long() -> None:
    found = table(book(entry(items=[row(name=f"<r>{'&' * 30_000}</r>")])), "rows")
    assert str(found[0]["name"]).startswith("<r>&&&")
    assert str(found[0]["name"]).endswith("</r…")


def test_long_numbers_are_not_rounded() -> None:
    found = book(entry(items=[row(name=6901234567892123456, gtin="06901234567892")]))
    line = table(found, "rows")[0]
    assert (line["name"], line["gtin"]) == ("6901234567892123456", "06901234567892")


def test_full_sheets_go_on_in_further_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MAX_ROWS", 3)
    found = book(*(entry(number) for number in range(1, 6)))
    assert found.sheetnames == ["scans", "rows", "corrections", "scans 2", "rows 2", "scans 3", "rows 3"]
    assert [len(table(found, name)) for name in ("scans", "scans 2", "scans 3")] == [2, 2, 1]
    assert found["scans 2"].auto_filter.ref == "A1:W3"


def test_temporary_files_are_removed_even_if_it_is_never_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    exporter = XlsxExporter([PRICE_TAG])
    exporter.begin()
    exporter.add([entry()])
    assert list(tmp_path.iterdir())
    exporter.close()
    assert not list(tmp_path.iterdir())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), JSON), max_size=4))
@settings(deadline=None, max_examples=40)
def test_whatever_was_read_makes_a_workbook_that_opens(fields: list[tuple[str, JsonValue]]) -> None:
    found = book(entry(items=[{**row(), **dict(fields)}, row(name=fields[0][1] if fields else None)]))
    assert len(table(found, "rows")) == 2
    assert not [cell for line in found["rows"].iter_rows() for cell in line if cell.data_type == "f"]
