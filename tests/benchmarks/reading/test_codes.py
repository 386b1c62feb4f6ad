from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import typer
import zxingcpp

from benchmarks.reading.codes import bench_codes
from tests.code_pictures import drawn


@pytest.mark.bench
def test_the_benchmark_counts_right_wrong_and_missed(tmp_path: Path) -> None:
    for name, truth in (("a", "9780804816632"), ("b", "4006381333931")):
        cv2.imwrite(str(tmp_path / f"{name}.webp"), drawn("9780804816632", zxingcpp.BarcodeFormat.EAN13))
        (tmp_path / f"{name}.txt").write_text(truth, "utf-8")
    bench_codes(tmp_path, repeat=1, json_path=tmp_path / "out.json")
    *photos, total = json.loads((tmp_path / "out.json").read_text("utf-8"))["rows"]
    assert [row["pixel-agent"] for row in photos] == ["right", "wrong"]
    assert total["pixel-agent"] == "1 right, 1 wrong, 0 missed"


@pytest.mark.bench
def test_a_folder_without_truths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter):
        bench_codes(tmp_path)
