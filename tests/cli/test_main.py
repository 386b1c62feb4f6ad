"""The command line: input, output and exit codes."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pixel_agent.cli.main import app
from pixel_agent.client.paths import expand
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.storage.exports.cells import plain


@pytest.fixture(autouse=True)
def _fast_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PIXEL_AGENT_ENGINE", "simulated")
    monkeypatch.setenv("PIXEL_AGENT_SIMULATED__BASE_MS", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, jpeg: bytes) -> Path:
    """Two photos, one broken one, and something that is none."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg)
    (folder / "b.jpg").write_bytes(jpeg[:500])
    (folder / "deep" / "c.JPG").write_bytes(jpeg + b"c")
    (folder / "notes.txt").write_text("nothing")
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_folders_are_searched_and_named_files_are_always_taken(folder: Path) -> None:
    names = [path.name for path in expand([str(folder), str(folder / "notes.txt"), str(folder / "gone.jpg")])]
    assert names == ["a.jpg", "b.jpg", "c.JPG", "notes.txt", "gone.jpg"]


def test_patterns_that_the_shell_left_alone_are_expanded(folder: Path) -> None:
    assert [path.name for path in expand([str(folder / "*.jpg")])] == ["a.jpg", "b.jpg"]


def test_nothing_found_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="No photo"):
        expand([str(tmp_path)])


def test_json_lines_keep_the_order_and_one_bad_photo_stops_nobody(folder: Path) -> None:
    done = run("scan", folder, "--format", "jsonl", "--task", "text_read")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(line["file"]).name for line in lines] == ["a.jpg", "b.jpg", "c.JPG"]
    assert [line["status"] for line in lines] == ["completed", "failed", "completed"]
    assert lines[1]["error"]["code"] == "photo_broken"
    assert done.exit_code == 1


def test_json_is_one_array(folder: Path) -> None:
    done = run("scan", folder / "a.jpg", folder / "deep" / "c.JPG", "--format", "json")
    assert [Path(entry["file"]).name for entry in json.loads(done.stdout)] == ["a.jpg", "c.JPG"]
    assert done.exit_code == 0


def test_csv_has_the_columns_of_the_task(folder: Path) -> None:
    done = run("scan", folder, "--format", "csv", "--task", "price_tag")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {"file", "regular_price", "unit", "bbox", "confidence", "error"} <= rows[0].keys()
    assert rows[1]["status"] == "failed"


def test_a_pipe_gets_json_lines_without_being_asked(folder: Path) -> None:
    assert json.loads(run("scan", folder / "a.jpg").stdout)["task"] == "product_full_scan"


def test_a_table_is_readable(folder: Path) -> None:
    done = run("scan", folder, "--format", "table")
    assert "a.jpg" in done.stdout
    assert "✗" in done.stdout


def test_annotated_copies_are_written_and_never_overwrite(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "marked"
    for _ in range(2):
        assert run("scan", folder / "a.jpg", "--annotate", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["a-2.jpg", "a.jpg"]
    image = cv2.imdecode(np.fromfile(out / "a.jpg", np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["scan", "a.jpg", "--task", "no such task"], 2),
        (["scan", "a.jpg", "--options", "[]"], 2),
        (["scan", "a.jpg", "--lang", "fr"], 2),
        (["scan", "*.jpg"], 2),
        (["scan", "a.jpg", "--engine", "warp"], 2),
        (["scan", "missing.jpg"], 1),
        (["scan", "a.jpg", "--engine", "embedded", "--task", "shelf_audit"], 3),
    ],
)
def test_exit_codes_tell_scripts_what_happened(jpeg: bytes, tmp_path: Path, arguments: list[str], code: int) -> None:
    if "*.jpg" not in arguments:
        (tmp_path / "a.jpg").write_bytes(jpeg)
    assert run(*arguments).exit_code == code


def test_compare_takes_two_files(folder: Path) -> None:
    done = run("scan", folder / "a.jpg", folder / "deep" / "c.JPG", "--task", "compare", "--format", "jsonl")
    assert len(json.loads(done.stdout)["parts"]) == 2


def test_tasks_list_both_names_and_support() -> None:
    done = run("tasks", "--json")
    assert {"id": "price_tag", "zh": "价签识别"}.items() <= {t["id"]: t for t in json.loads(done.stdout)}[
        "price_tag"
    ].items()
    assert "price_tag" in run("tasks", "--lang", "en").stdout


def test_doctor_names_versions_and_engines() -> None:
    names = {check["name"] for check in json.loads(run("doctor", "--json").stdout)}
    engines = {f"engine {name}" for name in ("embedded", "transformers", "openai", "vllm", "simulated")}
    assert {"python", "onnxruntime", "gpu", *engines} <= names
    assert "engine simulated" in run("doctor").stdout


def test_large_prices_are_printed_in_full_and_control_characters_are_not() -> None:
    assert [plain(value) for value in (123456.78, 5.0, "a\x1b]0;pwned\x07")] == [
        "123456.78",
        "5",
        "a ]0;pwned ",
    ]


def test_an_empty_path_is_not_the_current_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert run("scan", "").exit_code == 2


def test_hidden_folders_are_left_alone(folder: Path, jpeg: bytes) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "hidden.jpg").write_bytes(jpeg)
    assert "hidden.jpg" not in [path.name for path in expand([str(folder)])]


@pytest.mark.parametrize("where", ["/proc/nowhere", "photos/a.jpg"])
def test_a_folder_that_cannot_be_written_is_a_usage_error(folder: Path, where: str) -> None:
    assert run("scan", folder / "a.jpg", "--annotate", where).exit_code == 2


def test_very_long_and_odd_paths_fail_alone(folder: Path) -> None:
    done = run("scan", folder / ("x" * 300), folder / "a.jpg", "--format", "jsonl")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["status"] for line in lines] == ["failed", "completed"]
    assert lines[0]["error"]["code"] == "file_unreadable"


def test_comparing_for_a_task_that_the_engine_cannot_answer_is_told_as_such(folder: Path) -> None:
    options = '{"task": "shelf_audit"}'
    files = (folder / "a.jpg", folder / "deep" / "c.JPG")
    assert run("scan", *files, "--engine", "embedded", "--task", "compare", "--options", options).exit_code == 3


def test_another_encoding_of_the_terminal_is_survived(folder: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "pixel_agent.cli", "scan", str(folder / "a.jpg"), "--format", "table"]
    done = subprocess.run(command, check=False, capture_output=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr


def test_doctor_says_how_to_get_an_engine_without_failing_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIXEL_AGENT_VLLM__EXECUTABLE", "no-such-program")
    done = run("doctor", "--json")
    vllm = {check["name"]: check for check in json.loads(done.stdout)}["engine vllm"]
    assert not vllm["ok"]
    assert "vllm.executable" in vllm["fix"]
    assert done.exit_code == 0


def test_what_the_command_line_offers_is_shown_without_loading_the_product() -> None:
    heavy = {"cv2", "fastapi", "httpx", "onnxruntime", "rapidocr", "sqlalchemy", "torch"}
    code = f"import sys, pixel_agent.cli.main; print(*sorted({heavy!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
