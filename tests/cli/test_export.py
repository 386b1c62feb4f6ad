"""`pixel-agent export`: files from the store of this machine, complete or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pixel_agent.cli.main import app
from pixel_agent.core.settings import load
from pixel_agent.storage.store import Store
from tests.readings import keep, row, scan


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one scan in it."""
    monkeypatch.setenv("PIXEL_AGENT_DATA_DIR", str(tmp_path / "data"))

    async def fill() -> None:
        store = Store(load())
        await store.open()
        await keep(store, scan(row(name="水", regular_price=-5.8), store_id="S1"))
        await store.close()

    asyncio.run(fill())
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["export", *arguments])


def test_a_file_is_written(data: Path) -> None:
    assert run("--format", "csv", "--output", str(data / "a.csv"), "--task", "价签识别").exit_code == 0
    assert "水,-5.8," in (data / "a.csv").read_text("utf-8-sig")
    assert [path.name for path in data.iterdir() if path.name != "data"] == ["a.csv"]


def test_a_truth_folder_is_unpacked(data: Path) -> None:
    assert run("--format", "truth", "--output", str(data / "truth")).exit_code == 0
    assert [path.name for path in (data / "truth").iterdir()] == ["cases.jsonl"]
    assert not list(data.glob("*.part"))


def test_a_dash_is_the_standard_output(data: Path) -> None:
    result = run("--format", "jsonl", "--output", "-", "--store-id", "S1")
    assert (result.exit_code, '"store_id":"S1"' in result.stdout) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "pdf"], "--format"),
        (["--format", "csv", "--status", "done"], "--status"),
        (["--format", "csv", "--task", "no such"], "no task"),
        (["--format", "csv", "--scan-id", "nope"], "no scan"),
        (["--format", "csv", "--since", "yesterday"], "--since"),
    ],
)
def test_wrong_usage_is_one_line_and_leaves_no_file(data: Path, arguments: list[str], said: str) -> None:
    result = run(*arguments, "--output", str(data / "a.csv"))
    assert (result.exit_code, said in result.output) == (2, True)
    assert not list(data.glob("a.csv*"))


def test_a_place_that_cannot_be_written_is_said(data: Path) -> None:
    result = run("--format", "csv", "--output", str(data / "missing" / "a.csv"))
    assert (result.exit_code, "Cannot write" in result.output) == (2, True)
