from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.reading.ocr import bench_ocr


@pytest.mark.bench
def test_both_readers_read_the_same_tags(tmp_path: Path) -> None:
    path = tmp_path / "ocr.json"
    bench_ocr(photos=2, size=["1.4 MP"], json_path=path)
    ours, theirs = json.loads(path.read_text("utf-8"))["rows"]
    assert (ours["photos"], ours["reader"], theirs["reader"]) == (
        "2 x 1.4 MP JPEG",
        "embedded engine",
        "RapidOCR()(image)",
    )
    assert ours["characters read"] > 0.9
    assert theirs["characters read"] > 0.9
