"""Reviews over HTTP: what is accepted, what is refused, and the scan afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Priority, Review, ScanSpec, Status
from pixel_agent.storage import scans
from pixel_agent.storage.records import NewScan
from tests.readings import COLA, keep, row, scan
from tests.serving import Served, serving

ONE = "1" * 32
URL = f"/v1/scans/{ONE}/reviews"
JSON = {"Content-Type": "application/json"}
TAG = row((0, 0, 100, 100), Review.ADVISED, name="水", sale_price=2.5, gtin=None)


@pytest.fixture
async def served(database: dict[str, JsonValue]) -> AsyncIterator[Served]:
    async with serving(database) as served:
        await keep(served.store, scan(TAG, scan_id=ONE, store_id="S1"))
        yield served


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving({"data_dir": str(tmp_path)}) as served:
        await keep(served.store, scan(TAG, scan_id=ONE, store_id="S1"))
        yield served


def right(value: JsonValue, field: str = "sale_price", **more: JsonValue) -> dict[str, JsonValue]:
    return {"action": "correct", "part": "items", "row": 0, "field": field, "value": value, **more}


async def say(served: Served, review: dict[str, JsonValue], status: int = 201) -> dict[str, JsonValue]:
    answer = await served.client.post(URL, json=review)
    assert answer.status_code == status, answer.text
    body: dict[str, JsonValue] = answer.json()
    return body


async def test_a_correction_shows_at_once_with_the_models_value_beside_it(served: Served) -> None:
    shown = await say(served, right(3.5, by=" 李梅 ", comment="看错了"))
    assert shown["review"] == "corrected"
    assert isinstance(shown["reading"], dict)
    assert isinstance(shown["reading"]["items"], list)
    (tag,) = shown["reading"]["items"]
    assert isinstance(tag, dict)
    assert (tag["sale_price"], tag["review"], tag["verified_by"]) == (3.5, "corrected", ["human"])
    assert isinstance(shown["corrections"], list)
    (made,) = shown["corrections"]
    assert isinstance(made, dict)
    assert (made["by"], made["field"], made["value"], made["model_value"]) == ("李梅", "sale_price", 3.5, 2.5)
    assert shown == await served.get(f"/v1/scans/{ONE}")


async def test_taking_it_back_shows_what_was_read(served: Served) -> None:
    shown = await say(served, right(3.5))
    assert isinstance(shown["reviews"], list)
    assert isinstance(shown["reviews"][0], dict)
    answer = await served.client.delete(f"{URL}/{shown['reviews'][0]['id']}")
    body = answer.json()
    assert (answer.status_code, body["review"], body["corrections"]) == (200, "advised", [])
    assert (body["reading"]["items"][0]["sale_price"], body["reviews"][0]["undone"]) == (2.5, True)


async def test_the_work_list_shrinks_with_each_review(served: Served) -> None:
    async def listed(review: str) -> int:
        return len((await served.client.get(f"/v1/scans?review={review}")).json()["scans"])

    assert (await listed("advised"), await listed("confirmed")) == (1, 0)
    await say(served, {"action": "confirm", "part": "items", "row": 0})
    assert (await listed("advised"), await listed("confirmed")) == (0, 1)
    await say(served, right(3.5))
    assert (await listed("confirmed"), await listed("corrected")) == (0, 1)


async def test_reviews_at_once_are_all_kept(served: Served) -> None:
    async def one(number: int) -> httpx.Response:
        return await served.client.post(URL, json=right(f"品名{number}", "name", by=f"P{number}"))

    answers = await asyncio.gather(*(one(number) for number in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    shown = (await served.client.get(f"/v1/scans/{ONE}")).json()
    assert {made["by"] for made in shown["reviews"]} == {f"P{number}" for number in range(6)}
    assert shown["reading"]["items"][0]["name"] == shown["corrections"][0]["value"] == shown["reviews"][-1]["value"]


async def test_a_scan_that_failed_can_only_be_commented(plain: Served) -> None:
    async with plain.store.db.write() as conn:
        await scans.insert(conn, NewScan("f" * 32, "sync", ScanSpec("price_tag", priority=Priority.BULK), 1))
    for review, status in (
        ({"action": "confirm"}, 409),
        (right(3.5), 409),
        ({"action": "comment", "comment": "?"}, 201),
    ):
        answer = await plain.client.post(f"/v1/scans/{'f' * 32}/reviews", json=review)
        assert answer.status_code == status, answer.text


async def test_who_says_nothing_of_himself_is_known_by_his_address(plain: Served) -> None:
    shown = await say(plain, {"action": "confirm"})
    assert isinstance(shown["reviews"], list)
    assert isinstance(shown["reviews"][0], dict)
    assert shown["reviews"][0]["by"] == "127.0.0.1"


WRONG: list[dict[str, JsonValue]] = [
    {},
    {"action": "praise"},
    {"action": "confirm", "row": 0},
    {"action": "confirm", "part": "items", "row": 1},
    {"action": "confirm", "part": "findings", "row": 0},
    {"action": "confirm", "part": "items", "row": -1},
    {"action": "confirm", "part": "items", "row": 2**70},
    {"action": "confirm", "part": "totals"},
    {"action": "confirm", "field": "name"},
    {"action": "comment"},
    {"action": "comment", "comment": "  "},
    {"action": "comment", "comment": "x" * 4001},
    {"action": "confirm", "by": "\x00"},
    {"action": "confirm", "stars": 5},
    {"action": "correct", "part": "items", "row": 0, "field": "sale_price"},
    {"action": "correct", "part": "items", "field": "sale_price", "value": 1},
    {"action": "correct", "row": 0, "field": "sale_price", "value": 1},
    right("3.5"),
    right(True),
    right(-1),
    right("x", "review"),
    right(COLA[:-1], "gtin"),
    right([0, 0, 2000, 10], "bbox"),
]


async def test_what_is_wrong_is_told_and_changes_nothing(plain: Served) -> None:
    before = await plain.get(f"/v1/scans/{ONE}")
    for review in WRONG:
        refused = await say(plain, review, 400)
        assert refused["advice"], review
    assert await plain.get(f"/v1/scans/{ONE}") == before


async def test_bodies_that_are_no_json_are_refused(plain: Served) -> None:
    for body in (b"", b"{", b"[]", b'"confirm"', b'{"action": "correct", "value": NaN}', b"[" * 100_000, b"\xff"):
        assert (await plain.client.post(URL, content=body, headers=JSON)).status_code == 400, body[:20]
    surrogate = b'{"action": "comment", "comment": "\\ud800"}'
    assert (await plain.client.post(URL, content=surrogate, headers=JSON)).status_code == 400


async def test_reviews_of_nothing_are_not_found(plain: Served) -> None:
    assert (await plain.client.post(f"/v1/scans/{'9' * 32}/reviews", json={"action": "confirm"})).status_code == 404
    for path in (f"{URL}/7", f"/v1/scans/{'9' * 32}/reviews/1"):
        assert (await plain.client.delete(path)).status_code == 404
    for number in ("x", "-1", str(2**70)):
        assert (await plain.client.delete(f"{URL}/{number}")).status_code == 400


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
bodies = st.fixed_dictionaries(
    {"action": st.sampled_from(["confirm", "correct", "comment"]) | json},
    optional={
        "part": st.sampled_from(["items", "findings"]) | json,
        "row": st.integers(0, 1) | json,
        "field": st.sampled_from(["name", "sale_price", "gtin", "bbox"]) | json,
        "value": json,
        "by": st.text(max_size=5) | json,
        "comment": st.text(max_size=5) | json,
    },
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
async def test_no_body_makes_the_server_fail(plain: Served, body: dict[str, JsonValue]) -> None:
    try:
        answer = await plain.client.post(URL, json=body)
    except ValueError:
        return  # what no JSON can carry: infinity, half a surrogate pair
    assert answer.status_code in (201, 400)
    assert (await plain.client.get(f"/v1/scans/{ONE}")).status_code == 200


async def test_accuracy_is_told_by_task_and_field(served: Served) -> None:
    await say(served, right(3.5))
    await say(served, {"action": "confirm"})
    told = await served.get("/v1/accuracy")
    assert told == {
        "tasks": [
            {
                "task": "price_tag",
                "scans_reviewed": 1,
                "fields": [
                    {"field": "name", "reviewed": 1, "correct": 1, "accuracy": 1.0},
                    {"field": "sale_price", "reviewed": 1, "correct": 0, "accuracy": 0.0},
                ],
            }
        ]
    }
    assert await served.get("/v1/accuracy", store_id="S2") == {"tasks": []}
    assert await served.get("/v1/accuracy", until="2026-01-01") == {"tasks": []}
    assert (await served.get("/v1/accuracy", task="价签识别"))["tasks"] == told["tasks"]
    await served.get("/v1/accuracy", 400, task="nothing")


async def test_a_rerun_takes_corrections_over_and_says_from_where(served: Served) -> None:
    await say(served, right(3.5))
    await keep(served.store, scan(TAG, scan_id="2" * 32, status=Status.PARTIAL), rerun_of=ONE)
    shown = (await served.client.get(f"/v1/scans/{'2' * 32}")).json()
    assert (shown["review"], shown["rerun_of"], shown["reading"]["items"][0]["sale_price"]) == ("corrected", ONE, 3.5)
    assert [(made["carried_from"], made["row"]) for made in shown["corrections"]] == [(ONE, 0)]
