"""The proof that nothing accepted is lost: servers are killed at random while accepted scans run, and then all is counted.

`python -m tests.e2e.durability` runs the whole of it, once on SQLite with one server and once on PostgreSQL with two.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

import cv2
import httpx
import numpy as np
from sqlalchemy import select

from pixel_agent.core.settings import load
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import events, scans
from tests.databases import cluster, postgres_tools
from tests.e2e.conftest import Server, Start, servers

CLIENTS = 8
GIVE_UP_S = 300.0
FINAL = {"completed", "partial", "retake_required", "failed", "cancelled", "expired"}
PACE = 20
"""Scans a second that all devices together answer: slow enough that there is always something to die in the middle of."""
ITEMS = 4
QUICK = {
    "PIXEL_AGENT_SIMULATED__PER_ITEM_MS": "0",
    "PIXEL_AGENT_SIMULATED__MAX_ITEMS": str(ITEMS),
    "PIXEL_AGENT_ASYNCHRONOUS__LEASE_S": "2",
    "PIXEL_AGENT_ASYNCHRONOUS__POLL_S": "0.2",
    "PIXEL_AGENT_STORE__MIN_FREE_BYTES": "0",
}


@dataclass(slots=True)
class Proof:
    """What was done, and what is in the history afterwards."""

    database: str
    servers: int
    scans: int
    kills: int = 0
    killed_with_unfinished: list[int] = field(default_factory=list)
    sent_again: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)
    lost: int = 0
    twice: int = 0
    unfinished: int = 0
    told_once: int = 0
    stored_twice: int = 0

    @property
    def holds(self) -> bool:
        """All were read, none is lost, none there twice, each told once."""
        read = self.statuses == {"completed": self.scans} and self.told_once == self.scans
        return read and not (self.lost or self.twice or self.unfinished or self.stored_twice)


def prove(folder: Path, url: str, *, number: int, count: int, kills: int, seed: int = 0) -> Proof:
    """Accept `count` scans with `number` servers on one database, while so many of them are killed; then count."""
    proof = Proof("postgresql" if url else "sqlite", number, count)
    environment = {
        **QUICK,
        "PIXEL_AGENT_SIMULATED__BASE_MS": str(1000 * ITEMS * number // PACE),
        # Killed every few seconds, a scan may be unlucky each time, and a machine that stands still lets leases end as well;
        # it is not to blame, and must not be given up for it.
        "PIXEL_AGENT_ASYNCHRONOUS__MAX_ATTEMPTS": str(kills + 100),
        "PIXEL_AGENT_DATA_DIR": str(folder / "data"),
        "PIXEL_AGENT_STORE__URL": url,
    }
    began = time.monotonic()
    with servers(folder) as start, httpx.Client(timeout=120) as client:
        running = [_Victim(start, environment) for _ in range(number)]
        photos = [_photo(index) for index in range(count)]
        accepted: dict[str, str] = {}
        sent = threading.Event()

        def submit(data: bytes) -> None:
            key = uuid.uuid4().hex
            for attempt in range(10_000):
                scan_id = _accepted(client, running[attempt % number].url, data, key)
                if scan_id is not None:
                    accepted[sha256(data).hexdigest()] = scan_id
                    proof.sent_again += attempt
                    return
                time.sleep(0.25)

        def submit_all() -> None:
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(submit, photos))
            sent.set()

        submitting = threading.Thread(target=submit_all)
        submitting.start()
        _kill_at_random(client, running, kills, random.Random(seed), accepted, proof)
        submitting.join()
        for victim in running:
            victim.up.wait(GIVE_UP_S)
        _wait_for_all(client, running)
    proof.seconds = round(time.monotonic() - began, 1)
    settings = load({"data_dir": str(folder / "data"), "store": {"url": url}}, environment={})
    asyncio.run(_count(Store(settings), accepted, photos, proof))
    return proof


class _Victim:
    """A server that is started again on its port whenever it was killed."""

    def __init__(self, start: Start, environment: dict[str, str]) -> None:
        self._start = start
        self._environment = environment
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.up = threading.Event()
        self._server: Server | None = None
        self._run()

    def kill(self) -> None:
        """At once, as `kill -9` does; it comes back by itself."""
        assert self._server is not None
        self.up.clear()
        self._server.process.kill()
        self._server.process.wait()
        threading.Thread(target=self._run).start()

    def _run(self) -> None:
        self._server = self._start(port=self._port, **self._environment)
        self.up.set()


def _kill_at_random(
    client: httpx.Client,
    running: list[_Victim],
    kills: int,
    chance: random.Random,
    accepted: dict[str, str],
    proof: Proof,
) -> None:
    """Kill when there is work in the middle of which to die."""
    while proof.kills < kills:
        time.sleep(chance.uniform(0.2, 1.5))
        up = [victim for victim in running if victim.up.is_set()]
        if not up:
            continue
        victim = chance.choice(up)
        unfinished = _unfinished(client, victim.url)
        if unfinished == 0 and len(accepted) == proof.scans:
            raise AssertionError(f"all was done after {proof.kills} kills: make the device slower")
        if unfinished:
            victim.kill()
            proof.kills += 1
            proof.killed_with_unfinished.append(unfinished)


def _accepted(client: httpx.Client, url: str, data: bytes, key: str) -> str | None:
    headers = {"Prefer": "respond-async", "Idempotency-Key": key}
    files = {"photos": ("a.jpg", data)}
    with suppress(httpx.TransportError):
        answer = client.post(f"{url}/v1/scans", files=files, data={"task": "text_read"}, headers=headers)
        if answer.status_code == 202:
            return str(answer.json()["scan_id"])
        assert answer.status_code in (409, 503), answer.text
    return None


def _unfinished(client: httpx.Client, url: str) -> int:
    """How many accepted scans have not ended, at most 200."""
    with suppress(httpx.TransportError):
        answer = client.get(f"{url}/v1/scans?status=queued&status=running&limit=200")
        if answer.status_code == 200:
            return len(answer.json()["scans"])
    return 0


def _wait_for_all(client: httpx.Client, running: list[_Victim]) -> None:
    end = time.monotonic() + GIVE_UP_S
    while time.monotonic() < end and _unfinished(client, running[0].url):
        time.sleep(0.1)


async def _count(store: Store, accepted: dict[str, str], photos: list[bytes], proof: Proof) -> None:
    await store.open()
    async with store.db.read() as conn:
        rows = (
            await conn.execute(select(scans.c.scan_id, scans.c.status, scans.c.attempts, scans.c.photo_sha256))
        ).all()
        ended = select(events.c.scan_id).where(events.c.kind != "scan.alert")
        told = Counter((await conn.execute(ended)).scalars())
    await store.close()
    by_photo = Counter(row.photo_sha256 for row in rows)
    known = {row.photo_sha256: row.scan_id for row in rows}
    proof.statuses = dict(Counter(row.status for row in rows))
    proof.begun = dict(sorted(Counter(row.attempts for row in rows).items()))
    proof.lost = sum(known.get(photo) != scan_id for photo, scan_id in accepted.items()) + len(photos) - len(accepted)
    proof.twice = sum(number > 1 for number in by_photo.values())
    proof.stored_twice = len(rows) - len(by_photo)
    proof.unfinished = sum(row.status not in FINAL for row in rows)
    proof.told_once = sum(told[row.scan_id] == 1 for row in rows)


def _photo(index: int) -> bytes:
    """A small photo that is no other's."""
    pixels = np.random.default_rng(index).integers(0, 255, (96, 96, 3), dtype=np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _database(kind: str) -> Iterator[str]:
    if kind == "sqlite":
        yield ""
        return
    tools = postgres_tools()
    if tools is None:
        sys.exit("PostgreSQL is not installed here: apt-get install postgresql")
    with cluster(tools, "fsync=on") as postgres:  # as an operator would run it
        yield postgres.create()


def main() -> None:
    """The whole proof; the exit code says whether it holds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=500)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2), "big"))
    given = parser.parse_args()
    held = True
    for kind, number in (("sqlite", 1), ("postgresql", 2)):
        with _database(kind) as url, tempfile.TemporaryDirectory() as folder:
            proof = prove(Path(folder), url, number=number, count=given.scans, kills=given.kills, seed=given.seed)
        held = held and proof.holds
        print(json.dumps({"seed": given.seed, "holds": proof.holds, **asdict(proof)}, ensure_ascii=False), flush=True)
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    main()
