"""A real server whose data folder is full or read-only: it answers, reports it, and recovers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Server, Start, wait_until

pytestmark = pytest.mark.e2e
SIZE = 6 * 2**20


@dataclass(frozen=True, slots=True)
class Disk:
    """A small disk of its own."""

    folder: Path

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

    def empty(self) -> None:
        (self.folder / "filler").unlink()

    def writable(self, yes: bool) -> None:
        subprocess.run(["mount", "-o", f"remount,{'rw' if yes else 'ro'}", self.folder], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small tmpfs")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "pixel-agent-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


def serve(start: Start, disk: Disk) -> Server:
    data = str(disk.folder / "data")
    return start(PIXEL_AGENT_DATA_DIR=data, PIXEL_AGENT_STORE__RETRY_S="0.1", PIXEL_AGENT_STORE__MIN_FREE_BYTES="0")


def scan(server: Server, jpeg: bytes, number: int, **headers: str) -> httpx.Response:
    photo = jpeg + bytes([number])  # another photo each time, and none too large for what is left
    return httpx.post(f"{server.url}/v1/scans", files={"photos": photo}, headers=headers, timeout=120)


def warnings(response: httpx.Response) -> set[str]:
    assert response.status_code == 200, response.text
    return {warning["code"] for warning in response.json()["warnings"]}


def refused_record(server: Server, jpeg: bytes, number: int) -> httpx.Response:
    answer = scan(server, jpeg, number)
    assert "not_recorded" in warnings(answer)
    return answer


def kept(server: Server) -> set[str]:
    response = httpx.get(f"{server.url}/v1/scans?limit=200", timeout=120)
    assert response.status_code == 200, response.text
    return {one["scan_id"] for one in response.json()["scans"]}


def works(server: Server) -> bool:
    store = httpx.get(f"{server.url}/v1/stats", timeout=120).json()["store"]
    return bool(store["ok"] and not store["waiting"])


def test_a_full_disk_costs_a_warning_and_is_made_up_for(start: Start, disk: Disk, jpeg: bytes) -> None:
    server = serve(start, disk)
    ids = [scan(server, jpeg, 0).json()["scan_id"]]
    disk.fill()
    ids += [refused_record(server, jpeg, number).json()["scan_id"] for number in (1, 2, 3)]
    later = scan(server, jpeg, 4, Prefer="respond-async")
    assert later.status_code == 507
    assert later.json()["code"] == "store_full"
    assert httpx.get(f"{server.url}/readyz", timeout=120).status_code == 200
    assert httpx.get(f"{server.url}/v1/stats", timeout=120).json()["store"]["code"] == "store_full"
    disk.empty()
    wait_until(lambda: works(server))
    answer = scan(server, jpeg, 5)
    assert "not_recorded" not in warnings(answer)
    assert kept(server) == {*ids, answer.json()["scan_id"]}
    assert server.stop() == 0


def test_a_folder_that_turns_read_only_costs_a_warning_and_is_made_up_for(
    start: Start, disk: Disk, jpeg: bytes
) -> None:
    server = serve(start, disk)
    ids = [scan(server, jpeg, 0).json()["scan_id"]]
    data = disk.folder / "data"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "pixel-agent-test", data], check=True)  # in its place
    try:
        ids += [refused_record(server, jpeg, number).json()["scan_id"] for number in (1, 2)]
        later = scan(server, jpeg, 3, Prefer="respond-async")
        assert later.status_code == 503
        assert later.json()["code"] == "store_unavailable"
        assert httpx.get(f"{server.url}/readyz", timeout=120).status_code == 200
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)
    wait_until(lambda: works(server))
    assert kept(server) == set(ids)


def test_it_starts_on_a_folder_that_cannot_be_written_and_keeps_scans_once_it_can(
    start: Start, disk: Disk, jpeg: bytes
) -> None:
    disk.writable(False)
    server = serve(start, disk)
    answer = scan(server, jpeg, 0)
    assert "not_recorded" in warnings(answer)
    later = scan(server, jpeg, 1, Prefer="respond-async")
    assert later.status_code == 503
    assert later.json()["code"] == "store_unavailable"
    disk.writable(True)
    wait_until(lambda: works(server))
    assert kept(server) == {answer.json()["scan_id"]}
