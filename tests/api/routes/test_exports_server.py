"""Exports from a real server: a failure midway breaks the connection; a client that leaves frees its resources."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from pixel_agent.core import ScanSpec
from pixel_agent.core.settings import load
from pixel_agent.storage import scans
from pixel_agent.storage.outcome import outcome_of
from pixel_agent.storage.records import NewScan
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import readings
from tests.e2e.conftest import Server, servers
from tests.readings import row, scan

pytestmark = pytest.mark.e2e

NUMBER = 3000
AT_MS = 1_760_000_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with thousands of records, the oldest of which is damaged; temporary files go to a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    asyncio.run(_fill(folder / "data"))
    (folder / "tmp").mkdir()
    with servers(folder) as start:
        yield start(TMPDIR=str(folder / "tmp"), PIXEL_AGENT_EXPORTS__AT_ONCE="1")
    assert not list((folder / "tmp").glob("pixel-agent-export-*"))


async def _fill(data: Path) -> None:
    store = Store(load({"data_dir": str(data)}, environment={}))
    await store.open()
    outcome = outcome_of(scan(*(row((1, 2, 30, 40), name="水" * 40) for _ in range(20)), sha256=None))
    new = [
        scans.NewEntry(NewScan(f"{number:032x}", "sync", ScanSpec("price_tag"), AT_MS + number), outcome)
        for number in range(NUMBER)
    ]
    async with store.db.write() as conn:
        first, *_ = await scans.insert_many(conn, new)
        await conn.execute(update(readings).where(readings.c.seq == first).values(document='{"scan_id": '))
    await store.close()


@pytest.mark.parametrize("name", ["csv", "jsonl", "xlsx", "coco"])
def test_a_failure_in_the_middle_breaks_the_connection(server: Server, name: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{server.url}/v1/exports", params={"format": name}, timeout=120)


def test_a_client_that_leaves_frees_its_place(server: Server) -> None:
    with httpx.stream("GET", f"{server.url}/v1/exports", params={"format": "csv"}, timeout=120) as answer:
        assert next(answer.iter_bytes()).startswith(b"\xef\xbb\xbfscan_id")
    end = time.monotonic() + 120
    few = {"format": "csv", "scan_id": f"{NUMBER - 1:032x}"}
    while (again := httpx.get(f"{server.url}/v1/exports", params=few, timeout=120)).status_code == 503:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert again.text.count("\n") == 21


def test_what_is_whole_comes_whole(server: Server) -> None:
    params = {"format": "csv", "since": "2025-10-09T08:53:20.001Z"}
    answer = httpx.get(f"{server.url}/v1/exports", params=params, timeout=120)
    assert answer.text.count("\n") == (NUMBER - 1) * 20 + 1
