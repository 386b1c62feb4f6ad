"""Reviews in the store: saved with the reading, transferred to the next one of the photo, never lost to each other."""

from __future__ import annotations

import asyncio
import json

import pytest
from pydantic import JsonValue
from sqlalchemy import select

from pixel_agent.core import Review
from pixel_agent.core.errors import NotFound
from pixel_agent.schemas.reviews import Part
from pixel_agent.storage import accuracy, reviews, scans
from pixel_agent.storage.corrections import ReviewRecord, corrections
from pixel_agent.storage.records import ScanFilter, ScanRecord
from pixel_agent.storage.reviews import NewReview
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import events
from tests.readings import COLA, WATER, keep, row, scan

HERE = (0, 0, 100, 100)
TAG = row(HERE, name="水", sale_price=2.5, gtin=WATER)
ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)


async def record(store: Store, scan_id: str = ONE) -> ScanRecord:
    async with store.db.read() as conn:
        found = await scans.get(conn, scan_id)
    assert found is not None
    return found


async def said_of(store: Store, scan_id: str = ONE) -> list[ReviewRecord]:
    kept = await record(store, scan_id)
    async with store.db.read() as conn:
        return await reviews.of_scan(conn, kept.seq)


async def say(store: Store, new: NewReview, scan_id: str = ONE) -> int:
    async with store.db.write() as conn:
        await reviews.lock(conn, scan_id)
        kept = await scans.get(conn, scan_id)
        assert kept is not None
        return await reviews.add(conn, kept, new)


async def take_back(store: Store, review_id: int, scan_id: str = ONE) -> None:
    async with store.db.write() as conn:
        await reviews.lock(conn, scan_id)
        kept = await scans.get(conn, scan_id)
        assert kept is not None
        await reviews.undo(conn, kept, review_id)


def right(value: JsonValue, field: str = "sale_price", part: Part = "items", number: int = 0) -> NewReview:
    return NewReview("Li", "correct", part, number, field, value)


async def found_by(store: Store, wanted: ScanFilter) -> list[str]:
    async with store.db.read() as conn:
        return [one.scan_id for one in await scans.page(conn, wanted)]


async def test_a_correction_is_kept_beside_what_the_model_said(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    before = (await record(store)).document
    await say(store, right(3.5))
    (made,) = await said_of(store)
    assert (made.reviewer, made.field, made.value, made.model_value, made.undone_at) == (
        "Li",
        "sale_price",
        3.5,
        2.5,
        None,
    )
    assert (await record(store)).document == before
    assert (await record(store)).review == "corrected"


async def test_a_second_correction_still_tells_what_the_model_said(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, right(3.5))
    await say(store, right(4))
    assert [one.model_value for one in await said_of(store)] == [2.5, 2.5]


async def test_undoing_brings_back_the_state_of_the_list(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    number = await say(store, right(3.5))
    await take_back(store, number)
    await take_back(store, number)
    assert (await record(store)).review == "none"
    assert [one.undone_at is not None for one in await said_of(store)] == [True]


async def test_a_review_of_another_scan_cannot_be_undone_here(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await keep(store, scan(TAG, scan_id=TWO, sha256="d" * 64))
    number = await say(store, right(3.5))
    with pytest.raises(NotFound):
        await take_back(store, number, TWO)


async def test_each_review_is_told_in_its_own_transaction(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    number = await say(store, right(3.5))
    await take_back(store, number)
    async with store.db.read() as conn:
        told = (await conn.execute(select(events).where(events.c.kind == "scan.reviewed").order_by(events.c.seq))).all()
    assert [one.scan_id for one in told] == [ONE, ONE]
    assert [(json.loads(one.data)["action"], json.loads(one.data)["review"]) for one in told] == [
        ("correct", "corrected"),
        ("undo", "none"),
    ]


async def test_reviews_at_once_do_not_lose_one_another(store: Store) -> None:
    await keep(store, scan(*(row(name=f"水{n}", sale_price=n) for n in range(8)), scan_id=ONE))
    await asyncio.gather(
        *(say(store, right(100 + n, number=n)) for n in range(8)), say(store, NewReview("Wu", "confirm"))
    )
    made = await said_of(store)
    assert sorted(one.row for one in corrections(made) if one.row is not None) == list(range(8))
    assert len(made) == 9
    assert (await record(store)).review == "corrected"


async def test_a_scan_is_found_by_what_people_wrote(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, NewReview("Li", "comment", comment="价签贴错了位置"))
    await say(store, right("农夫山泉", "name"))
    number = await say(store, right(COLA, "gtin"))
    for text in ("贴错了", "农夫山泉", "水"):
        assert await found_by(store, ScanFilter(text=text)) == [ONE]
    assert await found_by(store, ScanFilter(gtin=COLA)) == [ONE]
    await take_back(store, number)
    assert await found_by(store, ScanFilter(gtin=COLA)) == []
    assert await found_by(store, ScanFilter(gtin=WATER)) == [ONE]


async def test_the_next_reading_of_the_photo_takes_the_correction_over(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, right(3.5))
    await keep(store, scan(row((2, 2, 101, 99), name="水", sale_price=7), scan_id=TWO), rerun_of=ONE)
    (made,) = await said_of(store, TWO)
    assert (made.row, made.value, made.model_value, made.reviewer, made.carried_from) == (0, 3.5, 7, "Li", ONE)
    assert (await record(store, TWO)).review == "corrected"


async def test_a_correction_is_carried_also_while_other_rows_want_a_look(store: Store) -> None:
    tea = row((500, 0, 600, 100), Review.ADVISED, name="茶", sale_price=5)
    await keep(store, scan(TAG, tea, scan_id=ONE))
    await say(store, right(3.5))
    assert (await record(store)).review == "advised"
    await keep(store, scan(TAG, tea, scan_id=TWO))
    assert [(one.value, one.row) for one in await said_of(store, TWO)] == [(3.5, 0)]


async def test_what_matches_nothing_is_listed_and_wants_a_look(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, right(3.5))
    await keep(store, scan(row((500, 0, 600, 100), name="洗发水"), scan_id=TWO))
    (made,) = await said_of(store, TWO)
    assert (made.row, made.value, made.carried_from) == (None, 3.5, ONE)
    assert (await record(store, TWO)).review == "advised"


async def test_a_correction_that_once_found_no_place_finds_it_later(store: Store) -> None:
    tea = row((500, 0, 600, 100), name="茶", sale_price=5)
    await keep(store, scan(TAG, tea, scan_id=ONE))
    await say(store, right(3.5))
    await say(store, right(6, number=1))
    await keep(store, scan(tea, scan_id=TWO))
    assert [(one.value, one.row) for one in await said_of(store, TWO)] == [(3.5, None), (6, 0)]
    await keep(store, scan(tea, TAG, scan_id=THREE))
    assert {(str(one.value), one.row) for one in await said_of(store, THREE)} == {("3.5", 1), ("6", 0)}


async def test_what_was_undone_is_not_carried(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await take_back(store, await say(store, right(3.5)))
    await keep(store, scan(TAG, scan_id=TWO))
    assert await said_of(store, TWO) == []


async def test_other_tasks_and_photos_take_nothing_over(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, right(3.5))
    await keep(store, scan(TAG, scan_id=TWO, task="product_full_scan"))
    await keep(store, scan(TAG, scan_id=THREE, sha256="d" * 64))
    assert await said_of(store, TWO) == await said_of(store, THREE) == []


async def test_a_carried_correction_outlives_the_scan_in_which_it_was_made(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, right(3.5))
    await keep(store, scan(TAG, scan_id=TWO))
    await store.history.delete(ONE)
    assert [one.value for one in corrections(await said_of(store, TWO))] == [3.5]


async def test_confirmations_are_not_carried(store: Store) -> None:
    await keep(store, scan(TAG, scan_id=ONE))
    await say(store, NewReview("Li", "confirm"))
    await keep(store, scan(TAG, scan_id=TWO))
    assert await said_of(store, TWO) == []


async def test_accuracy_counts_what_people_judged(store: Store) -> None:
    for number, sha256 in ((ONE, "c"), (TWO, "d"), (THREE, "e")):
        await keep(store, scan(TAG, scan_id=number, sha256=sha256 * 64, store_id="S1" if number == ONE else "S2"))
    await say(store, NewReview("Li", "confirm"))
    await say(store, NewReview("Li", "confirm"), TWO)
    await say(store, right(3.5), TWO)
    async with store.db.read() as conn:
        (all_,) = await accuracy.measure(conn, ScanFilter())
        (one,) = await accuracy.measure(conn, ScanFilter(store_id="S1", task="price_tag"))
        assert await accuracy.measure(conn, ScanFilter(task="text_read")) == []
    assert (all_.task, all_.scans, all_.judged["sale_price"], all_.right["sale_price"]) == ("price_tag", 2, 2, 1)
    assert (one.scans, one.judged["name"], one.right["name"]) == (1, 1, 1)


async def test_accuracy_goes_through_more_scans_than_one_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accuracy, "PAGE", 2)
    for number in range(5):
        await keep(store, scan(TAG, scan_id=f"{number:032}", sha256=f"{number:064}"))
        await say(store, NewReview("Li", "confirm"), f"{number:032}")
    async with store.db.read() as conn:
        assert (await accuracy.measure(conn, ScanFilter()))[0].scans == 5
