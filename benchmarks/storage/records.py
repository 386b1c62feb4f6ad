"""Made-up history for queries: many shops, tasks and outcomes, words and codes that are common, rare or unique."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Final

from pixel_agent.core import ScanSpec, Status
from pixel_agent.schemas.records import ReviewState
from pixel_agent.storage import events, scans
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord
from pixel_agent.storage.search import words_of
from pixel_agent.storage.store import Store

FIRST_MS: Final = 1_760_000_000_000
STEP_MS: Final = 60_000
"""The scans are one minute apart, from October 2025 on."""
SHOPS: Final = 60
TASKS: Final = {"product_full_scan": 50, "price_tag": 30, "text_read": 15, "safety_check": 4, "planogram_check": 1}
"""Frequency of each task, in percent; the last is the rare one."""
STATUSES: Final = {Status.COMPLETED: 900, Status.PARTIAL: 70, Status.FAILED: 20, Status.RETAKE_REQUIRED: 10}
GTINS: Final = tuple(f"06900000{number:06}" for number in range(500))
"""The first is on a third of all scans, each other one on about one in five hundred."""
GOODS: Final = (
    *("可口可乐 汽水 500ml", "农夫山泉 饮用天然水 550ml", "康师傅 红烧牛肉面", "伊利 纯牛奶 250ml", "海天 生抽酱油"),
    *("乐事 原味薯片 75g", "Coca-Cola Zero", "Oreo Original", "王老吉 凉茶", "老干妈 风味豆豉"),
)
TAG_WORDS: Final = words_of(["个价签"])
_CHUNK = 1000
_TEMPLATES = 300


async def fill(store: Store, number: int) -> None:
    """Write `number` finished scans, the oldest first, with their events; photos have rows but no files."""
    coming = _entries(number)
    while chunk := list(islice(coming, _CHUNK)):
        async with store.db.write() as conn:
            await scans.insert_many(conn, chunk)
            await events.scans_ended(conn, [(new, outcome) for new, outcome in chunk if outcome is not None])


def shop(number: int) -> str:
    """The name of a shop; the first has half of all scans."""
    return f"S{number:03}"


def unique_word(index: int) -> str:
    """A word that occurs only in this scan."""
    return f"nr{index}"


def _entries(number: int) -> Iterator[scans.NewEntry]:
    chance = random.Random(7)
    templates = [_template(chance) for _ in range(_TEMPLATES)]
    tasks, statuses = list(TASKS), list(STATUSES)
    for index in range(number):
        received = FIRST_MS + index * STEP_MS
        new = NewScan(
            f"{chance.getrandbits(128):032x}",
            "sync",
            ScanSpec(
                chance.choices(tasks, list(TASKS.values()))[0],
                store_id=shop(chance.randrange(SHOPS) if chance.random() < 0.5 else 0),
            ),
            received,
            photo=PhotoRecord(f"{chance.getrandbits(256):064x}", 300_000, "image/jpeg", 4032, 3024),
            filename=f"IMG_{index:06}.jpg",
        )
        words, document, summary = chance.choice(templates)
        if new.spec.task == "price_tag":  # some words belong to one task
            words += TAG_WORDS
        findings, advised = chance.random() < 0.2, chance.random() < 0.1
        review: ReviewState = "advised" if advised else "none"
        gtins = [GTINS[0]] if chance.random() < 0.33 else []
        outcome = Outcome(
            chance.choices(statuses, list(STATUSES.values()))[0],
            received + 900,
            engine="embedded",
            summary=summary,
            items=4,
            findings=int(findings),
            severity=chance.choice(("minor", "minor", "minor", "major", "critical")) if findings else None,
            review=review,
            total_ms=195.0,
            document=document,
            gtins=(*gtins, chance.choice(GTINS[1:])),
            words=f"{words}{unique_word(index)} ",
        )
        yield scans.NewEntry(new, outcome)


def _template(chance: random.Random) -> tuple[str, str, str]:
    """Words, envelope and summary of a reading; four rows, as large as those of a price tag."""
    names = [chance.choice(GOODS) for _ in range(4)]
    prices = [f"{chance.uniform(1, 90):.2f}" for _ in names]
    row = {"bbox": [10, 20, 300, 400], "source": "text", "confidence": 0.97, "verified_by": [], "review": "none"}
    items = [{**row, "name": n, "regular_price": p, "currency": "CNY"} for n, p in zip(names, prices, strict=True)]
    envelope = {"status": "completed", "items": items, "findings": [], "alerts": [], "summary": "4 个价签"}
    envelope["raw_text"] = "x" * 1500
    return words_of([*names, *prices]), json.dumps(envelope, ensure_ascii=False), "4 个价签"
