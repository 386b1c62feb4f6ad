"""The examples of docs/client.md do what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pixel_agent.client import Client
from pixel_agent.schemas.signing import new_secret, sign
from tests.e2e.conftest import Server, servers
from tests.paths import DOCS

pytestmark = pytest.mark.e2e

PAGE = DOCS / "client.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
HOME = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("docs")
    with servers(folder) as start:
        yield start(PIXEL_AGENT_DATA_DIR=str(folder / "data"), PIXEL_AGENT_SIMULATED__BASE_MS="5")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_an_example_runs(server: Server, jpeg: bytes, tmp_path: Path, number: int) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("shelf.jpg", "tag.jpg", "photos/a.jpg", "photos/b.jpg"):
        (tmp_path / name).write_bytes(jpeg + name.encode())
    with Client(server.url) as client:
        client.scan(jpeg, task="price_tag", store_id="0042")
    script = tmp_path / "example.py"
    script.write_text(BLOCKS[number].replace(HOME, server.url), "utf-8")
    run = [sys.executable, "-X", "utf8", "-W", "error", str(script)]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout or "def receive" in BLOCKS[number]


def test_there_are_examples_and_all_name_the_same_server() -> None:
    assert len(BLOCKS) >= 8
    assert sum(HOME in block for block in BLOCKS) == len(BLOCKS) - 1


def test_the_receiver_of_the_example_takes_what_is_genuine() -> None:
    names: dict[str, object] = {}
    exec(compile(BLOCKS[-1], str(PAGE), "exec"), names)
    receive = names["receive"]
    assert callable(receive)
    secret, now = new_secret(), int(time.time())
    body = b'{"type": "scan.alert", "timestamp": "2026-11-22T08:00:00Z", "data": {"scan_id": "a"}}'
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "m", now, body),
    }
    assert (receive(headers, body, secret), receive(headers, body + b" ", secret)) == (204, 400)
