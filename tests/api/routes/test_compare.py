"""Comparisons over HTTP: two scans, two visits, two days; also after the photos were deleted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from pixel_agent.core import Row, ScanSpec, Status
from pixel_agent.storage import scans
from pixel_agent.storage.records import NewScan, millis
from tests.readings import keep, row, scan
from tests.serving import Served

HAT, MASK, PESTS = (row(rule_id=rule, status="fail") for rule in ("hat", "mask", "pests"))
ONE, TWO, THREE, FOUR = ("1" * 32, "2" * 32, "3" * 32, "4" * 32)


def at(day: int, hour: int = 8, minute: int = 0) -> int:
    return millis(datetime(2026, 11, day, hour, minute, tzinfo=UTC))


async def visit(
    served: Served,
    scan_id: str,
    received_at: int,
    *found: Row,
    task: str = "kitchen_hygiene",
    status: Status = Status.COMPLETED,
    rerun_of: str | None = None,
    sha256: str | None = None,
) -> None:
    one = scan(findings=found, task=task, scan_id=scan_id, store_id="S1", status=status, sha256=sha256 or scan_id * 2)
    await keep(served.store, one, received_at, rerun_of=rerun_of)


async def compared(served: Served, status: int = 200, /, **query: str) -> dict[str, JsonValue]:
    answer = await served.client.get("/v1/compare", params=query)
    assert answer.status_code == status, answer.text
    body: dict[str, JsonValue] = answer.json()
    return body


def rules(told: dict[str, JsonValue]) -> list[list[JsonValue]]:
    found = []
    for change in ("resolved", "remaining", "new"):
        rows = told[change]
        assert isinstance(rows, list)
        found.append([one["rule_id"] for one in rows if isinstance(one, dict)])
    return found


async def test_two_scans_are_compared_without_their_photos(served: Served) -> None:
    await visit(served, ONE, at(20), HAT, MASK)
    await visit(served, TWO, at(21), MASK, PESTS)
    told = await compared(served, before=ONE, after=TWO)
    assert rules(told) == [["hat"], ["mask"], ["pests"]]
    assert told["counts"] == {"resolved": 1, "remaining": 1, "new": 1}
    assert told["summary"] == "1 项已整改，1 项仍存在，1 项新出现。"
    assert isinstance(told["before"], dict)
    assert isinstance(told["after"], dict)
    assert (told["before"]["scan_id"], told["after"]["scan_id"], told["task"]) == (ONE, TWO, "kitchen_hygiene")
    assert (await compared(served, before=ONE, after=TWO, lang="en"))["summary"] == "1 resolved, 1 remaining, 1 new."


async def test_corrected_values_win(served: Served) -> None:
    await visit(served, ONE, at(20), HAT)
    await visit(served, TWO, at(21), HAT)
    review = {"action": "correct", "part": "findings", "row": 0, "field": "status", "value": "pass"}
    assert (await served.client.post(f"/v1/scans/{TWO}/reviews", json=review)).status_code == 201
    assert rules(await compared(served, before=ONE, after=TWO)) == [["hat"], [], []]


async def test_the_latest_two_visits_of_a_store_are_compared_as_wholes(served: Served) -> None:
    await visit(served, ONE, at(20, 8), PESTS)
    await visit(served, TWO, at(21, 8, 0), HAT)
    await visit(served, THREE, at(21, 8, 30), MASK)
    await visit(served, FOUR, at(21, 12), MASK)
    told = await compared(served, store_id="S1", task="后厨卫生检查")
    assert rules(told) == [["hat"], ["mask"], []]
    assert (told["before_scans"], told["after_scans"]) == ([THREE, TWO], [FOUR])


async def test_the_visits_of_two_days_are_compared(served: Served) -> None:
    await visit(served, ONE, at(20, 8), HAT)
    await visit(served, TWO, at(20, 20), MASK)
    await visit(served, THREE, at(21), PESTS)
    await visit(served, FOUR, at(22), HAT)
    days: dict[str, str] = {"store_id": "S1", "task": "kitchen_hygiene", "utc_offset_min": "0"}
    told = await compared(served, 200, before_day="2026-11-20", after_day="2026-11-22", **days)
    assert rules(told) == [["mask"], ["hat"], []]
    assert (await compared(served, 200, before_day="2026-11-20", **days))["after_scans"] == [FOUR]
    assert (await compared(served, 200, after_day="2026-11-21", **days))["before_scans"] == [TWO]
    assert (await compared(served, 404, before_day="2026-11-01", **days))["code"] == "not_found"


async def test_a_photo_that_is_read_again_stays_in_its_visit_with_its_latest_reading(served: Served) -> None:
    await visit(served, ONE, at(20), HAT, sha256="a" * 64)
    await visit(served, TWO, at(22), MASK)
    await visit(served, THREE, at(22, 12), PESTS, sha256="a" * 64, rerun_of=ONE)
    await visit(served, FOUR, at(22, 13), sha256="a" * 64, rerun_of=THREE, status=Status.RETAKE_REQUIRED)
    told = await compared(served, store_id="S1", task="kitchen_hygiene")
    assert rules(told) == [["pests"], [], ["mask"]]
    assert (told["before_scans"], told["after_scans"]) == ([THREE], [TWO])


async def test_scans_without_a_reading_are_no_visit(served: Served) -> None:
    await visit(served, ONE, at(20), HAT)
    await visit(served, TWO, at(22), MASK, status=Status.RETAKE_REQUIRED)
    assert (await compared(served, 404, store_id="S1", task="kitchen_hygiene"))["code"] == "not_found"


async def test_what_cannot_be_compared_is_told(plain: Served) -> None:
    await visit(plain, ONE, at(20), HAT)
    await visit(plain, TWO, at(21), HAT, task="safety_check")
    await visit(plain, THREE, at(20), HAT, task="compare")
    await visit(plain, FOUR, at(21), HAT, task="compare")
    for wrong in (
        {},
        {"before": ONE},
        {"before": ONE, "after": ONE},
        {"before": ONE, "after": TWO},
        {"before": THREE, "after": FOUR},
        {"before": ONE, "after": TWO, "store_id": "S1"},
        {"store_id": "S1"},
        {"task": "kitchen_hygiene"},
        {"store_id": "S1", "task": "nothing"},
        {"store_id": "S1", "task": "kitchen_hygiene", "before_day": "2026-11-22", "after_day": "2026-11-22"},
        {"store_id": "S1", "task": "kitchen_hygiene", "before_day": "someday"},
        {"before": ONE, "after": TWO, "lang": "fr"},
        {"store_id": "a\x00", "task": "kitchen_hygiene"},
    ):
        assert (await compared(plain, 400, **wrong))["advice"], wrong
    for missing in ("9" * 32, "..", "%00"):
        await compared(plain, 404, before=ONE, after=missing)


async def test_a_scan_that_still_waits_cannot_be_compared(plain: Served) -> None:
    await visit(plain, ONE, at(20), HAT)
    async with plain.store.db.write() as conn:
        await scans.insert(conn, NewScan("f" * 32, "sync", ScanSpec("kitchen_hygiene"), 1))
    assert (await compared(plain, 409, before=ONE, after="f" * 32))["code"] == "conflict"


async def test_many_photos_of_a_visit_are_bounded_and_told(plain: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixel_agent.api.routes.compare.MAX_PHOTOS", 2)
    for number in range(3):
        await visit(plain, f"{number:032}", at(20, 8, number), HAT)
    await visit(plain, FOUR, at(21), HAT)
    told = await compared(plain, store_id="S1", task="kitchen_hygiene")
    assert (told["left_out"], told["before_scans"]) == (1, [f"{2:032}", f"{1:032}"])
