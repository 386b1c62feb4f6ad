"""The same model on a third-party server, `transformers serve`: read through the engine `openai` with equal results.

Neither side constrains the output, because that server has no schemas; the model is tiny and random.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Server, servers, wait_until
from tests.e2e.test_model_process import scan
from tests.paths import ROOT

pytest.importorskip("torch", reason="the model engine needs PyTorch")
pytestmark = pytest.mark.e2e

TASKS = """
[tasks.sign]
zh = "招牌"
en = "Sign"
prompt_zh = "招牌上写着什么？"
max_new_tokens = 40
schema = '{"type": "object", "properties": {"answer": {"type": "string"}}}'

[tasks.door]
zh = "门"
en = "Door"
prompt_zh = "门开着吗？请用一句话回答，并说明理由。"
max_new_tokens = 24
schema = '{"type": "object", "properties": {"answer": {"type": "string"}}}'
"""
LAUNCHER = ROOT / "benchmarks" / "reference" / "transformers_serve.py"


@pytest.fixture(scope="module")
def independent(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[str]:
    """The URL of the library's own server with the tiny model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    arguments = ["serve", str(tiny_model), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    log = tmp_path_factory.mktemp("independent") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(LAUNCHER), *arguments, "--dtype", "float32"],
            stdout=output,
            stderr=output,
            env=environment,
        )
    try:
        wait_until(lambda: process.poll() is not None or healthy(url), 120)
        assert process.poll() is None, log.read_text("utf-8", "replace")[-2000:]
        yield url
    finally:
        process.terminate()
        process.wait(20)


def healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, independent: str
) -> Iterator[tuple[Server, Server]]:
    """Our process with the model, and ours in front of the other server."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "tasks.toml").write_text(TASKS, "utf-8")
    with servers(folder) as start:
        ours = start(
            "transformers",
            PIXEL_AGENT_TRANSFORMERS__MODEL=str(tiny_model),
            PIXEL_AGENT_TRANSFORMERS__DEVICE="cpu",
            PIXEL_AGENT_TRANSFORMERS__DTYPE="float32",
            PIXEL_AGENT_TRANSFORMERS__THREADS="1",
            PIXEL_AGENT_TRANSFORMERS__CONSTRAINED="false",
            PIXEL_AGENT_TASKS_FILE="tasks.toml",
        )
        theirs = start(
            "openai",
            PIXEL_AGENT_OPENAI__URLS=f"{independent}/v1",
            PIXEL_AGENT_OPENAI__MODEL=str(tiny_model),
            PIXEL_AGENT_OPENAI__TIMEOUT_S="55",
            PIXEL_AGENT_TASKS_FILE="tasks.toml",
        )
        yield ours, theirs


def test_a_server_that_is_not_ours_reads_the_same(pair: tuple[Server, Server]) -> None:
    asked = [(seed, task) for seed in range(3) for task in ("sign", "door")]
    ours, theirs = ([{**scan(server, *one), "tokens": None} for one in asked] for server in pair)
    assert theirs == ours
    assert len({str(reading["raw_text"]) for reading in ours}) > 2
