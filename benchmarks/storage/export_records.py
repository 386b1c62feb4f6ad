"""Fills a store with made-up records for the export benchmark: four tasks, rows with boxes, some with corrections."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

from pydantic import JsonValue
from sqlalchemy import insert

from pixel_agent.core import Alert, EngineInfo, Quality, Reading, Review, Row, Scan, ScanSpec, Severity, Source, Status
from pixel_agent.storage import scans
from pixel_agent.storage.outcome import outcome_of
from pixel_agent.storage.records import NewScan, Outcome
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import reviews
from pixel_agent.tasks import Catalogue

FIRST_MS = 1_760_000_000_000
STEP_MS = 60_000
"""The records are one minute apart, from October 2025 on."""
CORRECTED_EVERY = 50
TEMPLATES = 400
_CHUNK = 1000
_MARK = "0" * 32
_GOODS = (
    "康师傅 红烧牛肉面",
    "农夫山泉 饮用天然水",
    "可口可乐 汽水",
    "伊利 纯牛奶",
    "海天 生抽酱油",
    "乐事 原味薯片",
    "Lay's & Co. <max>",
)
_ENGINE = EngineInfo("embedded", "PP-OCRv6-small", "bench")


async def fill(store: Store, number: int) -> None:
    """Write `number` records, the oldest first. Photos are not made."""
    templates = _templates()
    coming = _entries(templates, number)
    while chunk := list(islice(coming, _CHUNK)):
        async with store.db.write() as conn:
            numbers = await scans.insert_many(conn, chunk)
            corrected = [seq for seq in numbers if seq % CORRECTED_EVERY == 0]
            if corrected:
                await conn.execute(insert(reviews), [_correction(seq) for seq in corrected])


def since_of(number: int, newest: int) -> int:
    """The time (ms) from which the newest so many of `number` records were received."""
    return FIRST_MS + (number - newest) * STEP_MS


def _entries(templates: Sequence[tuple[str, Outcome]], number: int) -> Iterator[scans.NewEntry]:
    chance = random.Random(7)
    for index in range(number):
        task, outcome = templates[chance.randrange(len(templates))]
        scan_id = f"{chance.getrandbits(128):032x}"
        received = FIRST_MS + index * STEP_MS
        document = (outcome.document or "").replace(_MARK, scan_id, 1)
        new = NewScan(
            scan_id, "sync", ScanSpec(task, store_id=f"门店 {index % 40}"), received, filename=f"IMG_{index:06}.jpg"
        )
        yield scans.NewEntry(new, replace(outcome, document=document, finished_at=received + 900))


def _templates() -> list[tuple[str, Outcome]]:
    chance, catalogue = random.Random(5), Catalogue()
    kinds = {"price_tag": _tags, "product_full_scan": _products, "safety_check": _hazards, "text_read": _lines}
    found = []
    for index in range(TEMPLATES):
        name = list(kinds)[index % len(kinds)]
        scan = Scan(
            scan_id=_MARK,
            status=Status.COMPLETED,
            spec=ScanSpec(name),
            task=catalogue.find(name),
            engine=_ENGINE,
            reading=kinds[name](chance),
            timings={"queue": 2.2, "photo": 31.5, "engine": 160.4, "evidence": 0.2, "reading": 1.1, "total": 195.4},
            received_at=datetime.fromtimestamp(FIRST_MS / 1000, UTC),
            photo_sha256=f"{chance.getrandbits(256):064x}",
            media_type="image/jpeg",
            width=4032,
            height=3024,
            quality=Quality(0.45, 0.4, 0.6, 0.01),
        )
        found.append((name, replace(outcome_of(scan), photo=None)))
    return found


def _tags(chance: random.Random) -> Reading:
    rows = [
        _row(
            chance,
            name=chance.choice(_GOODS),
            regular_price=round(chance.uniform(1, 90), 2),
            sale_price=None,
            member_price=None,
            currency="CNY",
            unit=chance.choice(["瓶", "袋", None]),
            spec="500ml",
            origin=chance.choice(["上海", None]),
            gtin=chance.choice(["6901234567892", None]),
            issues=[],
        )
        for _ in range(chance.randint(1, 8))
    ]
    alerts = (Alert("price_mismatch", Severity.MAJOR, "价签与应有价格不符", rows[0].bbox),)
    return Reading(
        items=tuple(rows), alerts=alerts, summary=f"{len(rows)} 个价签，1 条提示", totals={"tags": len(rows)}
    )


def _products(chance: random.Random) -> Reading:
    rows = [
        _row(chance, name=chance.choice(_GOODS), brand=None, spec="105g", category="食品", facings=chance.randint(1, 9))
        for _ in range(chance.randint(2, 10))
    ]
    return Reading(items=tuple(rows), summary=f"{len(rows)} 种商品", totals={"products": len(rows)})


def _hazards(chance: random.Random) -> Reading:
    rows = [
        _row(
            chance,
            hazard=chance.choice(["blocked_exit", "wet_floor"]),
            status="fail",
            severity=chance.choice(["minor", "major", "critical"]),
            evidence="门口堆放纸箱，通道宽度不足",
            action="移走并保持通道畅通",
        )
        for _ in range(chance.randint(0, 3))
    ]
    return Reading(findings=tuple(rows), summary=f"{len(rows)} 项隐患")


def _lines(chance: random.Random) -> Reading:
    rows = [_row(chance, text=f"{chance.choice(_GOODS)} =SUM(A{n}) {n}") for n in range(chance.randint(1, 12))]
    return Reading(items=tuple(rows), summary=f"{len(rows)} 行文字")


def _row(chance: random.Random, **fields: JsonValue) -> Row:
    left, top = chance.randrange(3000), chance.randrange(2000)
    box = (left, top, left + chance.randrange(50, 900), top + chance.randrange(30, 700))
    return Row(fields, box, Source.TEXT, round(chance.uniform(0.7, 1), 4), review=Review.ADVISED)


def _correction(seq: int) -> dict[str, object]:
    return {
        "seq": seq,
        "at": FIRST_MS + seq * STEP_MS,
        "reviewer": "王芳",
        "action": "correct",
        "part": "items",
        "row_index": 0,
        "field": "name",
        "value": json.dumps("更正后的品名"),
        "model_value": json.dumps("原来的品名"),
        "comment": "",
    }
