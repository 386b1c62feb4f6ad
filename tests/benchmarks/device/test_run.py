from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.device import run
from benchmarks.device.command import bench_device
from benchmarks.device.models import Speeds, floor_s
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.loading import load

OURS_AND_PUBLISHED = ["published loop", "published batches of 4", "ours"]


@pytest.mark.bench
def test_the_device_benchmark_reports_every_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_reported(tmp_path, monkeypatch, OURS_AND_PUBLISHED, server=False)


@pytest.mark.bench
@pytest.mark.e2e
def test_the_device_benchmark_reports_the_librarys_own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_reported(
        tmp_path, monkeypatch, [*OURS_AND_PUBLISHED[:2], "transformers serve", OURS_AND_PUBLISHED[2]], server=True
    )


def assert_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ways: list[str], *, server: bool) -> None:
    monkeypatch.setattr(run, "SIZES", ((256, 256),))
    bench_device(seconds=0.2, clients=3, tokens=4, tiny=True, server=server, json_path=tmp_path / "device.json")
    rows = json.loads((tmp_path / "device.json").read_text("utf-8"))["rows"]
    assert [row["way"] for row in rows] == ways
    for row in rows:
        agreeing, compared = row["same"].split(" of ")
        assert agreeing == compared != "0"
        assert row["per_s"] > 0


def test_the_floor_is_arithmetic_and_bandwidth(tiny_model: Path) -> None:
    loaded = load(
        TransformersSettings(model=str(tiny_model), device="cpu", dtype="float32"), lambda _stage, _part: None
    )
    layer = 64 * 64 + 2 * 64 * 32 + 64 * 64 + 3 * 64 * 128 + 2 * 64 + 2 * 16
    only_reading = floor_s(loaded, Speeds(1.0, float("inf")), visual=0, prompt=10, written=5, rows=1)
    assert only_reading == 2 * 10 * 2 * layer
    weights = 4 * (2 * layer + 64 + 2 * 272 * 64)
    cache = 5 * (10 + 2.5) * loaded.bytes_per_token
    only_writing = floor_s(loaded, Speeds(float("inf"), 1.0), visual=0, prompt=10, written=5, rows=2)
    assert only_writing == 5 * weights / 2 + cache
