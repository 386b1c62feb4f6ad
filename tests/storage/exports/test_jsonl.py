"""JSON lines: one unchanged record a line."""

from __future__ import annotations

import json

from pixel_agent.storage.exports.jsonl import JsonlExporter
from tests.storage.exports.records import HOSTILE, entry, row, written


def test_each_line_is_a_record() -> None:
    entries = [entry(number, items=[row(name=f"{HOSTILE}\u2028\n")]) for number in range(1, 6)]
    found = written(JsonlExporter(), *entries).decode()
    assert found.count("\n") == 5
    assert [json.loads(line) for line in found.removesuffix("\n").split("\n")] == [one.record for one in entries]


def test_nothing_gives_an_empty_file() -> None:
    assert written(JsonlExporter()) == b""
