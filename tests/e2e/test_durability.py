"""No accepted scan is lost: a small version of the proof; `make prove-durability` runs all of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.databases import Postgres
from tests.e2e.conftest import Server, Start, wait_until
from tests.e2e.durability import prove

pytestmark = pytest.mark.e2e


def test_nothing_accepted_is_lost_when_a_server_is_killed(tmp_path: Path) -> None:
    proof = prove(tmp_path, "", number=1, count=40, kills=2)
    assert proof.holds, proof


@pytest.mark.postgres
def test_nothing_accepted_is_lost_when_one_of_two_servers_is_killed(tmp_path: Path, postgres: Postgres) -> None:
    proof = prove(tmp_path, postgres.create(), number=2, count=40, kills=2)
    assert proof.holds, proof


@pytest.mark.postgres
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_was_answered_at_once_is_in_the_history_of_the_next_server(
    start: Start, jpeg: bytes, database: str, request: pytest.FixtureRequest
) -> None:
    url = "" if database == "sqlite" else request.getfixturevalue("postgres").create()
    settings = {"PIXEL_AGENT_STORE__URL": url, "PIXEL_AGENT_SIMULATED__BASE_MS": "5"}
    answered: dict[str, bytes] = {}
    for begin in (0, 10):
        server = start(**settings)
        photos = [jpeg + bytes([number]) for number in range(begin, begin + 10)]
        with ThreadPoolExecutor(10) as clients:
            ids = clients.map(scan, [server] * len(photos), photos)
            answered |= dict(zip(ids, photos, strict=True))
        server.process.kill()
        server.process.wait()
    server = start(**settings)
    wait_until(lambda: history(server) == sorted(answered))
    for scan_id, photo in answered.items():
        assert httpx.get(f"{server.url}/v1/scans/{scan_id}/photo").content == photo


def scan(server: Server, photo: bytes) -> str:
    answer = httpx.post(f"{server.url}/v1/scans", files={"photos": photo}, timeout=30).json()
    assert not any(warning["code"] == "not_recorded" for warning in answer["warnings"])
    return str(answer["scan_id"])


def history(server: Server) -> list[str]:
    page = httpx.get(f"{server.url}/v1/scans?limit=200", timeout=30).json()
    return sorted(one["scan_id"] for one in page["scans"])
