"""A small run of the export benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.storage.export import bench_export


@pytest.mark.bench
def test_exports_are_measured(tmp_path: Path) -> None:
    target = tmp_path / "export.json"
    bench_export(scans=300, fewer=100, formats="csv,coco", folder=None, json_path=target)
    rows = json.loads(target.read_text("utf-8"))["rows"]
    assert [row["format"] for row in rows] == ["csv", "coco"]
    assert all(row["file MB"] > 0 and row["scans/s"] > 0 for row in rows)
