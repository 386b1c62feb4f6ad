"""`pixel-agent eval` and `python -m benchmarks reading`: real photos of codes, read by the real engine."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import zxingcpp
from typer.testing import CliRunner

from benchmarks.__main__ import bench_app
from pixel_agent.cli.main import app
from tests.code_pictures import drawn

COLA = "6901234567892"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos of codes; the truth of the second is another."""
    for name, digits in (("right.png", COLA), ("wrong.png", "9780804816632")):
        cv2.imwrite(str(tmp_path / name), drawn(digits, zxingcpp.BarcodeFormat.EAN13))
    cases = [
        {"file": name, "task": "code_read", "kind": "ean", "expected": {"rows": [{"gtin": COLA}], "count": 1}}
        for name in ("right.png", "wrong.png")
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(case) for case in cases), "utf-8")
    return tmp_path


def test_readings_are_scored_saved_and_compared(folder: Path) -> None:
    arguments = ["eval", str(folder), "--run", "embedded"]
    files = ["--save", str(folder / "run.jsonl"), "--html", str(folder / "page.html"), "--json", str(folder / "n.json")]
    result = CliRunner().invoke(app, [*arguments, *files])
    assert (result.exit_code, "embedded: 1 of 2 cases right" in result.output) == (0, True)
    numbers = json.loads((folder / "n.json").read_text("utf-8"))["embedded"]["field"]["gtin"]
    assert (numbers["precision"], numbers["wrong_and_sure"]) == (0.5, 1)
    page = (folder / "page.html").read_text("utf-8")
    assert 'src="wrong.png"' in page
    assert "<rect" in page
    assert "right.png" not in page
    result = CliRunner().invoke(app, [*arguments, "--run", str(folder / "run.jsonl")])
    assert (result.exit_code, result.output.count("1 of 2 cases right")) == (0, 2)
    lines = [line for line in result.output.splitlines() if "gtin" in line and "│" in line]
    assert [("run.jsonl" in line, "0.500" in line, "1/2" in line) for line in lines] == [
        (False, True, True),
        (True, True, True),
    ]


def test_the_benchmark_gives_the_same_score(folder: Path) -> None:
    result = CliRunner().invoke(bench_app, ["reading", str(folder), "--engine", "embedded"])
    assert (result.exit_code, "embedded: 1 of 2 cases right" in result.output) == (0, True)


@pytest.mark.parametrize(
    ("truth", "said"), [(None, "no readable cases.jsonl"), ("", "no cases"), ('{"file": 1}', "line 1")]
)
def test_a_folder_without_a_truth_is_wrong_usage(tmp_path: Path, truth: str | None, said: str) -> None:
    if truth is not None:
        (tmp_path / "cases.jsonl").write_text(truth, "utf-8")
    result = CliRunner().invoke(app, ["eval", str(tmp_path)])
    assert (result.exit_code, said in " ".join(result.output.split())) == (2, True)


def test_a_missing_photo_is_named(folder: Path) -> None:
    (folder / "wrong.png").unlink()
    result = CliRunner().invoke(app, ["eval", str(folder)])
    assert (result.exit_code, "wrong.png" in result.output) == (2, True)
