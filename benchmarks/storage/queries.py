"""Queries of the history benchmark: every kind of list, filter and search, with different values each time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from benchmarks.storage.records import FIRST_MS, GTINS, SHOPS, STEP_MS, TASKS, shop, unique_word
from pixel_agent.core import Status
from pixel_agent.storage.records import Position, ScanFilter, moment

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of list. `ask` makes a filter for a history with the given number of scans."""

    name: str
    ask: Callable[[random.Random, int], ScanFilter]
    deep: bool = False


def questions() -> tuple[Question, ...]:
    """All kinds, cheap and expensive."""
    common, rare = next(iter(TASKS)), list(TASKS)[-1]
    return (
        Question("newest", lambda *_: ScanFilter()),
        Question("somewhere further down", lambda *_: ScanFilter(), deep=True),
        Question("common task", lambda *_: ScanFilter(task=common)),
        Question("rare task", lambda *_: ScanFilter(task=rare)),
        Question("one status", lambda r, _: ScanFilter(statuses=(r.choice(list(Status)),))),
        Question("two statuses", lambda *_: ScanFilter(statuses=(Status.COMPLETED, Status.PARTIAL))),
        Question("two rare statuses", lambda *_: ScanFilter(statuses=(Status.FAILED, Status.EXPIRED))),
        Question("shop", lambda r, _: ScanFilter(store_id=shop(r.randrange(SHOPS)))),
        Question("shop without scans", lambda *_: ScanFilter(store_id="nobody")),
        Question("needs review", lambda *_: ScanFilter(review="advised")),
        Question("critical", lambda *_: ScanFilter(severity="critical")),
        Question("one day", _day),
        Question("one day of a shop", lambda r, n: _day(r, n, store_id=shop(r.randrange(SHOPS)))),
        Question("task and status", lambda *_: ScanFilter(task=rare, statuses=(Status.FAILED,))),
        Question("shop, task, needs review", lambda r, _: ScanFilter(rare, (), shop(r.randrange(SHOPS)), review="advised")),
        Question("common code", lambda *_: ScanFilter(gtin=GTINS[0])),
        Question("code", lambda r, _: ScanFilter(gtin=r.choice(GTINS[1:]))),
        Question("common code and rare task", lambda *_: ScanFilter(gtin=GTINS[0], task=rare)),
        Question("common word", lambda r, _: ScanFilter(text=r.choice(("可口可乐", "牛奶", "oreo")))),
        Question("word on every scan", lambda *_: ScanFilter(text="价签")),
        Question("one character", lambda r, _: ScanFilter(text=r.choice("汽水面茶"))),
        Question("unique word", lambda r, n: ScanFilter(text=unique_word(r.randrange(n)))),
        Question("file name", lambda r, n: ScanFilter(text=f"IMG_{r.randrange(n):06}.jpg")),
        Question("three words", lambda *_: ScanFilter(text="可口可乐 纯牛奶 oreo")),
        Question("word that nobody wrote", lambda *_: ScanFilter(text="没有这个词")),
        Question("common word, rare task", lambda *_: ScanFilter(text="可口可乐", task=rare)),
        Question("common word, one shop", lambda r, _: ScanFilter(text="农夫山泉", store_id=shop(r.randrange(1, SHOPS)))),
        Question("common word, task without it", lambda *_: ScanFilter(text="价签", task=common)),
        Question("common word, needs review", lambda *_: ScanFilter(text="薯片", review="advised")),
        Question("common word, one day", lambda r, n: _day(r, n, text="酱油")),
        Question("common word, nothing fits", lambda *_: ScanFilter(text="价签", task=rare, store_id="nobody")),
        Question("common word and common code", lambda *_: ScanFilter(text="可口可乐", gtin=GTINS[0])),
    )  # fmt: skip


def somewhere(chance: random.Random, number: int) -> Position:
    """A random position in a history with this number of scans."""
    index = chance.randrange(number)
    return Position(FIRST_MS + index * STEP_MS, index + 1)


def as_query(wanted: ScanFilter, after: Position | None, limit: int) -> str:
    """The filter as the query string of `GET /v1/scans`."""
    given = {
        "task": wanted.task,
        "store_id": wanted.store_id,
        "review": wanted.review,
        "severity": wanted.severity,
        "gtin": wanted.gtin,
        "q": wanted.text,
        "since": None if wanted.since is None else moment(wanted.since).isoformat(),
        "until": None if wanted.until is None else moment(wanted.until).isoformat(),
        "cursor": None if after is None else str(after),
    }
    pairs = [(name, value) for name, value in given.items() if value is not None]
    return urlencode([*pairs, *(("status", status.value) for status in wanted.statuses), ("limit", limit)])


def _day(chance: random.Random, number: int, *, store_id: str | None = None, text: str | None = None) -> ScanFilter:
    start = FIRST_MS + chance.randrange(number) * STEP_MS
    return ScanFilter(store_id=store_id, text=text, since=start, until=start + DAY_MS)
