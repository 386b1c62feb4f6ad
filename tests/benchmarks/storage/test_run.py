"""Small runs of the storage benchmarks."""

from __future__ import annotations

import json
import random
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from benchmarks.load.plan import Stream
from benchmarks.load.result import Window
from benchmarks.load.scenarios import Scenario
from benchmarks.storage import recording
from benchmarks.storage.queries import as_query, questions, somewhere
from benchmarks.storage.recording import bench_recording
from benchmarks.storage.run import bench_store
from pixel_agent.storage.records import Position, ScanFilter

pytestmark = pytest.mark.bench


def test_every_question_is_answered_from_the_store_and_over_http(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    bench_store(scans=300, times=1, database="", folder=tmp_path / "data", http=True, json_path=report)
    rows = {row["question"]: row for row in json.loads(report.read_text("utf-8"))["rows"]}
    assert set(rows) >= {question.name for question in questions()}
    assert rows["newest"]["found"] == 50
    assert rows["unique word"]["found"] == 1
    assert rows["shop without scans"]["found"] == 0
    assert all(row["HTTP p95 ms"] > 0 for row in rows.values())


def test_a_store_that_is_there_is_asked_again(tmp_path: Path) -> None:
    for _ in range(2):
        bench_store(scans=100, times=1, database="", folder=tmp_path, http=False, json_path=tmp_path / "report.json")
    rows = json.loads((tmp_path / "report.json").read_text("utf-8"))["rows"]
    assert rows[0]["found"] == 50


def test_a_filter_is_the_same_over_http() -> None:
    query = parse_qs(as_query(ScanFilter(task="price_tag", text="可乐", since=0), Position(5, 7), 50))
    assert query["q"] == ["可乐"]
    assert query["since"] == ["1970-01-01T00:00:00+00:00"]
    assert Position.parse(query["cursor"][0]) == Position(5, 7)
    assert 0 < somewhere(random.Random(1), 10).seq <= 10


def test_recording_is_compared_with_not_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = tmp_path / "report.json"

    def eight(clients: int, rate: float, *_: float) -> Scenario:
        scans = Stream("scan", clients=clients, rate=rate, count=8, timeout_s=120.0)
        return Scenario("eight", "8 scans", (scans,), Window(0.0, 60.0), "scan")

    monkeypatch.setattr(recording, "custom", eight)  # ends with its scans, not with a time
    bench_recording(rounds=1, seconds=1.0, rate=10.0, database="", task="price_tag", photos=1, json_path=report)
    one, many = json.loads(report.read_text("utf-8"))["rows"]
    assert one["p50 on ms"] > 100
    assert many["good/s on"] > 0
