"""Answers as server-sent events: which events, in which order, and what ends when the client leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import cast

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sqlalchemy.exc import DataError

from pixel_agent.api.app import create_app
from pixel_agent.api.http.sse import known
from pixel_agent.core import Output
from pixel_agent.core.settings import SimulatedSettings, load
from pixel_agent.service.progress import LOOK_S, Progress, QueueWatch
from pixel_agent.service.service import build_service
from tests.api.routes.test_scans import running
from tests.job_factory import QUICK, make_job
from tests.job_factory import running as rig_running
from tests.serving import serving
from tests.virtual_time import run_virtual
from tests.waiting import jump, until

Event = tuple[str, dict[str, JsonValue]]
PIECES = {"base_ms": 20, "per_item_ms": 0, "pieces": 5}


def events_of(text: str) -> list[Event]:
    """The events of a stream, comments left out."""
    blocks = [block for block in text.split("\n\n") if block.startswith("event: ")]
    return [(block.split("\n")[0][7:], json.loads(block.split("\n")[1][6:])) for block in blocks]


async def stream(client: httpx.AsyncClient, jpeg: bytes, **fields: str) -> list[Event]:
    answer = await client.post("/v1/scans?stream=true", files={"photos": jpeg}, data=fields)
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    return events_of(answer.text)


# Over HTTP


async def test_a_scan_is_told_from_its_stages_to_the_whole_envelope(jpeg: bytes) -> None:
    async with running(simulated=PIECES) as client:
        events = await stream(client, jpeg, task="text_read")
        whole = (await client.post("/v1/scans", files={"photos": jpeg}, data={"task": "text_read"})).json()
    names = [name for name, _ in events]
    assert names == ["stage", "stage", "text", "text", "text", "text", "text", "stage", "done"]
    assert [values["stage"] for name, values in events if name == "stage"] == ["photo", "engine", "reading"]
    done = events[-1][1]
    assert (done["raw_text"], done["items"], done["status"]) == (whole["raw_text"], whole["items"], whole["status"])
    assert "".join(str(values["text"]) for name, values in events if name == "text") == whole["raw_text"]


async def test_an_engine_that_cannot_stream_gives_its_text_at_once(jpeg: bytes) -> None:
    async with running() as client:
        events = await stream(client, jpeg)
    assert [name for name, _ in events if name != "stage"] == ["text", "done"]


async def test_streamed_scans_take_from_the_cache_and_fill_it(jpeg: bytes) -> None:
    async with running() as client:
        first, second = [await stream(client, jpeg) for _ in range(2)]
        third = (await client.post("/v1/scans", files={"photos": jpeg})).json()
    assert (first[-1][1]["shared"], second[-1][1]["shared"], third["shared"]) == ("", "cache", "cache")
    assert [name for name, _ in second] == ["done"]


async def test_identical_streamed_scans_each_hear_their_own_words(jpeg: bytes) -> None:
    async with running(simulated=PIECES) as client:
        for events in await asyncio.gather(*(stream(client, jpeg) for _ in range(3))):
            assert [name for name, _ in events].count("text") == 5


async def test_those_who_wait_hear_where_they_stand(jpeg: bytes) -> None:
    async with serving({"simulated": {"base_ms": 30_000, "per_item_ms": 0, "max_items": 1}}) as served:
        batcher = served.service.batcher
        first = asyncio.create_task(stream(served.client, jpeg))
        await until(lambda: batcher.stats().in_flight == 1)
        second = asyncio.create_task(stream(served.client, jpeg + b"2"))
        await until(lambda: sum(batcher.stats().waiting.values()) == 1)
        await asyncio.sleep(2 * LOOK_S)
        jump(30)
        await first
        jump(30)
        queued = [values for name, values in await second if name == "queued"]
    assert queued[0]["position"] == 0
    assert 0 <= cast(int, queued[0]["estimated_ms"]) <= 30_000


async def test_several_photos_say_whose_event_it_is(jpeg: bytes) -> None:
    async with running() as client:
        files = [("photos", jpeg), ("photos", jpeg + b"2")]
        events = events_of((await client.post("/v1/scans?stream=true", files=files)).text)
    assert {values["photo"] for name, values in events if name != "done"} == {0, 1}
    assert len(cast(list[JsonValue], events[-1][1]["scans"])) == 2


async def test_both_photos_of_a_comparison_are_told(jpeg: bytes) -> None:
    async with running() as client:
        files = [("photos", jpeg), ("photos", jpeg + b"2")]
        answer = await client.post("/v1/scans?stream=true", files=files, data={"task": "compare"})
    assert events_of(answer.text)[-1][1]["task"] == "compare"


async def test_an_error_on_the_way_is_the_last_event() -> None:
    async with running() as client:
        answer = await client.post("/v1/scans?stream=true", files={"photos": b"no photo"})
    name, problem = events_of(answer.text)[-1]
    assert (name, problem["code"], problem["status"]) == ("error", "photo_type_unsupported", 415)


async def test_an_error_before_the_first_event_keeps_its_status(jpeg: bytes) -> None:
    async with running() as client:
        answer = await client.post("/v1/scans?stream=true", files={"photos": jpeg}, data={"task": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_task")


async def test_silence_is_broken_by_comments(jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixel_agent.api.http.sse.HEARTBEAT_S", 0.05)
    async with serving({"simulated": {"base_ms": 30_000, "per_item_ms": 0}}) as served:
        asking = asyncio.create_task(served.client.post("/v1/scans?stream=true", files={"photos": jpeg}))
        await until(lambda: served.service.batcher.stats().in_flight == 1)
        for _ in range(2):
            await asyncio.sleep(0.1)
        jump(30)
        assert (await asking).text.count(": still here") >= 2


async def test_the_tickets_are_given_back_whatever_happens(jpeg: bytes) -> None:
    service = build_service(load({"engine": "simulated"}, environment={}))
    app = create_app(service)
    async with app.router.lifespan_context(app):
        await service.until_ready()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            await stream(client, jpeg)
            await client.post("/v1/scans?stream=true", files={"photos": b"no photo"})
        assert sum(service.admission.stats().inside.values()) == 0


# Stopping


def test_a_job_that_is_cancelled_while_it_runs_is_forgotten_and_the_device_gets_free() -> None:
    async def main() -> float:
        async with rig_running(QUICK) as rig:
            scan = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0.07)
            scan.cancel()
            await rig.batcher.submit(make_job("next"))
            return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(0.18, abs=0.02)  # 70 ms of the first, 110 of the next


def test_a_job_that_expires_while_it_runs_is_forgotten() -> None:
    async def main() -> float:
        async with rig_running(QUICK) as rig:
            await asyncio.gather(rig.batcher.submit(make_job(deadline=0.05)), return_exceptions=True)
            await rig.batcher.submit(make_job("next"))
            return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(0.16, abs=0.02)


def test_batch_mates_of_a_forgotten_job_are_not_disturbed() -> None:
    heard: list[str] = []

    async def main() -> tuple[Output, float]:
        device = SimulatedSettings(base_ms=100, per_item_ms=0, pieces=10, slo_ms=None)
        async with rig_running(device) as rig:
            leaver = asyncio.create_task(rig.batcher.submit(make_job("leaver", on_text=heard.append)))
            mate = asyncio.create_task(rig.batcher.submit(make_job("mate")))
            await asyncio.sleep(0.085)  # the window of 60 ms is over, and the batch runs
            leaver.cancel()
            count = len(heard)
            answer = await mate
            assert len(heard) == count > 0
            return answer, asyncio.get_running_loop().time()

    answer, seconds = run_virtual(main())
    assert "mate" in answer.text
    assert seconds >= 0.1


def test_an_aborted_batch_teaches_the_latency_model_nothing() -> None:
    async def main() -> int:
        async with rig_running(QUICK) as rig:
            scan = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0.02)
            scan.cancel()
            await asyncio.sleep(1)
            return rig.pool.latency.observed

    assert run_virtual(main()) == 0


# Progress and the watch


class Ear:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, name: str, values: Mapping[str, JsonValue]) -> None:
        self.events.append((name, dict(values)))

    def text(self) -> str:
        """What a client shows in the end."""
        shown = ""
        for name, values in self.events:
            if name == "text":
                shown = str(values["text"]) if values.get("restart") else shown + str(values["text"])
        return shown


TEXTS = st.text(alphabet="ab", max_size=6)


@settings(deadline=None, max_examples=100)
@given(runs=st.lists(st.lists(TEXTS, max_size=4), min_size=1, max_size=4), final=TEXTS)
def test_what_was_told_in_the_end_is_the_answer_however_often_it_ran(runs: list[list[str]], final: str) -> None:
    ear = Ear()
    progress = Progress(ear)
    for pieces in runs:
        progress.begin()
        for piece in pieces:
            assert progress.on_text is not None
            progress.on_text(piece)
    progress.end(final)
    assert ear.text() == final


def test_a_second_run_with_the_same_words_takes_nothing_back() -> None:
    ear = Ear()
    progress = Progress(ear)
    for _ in range(2):
        progress.begin()
        for piece in ("one ", "two"):
            assert progress.on_text is not None
            progress.on_text(piece)
    progress.end("one two")
    assert [values["text"] for name, values in ear.events if name == "text"] == ["one ", "two"]


def test_nobody_listens_costs_nothing() -> None:
    progress = Progress(None)
    progress.begin()
    progress.end("words")
    assert progress.on_text is None


def test_the_queue_is_looked_at_only_while_somebody_waits() -> None:
    looks = 0
    ear = Ear()

    def places() -> dict[str, tuple[int, float]]:
        nonlocal looks
        looks += 1
        return {"scan": (max(0, 3 - looks // 2), 1.5)}

    async def main() -> None:
        watch = QueueWatch(places)
        watch.follow("scan", ear)
        await asyncio.sleep(4 * LOOK_S + 0.01)
        watch.leave("scan")
        await asyncio.sleep(10)

    run_virtual(main())
    assert looks == 5
    assert ear.events == [("queued", {"position": place, "estimated_ms": 1500}) for place in (3, 2, 1)]


def test_an_error_of_the_database_is_never_an_internal_error() -> None:
    found = known(DataError("INSERT", {"secret": "x"}, Exception("too long")))
    assert (found.status, found.code) == (503, "store_unavailable")
    assert "secret" not in found.message
