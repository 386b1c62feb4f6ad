"""Lists and filters of the history against the same filter in plain Python, on both databases and by every plan."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.core.settings import load
from pixel_agent.storage import scans
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, Position, ScanFilter, ScanRecord
from pixel_agent.storage.search import tokens, words_of
from pixel_agent.storage.store import Store
from tests.databases import BOTH

TASKS = ("price_tag", "safety_check", "text_read")
STORES = (None, "S1", "S2")
WORDS = ("可口可乐", "农夫山泉", "milk", "Tea", "12.80", "超市")
GTINS = ("06901234567892", "00000096385074")
SEVERITIES = (None, "minor", "critical")


@dataclass(frozen=True, slots=True)
class Known:
    """A record with what it is found by."""

    record: ScanRecord
    words: frozenset[str]
    gtins: frozenset[str]


class Filled:
    """A store with 150 different scans, in an event loop of its own."""

    def __init__(self, config: dict[str, JsonValue]) -> None:
        self.runner = asyncio.Runner()
        self.store = Store(load(config, environment={}))
        self.known = self.runner.run(self._fill())

    async def _fill(self) -> list[Known]:
        await self.store.open()
        random, texts, gtins = Random(7), {}, {}
        async with self.store.db.write() as conn:
            for number in range(150):
                scan_id, words = f"{number:032x}", " ".join(random.sample(WORDS, random.randint(0, 3)))
                new, outcome = _made(random, scan_id, words)
                await scans.insert(conn, new, outcome)
                said = words if outcome else ""
                texts[scan_id] = frozenset(tokens(f"{said} {new.spec.store_id or ''} {new.filename or ''}"))
                gtins[scan_id] = frozenset(outcome.gtins if outcome else ())
        async with self.store.db.read() as conn:
            records = await scans.page(conn, ScanFilter(), limit=1000, documents=True)
        return [Known(record, texts[record.scan_id], gtins[record.scan_id]) for record in records]

    def page(self, wanted: ScanFilter, after: Position | None, limit: int) -> list[ScanRecord]:
        async def ask() -> list[ScanRecord]:
            async with self.store.db.read() as conn:
                return await scans.page(conn, wanted, after, limit)

        return self.runner.run(ask())

    def close(self) -> None:
        self.runner.run(self.store.close())
        self.runner.close()


def _made(random: Random, scan_id: str, words: str) -> tuple[NewScan, Outcome | None]:
    """Few times of receiving, so that many scans share one."""
    new = NewScan(
        scan_id,
        "sync",
        ScanSpec(random.choice(TASKS), store_id=random.choice(STORES), options={"today": "2026-11-22"}),
        random.randint(1000, 1020),
        photo=PhotoRecord(f"{random.randint(0, 5):064x}", 10, "image/jpeg", 4, 3),
        filename=random.choice((None, "IMG_0001.jpg")),
    )
    if random.random() < 0.2:
        return new, None
    outcome = Outcome(
        random.choice((Status.COMPLETED, Status.PARTIAL, Status.FAILED)),
        2000,
        summary=words,
        severity=random.choice(SEVERITIES),
        review=random.choice(("none", "advised")),
        document='{"said": 1}',
        gtins=tuple(random.sample(GTINS, random.randint(0, 2))),
        words=words_of([words]),
    )
    return new, outcome


@pytest.fixture(scope="module", params=BOTH)
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    url = request.getfixturevalue("postgres").create() if request.param == "postgresql" else ""
    filled = Filled({"data_dir": str(tmp_path_factory.mktemp("store")), "store": {"url": url}})
    yield filled
    filled.close()


def plain(known: Known, wanted: ScanFilter) -> bool:
    """The filter in plain Python."""
    record = known.record
    asked = tokens(wanted.text or "", query=True)
    return all(
        (
            wanted.task in (None, record.spec.task),
            not wanted.statuses or record.status in wanted.statuses,
            wanted.store_id in (None, record.spec.store_id),
            wanted.since is None or record.received_at >= wanted.since,
            wanted.until is None or record.received_at < wanted.until,
            wanted.review in (None, record.review),
            wanted.severity in (None, record.severity),
            wanted.gtin is None or wanted.gtin.zfill(14) in known.gtins,
            not (wanted.text or "").strip() or (bool(asked) and set(asked) <= known.words),
            not wanted.scan_ids or record.scan_id in wanted.scan_ids,
        )
    )


def maybe(*values: object) -> st.SearchStrategy[object]:
    return st.none() | st.none() | st.sampled_from(values)


FILTERS = st.builds(  # often with little else, so that something is found
    ScanFilter,
    task=maybe(*TASKS),
    statuses=st.lists(st.sampled_from(list(Status)), max_size=3).map(tuple),
    store_id=maybe("S1", "S9"),
    since=maybe(1000, 1005, 1010),
    until=maybe(1006, 1015, 1021),
    text=maybe("可口", "乐", "milk tea", "MILK", "12.80", "超市 农夫山泉", "  ", "?", "img_0001", "0001.jpg", "s1"),
    gtin=maybe("6901234567892", "96385074", "4006381333931"),
    review=maybe("none", "advised"),
    severity=maybe("minor", "critical"),
    scan_ids=st.just(()) | st.lists(st.integers(0, 160).map(lambda number: f"{number:032x}"), max_size=4).map(tuple),
)


@settings(deadline=None, max_examples=100)
@given(FILTERS, st.integers(3, 60), st.sampled_from([0, 5000]))
def test_pages_hold_what_a_plain_filter_finds_newest_first(
    filled: Filled, wanted: ScanFilter, limit: int, few: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scans, "FEW", few)  # which plan is taken does not change what is found
        pages, after = [], None
        while page := filled.page(wanted, after, limit):
            pages.append(page)
            after = page[-1].position
            if len(page) < limit:
                break
    expected = sorted((known.record for known in filled.known if plain(known, wanted)), key=lambda r: r.position)
    assert [record.scan_id for page in pages for record in page] == [r.scan_id for r in reversed(expected)]
    assert all(len(page) == limit for page in pages[:-1])


def test_a_record_comes_back_as_it_was_put_in(filled: Filled) -> None:
    record = filled.page(ScanFilter(statuses=(Status.COMPLETED,)), None, 1)[0]
    assert record.photo is not None
    assert (record.photo.bytes, record.photo.width, record.photo.media_type) == (10, 4, "image/jpeg")
    assert record.spec.options == {"today": "2026-11-22"}
    assert record.final
    assert record.document is None


def test_the_document_comes_with_the_scan(filled: Filled) -> None:
    wanted = filled.page(ScanFilter(statuses=(Status.COMPLETED,)), None, 1)[0]

    async def get() -> tuple[ScanRecord | None, ScanRecord | None]:
        async with filled.store.db.read() as conn:
            return await scans.get(conn, wanted.scan_id), await scans.get(conn, "nobody")

    found, nothing = filled.runner.run(get())
    assert found is not None
    assert found.document == '{"said": 1}'
    assert nothing is None


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**62), st.integers(0, 2**62))
def test_a_cursor_comes_back_as_it_was(received_at: int, seq: int) -> None:
    assert Position.parse(str(Position(received_at, seq))) == Position(received_at, seq)


@pytest.mark.parametrize("cursor", ["", "x", "é", "MTIz", "LTEuLTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OS4x"])
def test_a_cursor_of_somebody_else_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        Position.parse(cursor)
