"""A small run of the history benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.storage.history import bench_history


@pytest.mark.bench
def test_a_small_run_measures_every_answer(tmp_path: Path) -> None:
    bench_history(1000, 20, 1, json_path=tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text("utf-8"))["rows"]
    assert len(rows) == 14
    assert all(row["p95 ms"] > 0 and row["bytes"] > 0 for row in rows)
