"""Response times of history, review and comparison over many records, through the whole application."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import httpx
import numpy as np
import typer
from PIL import Image
from pydantic import JsonValue

from benchmarks.load.result import percentile
from benchmarks.report import show
from pixel_agent.api.app import create_app
from pixel_agent.core import EngineInfo, Reading, Review, Row, Scan, ScanSpec, Source, Status
from pixel_agent.core.settings import load
from pixel_agent.service.service import build_service
from pixel_agent.storage import reviews, scans
from pixel_agent.storage.outcome import outcome_of
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, moment, now_ms
from pixel_agent.storage.reviews import NewReview
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue

DAYS = 60
DAY_MS = 86_400_000
STORES = 40
CHUNK = 1000
RULES = ("hat", "mask", "uniform", "gloves", "lids_closed", "off_floor", "pests")
SEVERITIES = ("minor", "minor", "major", "critical")
PHOTO_SIZE = (4032, 3024)


def bench_history(
    records: Annotated[int, typer.Option(min=1000, help="Scans in the store.")] = 100_000,
    reviewed: Annotated[int, typer.Option(min=1, help="Of those, scans that people have judged.")] = 2000,
    times: Annotated[int, typer.Option(min=1, help="How often each is asked.")] = 100,
    database: Annotated[str, typer.Option(help="URL of an empty PostgreSQL database; empty: SQLite.")] = "",
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Ask for stores, comparisons, accuracy, reviews and pictures over made-up records: milliseconds an answer.

    `CPU ms` is what this process (all of it, but not a PostgreSQL server) works for one: it tells a busy machine from a slow answer.
    """
    with TemporaryDirectory(prefix="pixel-agent-bench-") as folder:
        rows = asyncio.run(_measured(folder, database, records, reviewed, times))
    kind = "PostgreSQL" if database else "SQLite"
    worst = max(rows, key=lambda row: _ms(row["p95 ms"]))
    title = (
        f"{records:,} scans, {reviewed:,} reviewed, {kind}: worst p95 {_ms(worst['p95 ms']):.1f} ms ({worst['what']})"
    )
    show(title, rows, json_path=json_path)


async def _measured(folder: str, database: str, number: int, judged: int, times: int) -> list[dict[str, JsonValue]]:
    settings = load({"engine": "simulated", "data_dir": folder, "store": {"url": database}}, environment={})
    service = build_service(settings)
    app = create_app(service)
    async with app.router.lifespan_context(app):
        ids = await _filled(service.storage, number)
        await _judge(service.storage, ids[:: max(1, len(ids) // judged)][:judged])
        await service.storage.retention.refresh_statistics()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as client:
            return [await _asked(client, *one, times) for one in _questions(ids)]


def _questions(ids: list[str]) -> Iterator[tuple[str, str, list[str], JsonValue]]:
    """The requests: name, method, addresses to use in turn, body."""
    chance = random.Random(3)
    some = chance.sample(ids, 200)
    days = (moment(now_ms() - DAYS * DAY_MS)).date()
    yield "a page of 50", "GET", ["/v1/scans"], None
    yield "one scan", "GET", [f"/v1/scans/{one}" for one in some], None
    yield "all stores", "GET", ["/v1/stores"], None
    yield "a store, 30 days", "GET", [f"/v1/stores/S{n:03}" for n in range(1, STORES)], None
    yield "the store with half of all scans, 30 days", "GET", ["/v1/stores/S000"], None
    yield "the same, all its time", "GET", [f"/v1/stores/S000?since={days}"], None
    yield "compare two scans", "GET", _pairs(some), None
    yield (
        "compare the latest visits",
        "GET",
        [f"/v1/compare?store_id=S{n:03}&task=kitchen_hygiene" for n in range(1, STORES)],
        None,
    )
    yield "accuracy of one store", "GET", [f"/v1/accuracy?store_id=S{n:03}" for n in range(1, STORES)], None
    yield "accuracy of all", "GET", ["/v1/accuracy"], None
    yield "correct a value", "POST", [f"/v1/scans/{one}/reviews" for one in some], _CORRECTION
    yield "thumbnail, made", "GET", [f"/v1/scans/{ids[-1]}/thumbnail?size={size}" for size in range(200, 400)], None
    yield "thumbnail, kept", "GET", [f"/v1/scans/{ids[-1]}/thumbnail?size=200"], None
    yield "annotated photo", "GET", [f"/v1/scans/{ids[-1]}/annotated"], None


_CORRECTION: JsonValue = {"action": "correct", "part": "findings", "row": 0, "field": "severity", "value": "minor"}


def _pairs(ids: list[str]) -> list[str]:
    return [f"/v1/compare?before={one}&after={other}" for one, other in zip(ids[::2], ids[1::2], strict=True)]


async def _asked(
    client: httpx.AsyncClient, what: str, method: str, addresses: list[str], body: JsonValue, times: int
) -> dict[str, JsonValue]:
    taken, worked = [], time.process_time()
    for turn in range(times + 1):
        began = time.perf_counter()
        answer = await client.request(method, addresses[turn % len(addresses)], json=body)
        taken.append((time.perf_counter() - began) * 1000)
        answer.raise_for_status()
    worked_ms = (time.process_time() - worked) * 1000 / len(taken)
    taken = sorted(taken[1:])  # without the first, which opens connections and files for the others
    return {
        "what": what,
        "bytes": len(answer.content),
        "p50 ms": round(percentile(taken, 0.5), 2),
        "p95 ms": round(percentile(taken, 0.95), 2),
        "CPU ms": round(worked_ms, 2),
    }


async def _filled(store: Store, number: int) -> list[str]:
    """Write kitchen scans of many shops over some time, each with its own photo; only the last photo has a file."""
    photo = _photo()
    name = sha256(photo).hexdigest()
    await asyncio.to_thread(store.photos.put, photo, name, durable=False)
    ids: list[str] = []
    coming = _entries(number, name, len(photo))
    while chunk := list(islice(coming, CHUNK)):
        async with store.db.write() as conn:
            await scans.insert_many(conn, chunk)
        ids += [entry.new.scan_id for entry in chunk]
    return ids


def _entries(number: int, photo: str, size: int) -> Iterator[scans.NewEntry]:
    chance = random.Random(7)
    outcomes = [_outcome(chance) for _ in range(300)]
    first = now_ms() - DAYS * DAY_MS
    for index in range(number):
        received = first + index * DAYS * DAY_MS // number
        sha = photo if index == number - 1 else f"{chance.getrandbits(256):064x}"
        new = NewScan(
            f"{chance.getrandbits(128):032x}",
            "sync",
            ScanSpec(
                "kitchen_hygiene",
                store_id=f"S{chance.randrange(1, STORES) if chance.random() < 0.5 else 0:03}",
            ),
            received,
            photo=PhotoRecord(sha, size, "image/jpeg", *PHOTO_SIZE),
        )
        yield scans.NewEntry(new, replace(chance.choice(outcomes), finished_at=received + 900))


def _outcome(chance: random.Random) -> Outcome:
    """A kitchen scan with some findings, each with a box."""
    rows = tuple(
        Row(
            {
                "rule_id": rule,
                "status": "fail",
                "severity": chance.choice(SEVERITIES),
                "evidence": "灶台旁",
                "action": "整改",
            },
            (100, 100 + 200 * n, 900, 260 + 200 * n),
            Source.MODEL,
            review=Review.ADVISED if chance.random() < 0.1 else Review.NONE,
        )
        for n, rule in enumerate(chance.sample(RULES, chance.randint(1, 5)))
    )
    scan = Scan(
        "0" * 32,
        Status.COMPLETED,
        ScanSpec("kitchen_hygiene"),
        Catalogue().find("kitchen_hygiene"),
        EngineInfo("simulated", "none", "1", simulated=True),
        Reading(findings=rows, summary=f"{len(rows)} 条问题"),
        {"total": 195.0},
        datetime.now(UTC),
    )
    return outcome_of(scan)


async def _judge(store: Store, ids: list[str]) -> None:
    for scan_id in ids:
        async with store.db.write() as conn:
            record = await scans.get(conn, scan_id)
            if record is not None:
                await reviews.add(conn, record, NewReview("bench", "confirm"))
                await reviews.add(conn, record, NewReview("bench", "correct", "findings", 0, "severity", "info"))


def _photo() -> bytes:
    """A JPEG of twelve million pixels, smooth with some detail, about as large as a phone's."""
    small = np.random.default_rng(5).integers(0, 255, (PHOTO_SIZE[1] // 12, PHOTO_SIZE[0] // 12, 3), np.uint8)
    buffer = BytesIO()
    Image.fromarray(small).resize(PHOTO_SIZE, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _ms(value: JsonValue) -> float:
    return value if isinstance(value, float) else 0.0
