"""Truth folders: reviewed scans as cases that can be scored."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from pixel_agent.storage.exports.entry import Entry
from pixel_agent.storage.exports.truth import TruthExporter
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.scoring import read_cases, score_case
from tests.storage.exports.records import corrected, entry, row, written


def exported(*entries: Entry, gone: str = "") -> tuple[list[dict[str, Any]], set[str]]:
    """The cases, and the names of the files."""
    exporter = TruthExporter(list(Catalogue()), lambda sha256: None if sha256 == gone else b"photo " + sha256.encode())
    with zipfile.ZipFile(io.BytesIO(written(exporter, *entries))) as archive:
        cases = [json.loads(line) for line in archive.read("cases.jsonl").splitlines()]
        return cases, set(archive.namelist())


def test_a_corrected_scan_is_a_case_that_its_own_reading_meets() -> None:
    one = entry(
        1,
        items=[row([0, 0, 9, 9], name="水", regular_price=5.9, sale_price=None)],
        corrections=[corrected("sale_price", 3.0, None)],
        review="corrected",
        options={"today": "2026-11-22"},
    )
    (case,), names = exported(one)
    assert names == {"cases.jsonl", case["file"]}
    assert case["options"]["today"] == "2026-11-22"
    assert case["expected"] == {"rows": [{"name": "水", "regular_price": 5.9, "sale_price": None}], "count": 1}
    (read,) = read_cases(json.dumps(case))
    assert score_case(read, one.reading).right


def test_scans_that_nobody_looked_at_and_lost_photos_are_left_out() -> None:
    cases, names = exported(
        entry(1, review="none"), entry(2, review="advised"), entry(3, review="confirmed"), gone=f"{3:064x}"
    )
    assert (cases, names) == ([], {"cases.jsonl"})


def test_of_two_scans_of_one_photo_and_task_the_newest_is_the_case() -> None:
    newest, older = entry(1, items=[row(name="new")], review="confirmed"), entry(1, items=[], review="confirmed")
    cases, _ = exported(newest, older)
    assert [case["expected"]["count"] for case in cases] == [1]
