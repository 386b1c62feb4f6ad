"""CSV: one line a row, columns that do not depend on the data, corrections next to the model's values."""

from __future__ import annotations

import csv
import json
from io import StringIO

from pixel_agent.storage.exports.csv_file import CsvExporter
from pixel_agent.storage.exports.entry import Entry
from tests.storage.exports.records import CATALOGUE, PRICE_TAG, corrected, entry, failed, row, written


def lines(*entries: Entry, every_task: bool = False) -> list[dict[str, str]]:
    text = written(CsvExporter(CATALOGUE if every_task else [PRICE_TAG]), *entries).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


def test_excel_is_told_that_it_is_utf_8() -> None:
    assert written(CsvExporter([PRICE_TAG])).startswith(b"\xef\xbb\xbfscan_id,")


def test_each_row_has_a_line_with_its_scan() -> None:
    found = lines(entry(7, items=[row(name="水"), row(name="茶")], findings=[row(reason="x")]))
    assert [(line["part"], line["row"], line["name"]) for line in found] == [
        ("item", "0", "水"),
        ("item", "1", "茶"),
        ("finding", "0", ""),
    ]
    assert {line["scan_id"] for line in found} == {f"{7:032x}"}
    assert found[0]["store_id"] == "店 1"


def test_a_scan_without_rows_has_one_line_and_a_failed_one_its_reason() -> None:
    found = lines(entry(1), failed(2))
    assert [(line["scan_status"], line["part"], line["error"]) for line in found] == [
        ("completed", "", ""),
        ("failed", "", "The engine died."),
    ]


def test_fields_without_a_column_go_to_more() -> None:
    (line,) = lines(entry(items=[row(name="水", kind="tag", colour="red", bbox_2=[1])]))
    assert json.loads(line["more"]) == {"colour": "red", "bbox_2": [1]}
    assert line["kind"] == "tag"


def test_a_corrected_value_stands_in_its_column_and_the_models_beside_it() -> None:
    corrections = [
        corrected("regular_price", 59, 5.9, at="09:00"),
        corrected("regular_price", 59, 5.8, at="09:10"),
        corrected("name", None, "水", at="09:05"),
    ]
    (line,) = lines(entry(items=[row(name="水", regular_price=5.8)], corrections=corrections))
    assert (line["regular_price"], line["corrected_fields"]) == ("5.8", "regular_price name")
    assert json.loads(line["model_values"]) == {"regular_price": 59, "name": None}
    assert (line["corrected_by"], line["corrected_at"]) == ("王芳", "2026-11-22T09:10:00Z")


def test_corrections_belong_to_their_own_row() -> None:
    first, second = lines(
        entry(items=[row(name="水"), row(name="茶")], corrections=[corrected("name", "x", "茶", row=1)])
    )
    assert (first["corrected_fields"], second["corrected_fields"]) == ("", "name")


def test_the_columns_depend_on_the_tasks_and_never_on_the_data() -> None:
    assert list(lines(entry(items=[row(a=1)]))[0]) == list(lines(entry(items=[row(b=2)]))[0])
    everything = list(lines(entry(), every_task=True)[0])
    assert len(everything) == len(set(everything))
    assert {"regular_price", "hazard", "rule_id", "days_left"} <= set(everything)


def test_hostile_text_stays_in_its_cell() -> None:
    text = '=HYPERLINK("http://x")\n,";x' + "长" * 10_000
    (line,) = lines(entry(items=[row(name=text)]))
    assert line["name"].startswith("'=HYPERLINK")
    assert len(line["name"]) == len(text) + 1
