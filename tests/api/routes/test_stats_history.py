"""Statistics of the last 15 minutes: bounded, correct, and careful with advice."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pixel_agent.api.routes.stats_history import LONG_POINTS, POINTS, StatsHistory, advise
from pixel_agent.schemas.stats import Point, Stats
from pixel_agent.service.service import ScanService
from tests.api.routes.test_scans import running
from tests.service.test_stats import scanned

QUIET = Point(
    t=0, answered_per_s=0, refused_per_s=0, p50_ms=None, p95_ms=None, p99_ms=None, interactive=0, normal=0, bulk=0,
    in_flight=0, batch_items=None, busy=0, gpu=None, gpu_memory=None, cpu=0, memory=0, replicas=1,
)  # fmt: skip


def points(count: int, **changes: float) -> list[Point]:
    return [QUIET.model_copy(update=changes)] * count


@pytest.fixture
async def stats(jpeg: bytes) -> tuple[Stats, Stats]:
    """Before and after three scans and an error."""
    async with running() as client:
        before = Stats.model_validate_json((await client.get("/v1/stats")).content)
        return before, await scanned(client, jpeg)


def clock(step_s: float = 1.0) -> Callable[[], float]:
    ticks = iter(range(10_000_000))
    return lambda: next(ticks) * step_s


async def test_a_point_tells_what_happened_since_the_one_before(stats: tuple[Stats, Stats]) -> None:
    looks = iter(stats)
    history = StatsHistory(lambda: next(looks), clock(2.0))
    history.sample()
    assert history.columns().points["t"] == []
    history.sample()
    assert history.latest is not None
    newest = history.latest.point
    assert (newest.t, newest.answered_per_s, newest.batch_items, newest.replicas) == (2000, 1.5, 1, 1)
    assert 0 < newest.busy <= 1


async def test_no_more_than_a_quarter_of_an_hour_is_kept(stats: tuple[Stats, Stats]) -> None:
    history = StatsHistory(lambda: stats[1], clock())
    for _ in range(POINTS + 50):
        history.sample()
    columns = history.columns().points
    assert {len(column) for column in columns.values()} == {POINTS}
    assert columns["t"][-1] == (POINTS + 49) * 1000


@pytest.mark.parametrize(
    ("seen", "action", "why"),
    [
        (points(10), "unknown", "too_early"),
        (points(60, replicas=0), "unknown", "down"),
        (points(60), "keep", "fits"),
        (points(60, busy=0.9), "more", "busy"),
        (points(60, busy=0.6, refused_per_s=1), "more", "refusing"),
        (points(60, busy=0.01, refused_per_s=1), "keep", "fits"),
        (points(LONG_POINTS, replicas=2), "fewer", "idle"),
        (points(LONG_POINTS - 1, replicas=2), "keep", "fits"),
        (points(1, replicas=2, busy=0.9) + points(LONG_POINTS - 1, replicas=2), "keep", "fits"),
        (points(LONG_POINTS, replicas=1), "keep", "fits"),
    ],
)
def test_advice(seen: list[Point], action: str, why: str) -> None:
    advice = advise(seen)
    assert (advice.action, advice.why) == (action, why)


async def test_the_history_comes_over_http_and_first_in_the_events(jpeg: bytes) -> None:
    async with running() as client:
        await scanned(client, jpeg)
        app = client._transport.app  # type: ignore[attr-defined]
        app.state.history.sample()
        body = (await client.get("/v1/stats/history")).json()
        service: ScanService = app.state.service
        service.close_admission()  # ends the events after what is there
        events = (await client.get("/v1/stats/events?history=true")).text
    assert body["advice"]["why"] == "too_early"
    assert len(body["points"]["t"]) == len(body["points"]["p95_ms"]) >= 1
    first = next(line for line in events.splitlines() if line.startswith("data: "))
    assert json.loads(first.removeprefix("data: "))["points"]["t"][:1] == body["points"]["t"][:1]


async def test_settings_in_force_hide_what_is_secret() -> None:
    secrets = {"openai": {"api_key": "sk-very-secret", "urls": "http://me:pass@127.0.0.1:9/v1"}}
    async with running(**secrets) as client:
        answer = await client.get("/v1/settings")
    rows = {row["name"]: row for row in answer.json()["settings"]}
    assert rows["engine"]["value"] == "simulated"
    assert rows["engine"]["default"] == "auto"
    assert rows["openai.urls"]["value"] == "http://***@127.0.0.1:9/v1"
    assert "secret" not in rows["openai.api_key"]["value"]
    assert "me:pass" not in answer.text


async def test_stats_tell_what_admission_and_policy_go_by(jpeg: bytes) -> None:
    async with running(admission={"slo_ms": None}) as client:
        tuning = (await scanned(client, jpeg)).tuning
    assert tuning.slo_ms == 1000
    assert tuning.limit_items <= tuning.engine_items == 16
    assert tuning.full_ms >= tuning.alone_ms > 0
    assert set(tuning.wait_ms) == {"interactive", "normal", "bulk"}
