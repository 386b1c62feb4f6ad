from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.decode import bench_decode, draw_jpeg


@pytest.mark.bench
def test_the_decode_benchmark_reports_every_measurement(tmp_path: Path) -> None:
    bench_decode(photos=1, rounds=1, width=1600, height=1200, json_path=tmp_path / "decode.json")
    rows = json.loads((tmp_path / "decode.json").read_text("utf-8"))["rows"]
    assert [row["work"] for row in rows][:2] == ["prepare, 1 thread", "prepare, 2 threads"]
    assert all(row["ms_per_photo"] > 0 for row in rows)


@pytest.mark.bench
def test_the_drawn_photo_is_always_the_same() -> None:
    assert draw_jpeg(400, 300) == draw_jpeg(400, 300)
