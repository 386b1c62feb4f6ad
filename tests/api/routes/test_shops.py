"""Statistics of shops over time, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Alert, Reading, Review, Severity, Status
from pixel_agent.storage.records import Topic, millis, now_ms
from pixel_agent.storage.topics import topics_of
from tests.readings import keep, row, scan
from tests.serving import Served

HAT = row(rule_id="hat", status="fail", severity="major")
DAY = 86_400_000


def at(day: int, hour: int = 8) -> int:
    return millis(datetime(2026, 11, day, hour, tzinfo=UTC))


async def kitchens(served: Served) -> None:
    """Three scans of S1 on two days, one some days before, one of another store."""
    tidy = row(rule_id="hat", status="pass")
    for number, (received_at, found, store_id, status) in enumerate(
        [
            (at(20), [HAT, HAT, tidy], "S1", Status.COMPLETED),
            (at(20, 23), [HAT], "S1", Status.PARTIAL),
            (
                at(22),
                [row(None, Review.ADVISED, rule_id="pests", status="fail", severity="critical")],
                "S1",
                Status.COMPLETED,
            ),
            (at(17), [row(hazard="wet_floor", status="fail")], "S1", Status.COMPLETED),
            (at(22), [HAT], "二店/东", Status.COMPLETED),
        ]
    ):
        one = scan(findings=found, task="kitchen_hygiene", scan_id=f"{number:032}", store_id=store_id, status=status)
        await keep(served.store, one, received_at)


async def test_all_stores_are_listed_the_latest_first(served: Served) -> None:
    await kitchens(served)
    await keep(served.store, scan(scan_id="n" * 32), at(23))
    told = await served.get("/v1/stores")
    assert isinstance(told["stores"], list)
    lines = {one["store_id"]: one for one in told["stores"] if isinstance(one, dict)}
    assert set(lines) == {"S1", "二店/东"}
    assert (lines["S1"]["scans"], lines["S1"]["advised"], lines["S1"]["last_at"]) == (4, 1, "2026-11-22T08:00:00Z")


async def test_a_store_is_told_by_day_with_what_changed(served: Served) -> None:
    await kitchens(served)
    told = await served.get("/v1/stores/S1", since="2026-11-20", until="2026-11-22T12:00:00Z", utc_offset_min=0)
    assert (told["since"], told["until"]) == ("2026-11-20T00:00:00Z", "2026-11-23T00:00:00Z")
    assert isinstance(told["buckets"], list)
    days = [one for one in told["buckets"] if isinstance(one, dict)]
    assert [(one["start"], one["scans"], one["partial"]) for one in days] == [
        ("2026-11-20T00:00:00Z", 2, 1),
        ("2026-11-21T00:00:00Z", 0, 0),
        ("2026-11-22T00:00:00Z", 1, 0),
    ]
    assert days[0]["by_severity"] == {"major": 3}
    total, previous, change = told["total"], told["previous"], told["change"]
    assert isinstance(total, dict)
    assert isinstance(previous, dict)
    assert isinstance(change, dict)
    assert (total["scans"], total["completed_share"], total["advised"]) == (3, 0.6667, 1)
    assert total["by_severity"] == {"major": 3, "critical": 1}
    assert (previous["scans"], previous["by_severity"]) == (1, {"unrated": 1})
    assert (change["scans"], change["completed_share"]) == (2, -0.3333)
    assert told["top"] == [
        {"kind": "finding", "label": "hat", "severity": "major", "number": 3, "previous": 0},
        {"kind": "finding", "label": "pests", "severity": "critical", "number": 1, "previous": 0},
    ]


async def test_days_are_those_of_the_shop(served: Served) -> None:
    await kitchens(served)
    query: dict[str, str | float] = {"since": "2026-11-20T12:00:00Z", "until": "2026-11-22T12:00:00Z"}
    told = await served.get("/v1/stores/S1", 200, **query, utc_offset_min=480)
    assert isinstance(told["buckets"], list)
    days = [(one["start"], one["scans"]) for one in told["buckets"] if isinstance(one, dict)]
    # 23:00 UTC on the 20th is the morning of the 21st in China.
    assert days == [("2026-11-19T16:00:00Z", 1), ("2026-11-20T16:00:00Z", 1), ("2026-11-21T16:00:00Z", 1)]


async def test_weeks_begin_on_monday(served: Served) -> None:
    await kitchens(served)
    told = await served.get("/v1/stores/S1", bucket="week", since="2026-11-10", until="2026-11-22", utc_offset_min=0)
    assert isinstance(told["buckets"], list)
    weeks = [(one["start"], one["scans"]) for one in told["buckets"] if isinstance(one, dict)]
    assert weeks == [("2026-11-09T00:00:00Z", 0), ("2026-11-16T00:00:00Z", 4)]


async def test_names_may_hold_anything_and_unknown_ones_are_not_found(served: Served) -> None:
    await keep(served.store, scan(scan_id="1" * 32, store_id="二店/东 #1"), now_ms())
    told = await served.get("/v1/stores/%E4%BA%8C%E5%BA%97%2F%E4%B8%9C%20%231")
    assert isinstance(told["total"], dict)
    assert (told["store_id"], told["total"]["scans"]) == ("二店/东 #1", 1)
    for name in ("nothing", "%00", "x" * 300):
        await served.get(f"/v1/stores/{name}", 404)


async def test_times_that_cannot_be_told_are_refused(served: Served) -> None:
    await keep(served.store, scan(scan_id="1" * 32, store_id="S1"))
    for query in (
        "since=2020-01-01",
        "since=2026-11-22&until=2026-11-20",
        "bucket=month",
        "utc_offset_min=9999",
        "x=1",
    ):
        answer = await served.client.get(f"/v1/stores/S1?{query}")
        assert (answer.status_code, bool(answer.json()["advice"])) == (400, True), query


async def test_deleted_scans_count_no_more(served: Served) -> None:
    await kitchens(served)
    await served.store.history.delete(f"{0:032}")
    told = await served.get("/v1/stores/S1", since="2026-11-20", until="2026-11-22T12:00:00Z", utc_offset_min=0)
    assert isinstance(told["total"], dict)
    assert (told["total"]["scans"], told["total"]["by_severity"]) == (2, {"major": 1, "critical": 1})


def test_topics_count_what_complains() -> None:
    alerts = (Alert("mismatch", Severity.MAJOR, "x"), Alert("mismatch", Severity.MAJOR, "y"))
    reading = Reading(findings=(HAT, HAT, row(rule_id="mask", status="pass"), row(note="?")), alerts=alerts)
    assert topics_of(reading) == (
        Topic("finding", "hat", "major", 2),
        Topic("finding", "other", "", 1),
        Topic("alert", "mismatch", "major", 2),
    )


@settings(deadline=None, max_examples=100)
@given(st.lists(st.dictionaries(st.sampled_from(["rule_id", "status", "severity", "name"]), st.text() | st.none())))
def test_topics_fit_their_columns_and_lose_no_finding(fields: list[dict[str, JsonValue]]) -> None:
    reading = Reading(findings=tuple(replace(HAT, fields=one) for one in fields))
    topics = topics_of(reading)
    passed = sum(" ".join(str(one.get("status") or "").split()) in ("pass", "ok") for one in fields)
    assert sum(topic.number for topic in topics) == len(fields) - passed
    assert len({topic[:3] for topic in topics}) == len(topics)
    assert all(
        0 < len(topic.label) <= 80 and "\x00" not in topic.label and len(topic.severity) <= 10 for topic in topics
    )
