from __future__ import annotations

import asyncio
import base64
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import (
    Batch,
    Capability,
    Job,
    Message,
    Output,
    Photo,
    Priority,
    Sampling,
    ScanSpec,
    Support,
    Tokens,
)
from pixel_agent.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    EngineError,
    EngineUnavailable,
    PixelAgentError,
    Refused,
    ReplicaLost,
    ScanCancelled,
)
from pixel_agent.core.settings import OpenAISettings, PoolSettings, SchedulerSettings, Settings
from pixel_agent.engines.choice import engine_factories
from pixel_agent.engines.openai.call import Call, CallFailed, _object, _Pieces, _whole
from pixel_agent.engines.openai.dialects import DIALECTS, recognise, request_body
from pixel_agent.engines.openai.engine import OpenAIEngine, openai_engines
from pixel_agent.engines.openai.health import parse_urls
from pixel_agent.engines.openai.server_pool import ServerPool
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool
from pixel_agent.tasks import Catalogue
from tests.fake_openai import EMPTY, FakeOpenAI, Say, serving
from tests.waiting import jump, until

TASK = Catalogue().find("price_tag")
PIXELS = np.full((300, 400, 3), (200, 30, 30), np.uint8)
QUICK = OpenAISettings(
    connect_timeout_s=50,
    check_timeout_s=50,
    backoff_min_s=0.01,
    backoff_max_s=0.05,
    check_s=0.02,
    lost_after_s=0.2,
    max_in_flight=4,
)


def make_job(**changes: Any) -> Job:
    photo = Photo(b"", "sha", "image/jpeg", 400, 300, PIXELS, lambda _pixels: PIXELS)
    return replace(Job("scan", TASK, photo, ScanSpec(TASK.id)), **changes)


def server_pool(servers: Sequence[FakeOpenAI], **changes: Any) -> ServerPool:
    urls = ",".join(server.url for server in servers)
    return ServerPool(QUICK.model_copy(update=changes), parse_urls(urls))


@asynccontextmanager
async def slot(*servers: FakeOpenAI, **changes: Any) -> AsyncIterator[OpenAIEngine]:
    async with serving(*servers):
        engine = OpenAIEngine(server_pool(servers, **changes))
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


async def ask(engine: OpenAIEngine, **changes: Any) -> Output | PixelAgentError:
    [answer] = await engine.run(Batch((make_job(**changes),)))
    return answer


# What is sent


async def test_an_answer_comes_with_tokens_and_finish_reason() -> None:
    server = FakeOpenAI(Say("水", finish_reason="length"))
    async with slot(server) as engine:
        answer = await ask(engine)
        assert engine.info.model == "fake-vl"
    visual = make_job().tokens
    assert answer == Output(text="水", tokens=Tokens(visual, 500 - visual, 7), finish_reason="length")


async def test_a_server_that_cannot_list_models_is_asked_for_the_one_that_is_set() -> None:
    server = FakeOpenAI(Say("水"), model="")
    async with slot(server, model="tiny") as engine:
        (output,) = await engine.run(Batch((make_job(),)))
        assert isinstance(output, Output)
        assert output.text == "水"
        assert server.seen[0]["model"] == "tiny"


async def test_the_photo_is_a_jpeg_at_the_size_that_the_model_sees() -> None:
    server = FakeOpenAI()
    async with slot(server) as engine:
        await ask(engine)
    image, text = server.seen[0]["messages"][0]["content"]
    scheme, data = image["image_url"]["url"].split(",")
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert scheme == "data:image/jpeg;base64"
    assert pixels.shape == (288, 384, 3)
    assert np.abs(pixels[100, 100].astype(int) - (30, 30, 200)).max() < 6
    assert text == {"type": "text", "text": TASK.prompt("zh")}


async def test_the_key_is_sent_as_a_bearer_token_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeOpenAI(Say(status=401, body=b'{"error": {"message": "bad key"}}'))
    key = OpenAISettings(api_key="s3cret").api_key
    with caplog.at_level("DEBUG"):
        async with slot(server, api_key=key) as engine:
            answer = await ask(engine)
    assert server.headers[0]["authorization"] == "Bearer s3cret"
    assert isinstance(answer, EngineError)
    assert "openai.api_key" in answer.advice
    assert "s3cret" not in caplog.text + repr(answer) + str(QUICK.model_copy(update={"api_key": key}))


@pytest.mark.parametrize(
    ("kind", "numbers", "form"),
    [
        ("vllm", [0, 1, 2], "json_schema"),
        ("sglang", [0, -1, -2], "json_schema"),
        ("lmdeploy", [None] * 3, "json_schema"),
        ("llama.cpp", [None] * 3, "json_schema"),
        ("pixel-agent", [0, 1, 2], "json_schema"),
        ("plain", [None] * 3, None),
    ],
)
def test_each_kind_gets_priority_and_schema_as_it_wants_them(kind: str, numbers: list[Any], form: str | None) -> None:
    bodies = [
        json.loads(
            request_body(make_job(spec=ScanSpec(TASK.id, priority=priority)), "m", DIALECTS[kind], b"", stream=False)
        )
        for priority in Priority
    ]
    assert [body.get("priority") for body in bodies] == numbers
    assert bodies[0].get("response_format", {}).get("type") == form
    if form:
        assert bodies[0]["response_format"]["json_schema"]["schema"] == TASK.schema


@pytest.mark.parametrize("kind", sorted(DIALECTS))
def test_only_a_process_of_our_own_is_told_who_asks(kind: str) -> None:
    body = json.loads(
        request_body(make_job(spec=ScanSpec(TASK.id, client="till 3")), "m", DIALECTS[kind], b"", stream=False)
    )
    assert body.get("user") == ("till 3" if kind == "pixel-agent" else None)


def test_free_text_gets_no_response_format() -> None:
    job = make_job(task=replace(TASK, schema={}))
    assert "response_format" not in json.loads(request_body(job, "m", DIALECTS["vllm"], b"", stream=False))


def test_sampling_and_conversation_are_passed_on() -> None:
    sampling = Sampling(temperature=0.5, top_p=0.9, stop=("#",), seed=3)
    messages = (Message("system", ("be ", "brief")), Message("user", ("look", None, "and tell")))
    job = make_job(task=replace(TASK, sampling=sampling, max_new_tokens=9), messages=messages)
    body = json.loads(request_body(job, "m", DIALECTS["plain"], b"data:x", stream=True))
    assert body["messages"][0] == {"role": "system", "content": "be brief"}
    assert [part["type"] for part in body["messages"][1]["content"]] == ["text", "image_url", "text"]
    wanted = {"temperature": 0.5, "top_p": 0.9, "stop": ["#"], "seed": 3, "max_tokens": 9, "stream": True}
    assert {name: body[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("owner", "version", "kind"),
    [
        ("vllm", False, "vllm"),
        ("sglang", True, "sglang"),
        ("LMDeploy", False, "lmdeploy"),
        ("llamacpp", False, "llama.cpp"),
        ("pixel-agent", False, "pixel-agent"),
        ("somebody", True, "vllm"),
        ("somebody", False, "plain"),
    ],
)
def test_servers_are_recognised(owner: str, version: bool, kind: str) -> None:
    assert recognise(owner, version).kind == kind


async def test_a_server_that_takes_no_priority_is_asked_without_from_then_on() -> None:
    server = FakeOpenAI()
    server.script.append(Say(status=400, body=b'{"error": {"message": "priority scheduling is not enabled"}}'))
    async with slot(server) as engine:
        assert isinstance(await ask(engine), Output)
        assert isinstance(await ask(engine), Output)
    assert ["priority" in body for body in server.seen] == [True, False, False]


async def test_a_refused_schema_is_left_out_for_that_scan_alone() -> None:
    server = FakeOpenAI()
    no = Say(status=400, body=b'{"object": "error", "message": "unsupported grammar"}')
    server.script.extend([no, no])
    async with slot(server) as engine:
        assert isinstance(await ask(engine), Output)
        assert isinstance(await ask(engine), Output)
    forms = [body.get("response_format", {}).get("type") for body in server.seen]
    assert forms == ["json_schema", "json_object", None, "json_schema"]


async def test_a_request_that_is_wrong_is_not_sent_again() -> None:
    server = FakeOpenAI(Say(status=400, body=b'{"error": {"message": "prompt too long"}}'))
    async with slot(server) as engine:
        answer = await ask(engine)
    assert isinstance(answer, EngineError)
    assert "prompt too long" in answer.message
    assert len(server.seen) == 1


# When servers fail


async def test_a_full_server_is_asked_again_after_the_pause_that_it_wants() -> None:
    server = FakeOpenAI()
    server.script.append(Say(status=503, headers={"retry-after": "0.2"}))
    async with slot(server) as engine:
        loop = asyncio.get_running_loop()
        started = loop.time()
        assert isinstance(await ask(engine), Output)
        assert loop.time() - started >= 0.2


async def test_a_full_server_leaves_the_scan_to_another() -> None:
    first, second = FakeOpenAI(Say(status=429, headers={"retry-after": "60"})), FakeOpenAI()
    async with slot(first, second) as engine:
        answers = [await ask(engine) for _ in range(3)]
    assert all(isinstance(answer, Output) for answer in answers)
    assert len(first.seen) <= 1


async def test_a_pause_beyond_the_deadline_is_refused_at_once_with_the_time_to_come_back() -> None:
    async with slot(FakeOpenAI(Say(status=503, headers={"retry-after": "60"}))) as engine:
        deadline = asyncio.get_running_loop().time() + 30
        answer = await ask(engine, deadline=deadline)
        assert asyncio.get_running_loop().time() < deadline
    assert isinstance(answer, Refused)
    assert answer.retry_after_s is not None
    assert 30 < answer.retry_after_s <= 60


@pytest.mark.parametrize(
    "broken",
    [
        Say(die=True),
        Say(status=500, body=b"<html>"),
        Say(body=b"<html>no json</html>"),
        Say(body=b"[1]"),
        Say(body=b"[" * 100_000),
        Say(body=b'{"choices": []}'),
        Say(body=b'{"choices": [{"message": {"content": null}}]}'),
        Say(body=b'{"error": {"message": "engine dead"}}'),
        Say(body=b"\xff\xfe"),
    ],
)
async def test_a_server_that_fails_leaves_the_scan_to_another(broken: Say) -> None:
    bad, good = FakeOpenAI(broken), FakeOpenAI()
    async with slot(bad, good) as engine:
        answers = [await ask(engine) for _ in range(2)]
    assert [answer.text for answer in answers if isinstance(answer, Output)] == [EMPTY, EMPTY]
    assert bad.seen


async def test_a_scan_that_every_server_fails_on_ends_with_the_servers_words() -> None:
    server = FakeOpenAI(Say(status=500, body=b'{"error": {"message": "CUDA error"}}'))
    async with slot(server, eject_after=99) as engine:
        answer = await ask(engine)
    assert isinstance(answer, EngineError)
    assert "CUDA error" in answer.message
    assert len(server.seen) == 1 + QUICK.retries


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 2**70) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "delta", "content", "finish_reason", "usage", "prompt_tokens", "error", "detail"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(values | st.fixed_dictionaries({"choices": st.lists(values, max_size=2), "usage": values}), st.booleans())
@settings(deadline=None, max_examples=100)
def test_whatever_json_a_server_answers_is_an_output_or_a_failed_call(answer: Any, streamed: bool) -> None:
    pieces: list[str] = []
    call = Call("http://a/v1", "a", b"", 108, pieces.append)
    with suppress(CallFailed):
        if streamed:
            _Pieces(call, pieces.append)._take(_object(json.dumps(answer), call))
        else:
            output = _whole(json.dumps(answer).encode(), call)
            assert output.tokens is None or min(output.tokens.prompt, output.tokens.completion) >= 0
    assert all(pieces)


async def test_an_endless_answer_is_cut_off() -> None:
    async with slot(FakeOpenAI(Say(body=b" " * (9 * 2**20)))) as engine:
        answer = await ask(engine)
    assert isinstance(answer, EngineError)
    assert "too long" in answer.message


async def test_a_dead_server_is_ejected_and_comes_back_by_itself() -> None:
    first, second = FakeOpenAI(), FakeOpenAI()
    async with slot(first, second) as engine:
        await first.stop()
        assert all([isinstance(await ask(engine), Output) for _ in range(4)])
        await first.start()
        before = len(first.seen)
        await until(lambda: engine._servers.servers[0].health.up)
        assert all([isinstance(await ask(engine), Output) for _ in range(4)])
        assert len(first.seen) > before


async def test_a_server_that_says_it_is_unhealthy_gets_nothing() -> None:
    first, second = FakeOpenAI(), FakeOpenAI()
    async with slot(first, second) as engine:
        first.healthy = False
        await until(lambda: not engine._servers.servers[0].health.up)
        for _ in range(3):
            await ask(engine)
    assert not first.seen


async def test_an_answer_that_takes_too_long_is_given_up_and_closed() -> None:
    server = FakeOpenAI(Say(hold=asyncio.Event()))
    async with slot(server) as engine:
        asking = asyncio.ensure_future(ask(engine))
        await until(lambda: server.running == 1)
        jump(QUICK.timeout_s)
        assert isinstance(await asking, EngineUnavailable)
        await until(lambda: server.left == 1)


async def test_the_deadline_ends_a_request() -> None:
    server = FakeOpenAI(Say(hold=asyncio.Event()))
    async with slot(server) as engine:
        asking = asyncio.ensure_future(ask(engine, deadline=asyncio.get_running_loop().time() + 40))
        await until(lambda: server.running == 1)
        jump(40)
        assert isinstance(await asking, DeadlineExceeded)
        await until(lambda: server.left == 1)


async def test_a_strip_that_no_model_takes_fails_alone() -> None:
    async with slot(FakeOpenAI()) as engine:
        strip = np.zeros((2, 500, 3), np.uint8)
        answer = await ask(engine, photo=replace(make_job().photo, pixels=strip))
    assert isinstance(answer, PixelAgentError)
    assert answer.code == "photo_broken"


# Stopping


async def test_forgetting_a_job_closes_its_request_and_no_other() -> None:
    server = FakeOpenAI(Say(hold=(go := asyncio.Event())))
    async with slot(server) as engine:
        jobs = (make_job(), make_job())
        running = asyncio.ensure_future(engine.run(Batch(jobs)))
        await until(lambda: server.running == 2)
        engine.forget(jobs[0])
        engine.forget(make_job())
        await until(lambda: server.left == 1)
        go.set()
        first, second = await running
    assert isinstance(first, ScanCancelled)
    assert isinstance(second, Output)


async def test_cancelling_a_batch_closes_its_requests() -> None:
    server = FakeOpenAI(Say(hold=asyncio.Event()))
    async with slot(server) as engine:
        running = asyncio.ensure_future(ask(engine))
        await until(lambda: server.running == 1)
        running.cancel()
        await until(lambda: server.left == 1)


# Streaming


async def test_pieces_come_one_by_one_and_together_are_the_answer() -> None:
    pieces: list[str] = []
    said = '{"items": [{"name": "可乐\u2028\x85雪碧"}]}'
    async with slot(FakeOpenAI(Say(said))) as engine:
        answer = await ask(engine, on_text=pieces.append)
    assert isinstance(answer, Output)
    assert answer.text == said == "".join(pieces)
    assert len(pieces) == len(said)
    assert (answer.finish_reason, answer.tokens and answer.tokens.completion) == ("stop", 7)


async def test_streamed_and_whole_answers_are_equal() -> None:
    async with slot(FakeOpenAI(Say("一二三"))) as engine:
        assert await ask(engine) == await ask(engine, on_text=lambda _piece: None)


@pytest.mark.parametrize("broken", [Say("abcdef", die_after=3), Say("abc", finish_reason=None)])
async def test_a_stream_that_breaks_off_is_lost_not_repeated(broken: Say) -> None:
    pieces: list[str] = []
    server = FakeOpenAI(broken)
    async with slot(server) as engine:
        answer = await ask(engine, on_text=pieces.append)
    assert isinstance(answer, ReplicaLost)
    assert pieces == ["a", "b", "c"]
    assert len(server.seen) == 1


async def test_a_stream_that_breaks_before_its_first_piece_is_asked_for_again() -> None:
    server = FakeOpenAI(Say("ok"))
    server.script.append(Say("abc", die_after=0))
    async with slot(server) as engine:
        pieces: list[str] = []
        answer = await ask(engine, on_text=pieces.append)
    assert isinstance(answer, Output)
    assert answer.text == "ok" == "".join(pieces)


# Starting, and the whole behind a queue


async def test_a_start_without_servers_says_what_is_wrong_with_each() -> None:
    server = FakeOpenAI()
    async with serving(server):
        pass
    engine = OpenAIEngine(server_pool([server], start_wait_s=0.3))
    with pytest.raises(EngineUnavailable, match=f"127.0.0.1:{server.port}") as caught:
        await engine.start()
    await engine.stop()
    assert "openai.urls" in caught.value.advice


async def test_a_page_that_is_no_model_server_is_told() -> None:
    class Page(FakeOpenAI):
        def _page(self, path: str) -> tuple[int, bytes]:
            return 200, b"<html>hello</html>"

    with pytest.raises(EngineUnavailable):
        async with slot(Page(), start_wait_s=0.3):
            pass


async def test_a_start_waits_for_a_server_that_is_coming_up() -> None:
    server = FakeOpenAI()
    async with serving(server):
        server.healthy = False
        engine = OpenAIEngine(server_pool([server]))
        starting = asyncio.ensure_future(engine.start())
        await asyncio.sleep(0.05)
        assert not starting.done()
        server.healthy = True
        await starting
        await engine.stop()


async def test_slots_share_one_fleet_that_the_last_one_closes() -> None:
    server = FakeOpenAI()
    async with serving(server):
        shared = server_pool([server])
        first, second = OpenAIEngine(shared), OpenAIEngine(shared)
        await asyncio.gather(first.start(), second.start())
        await first.stop()
        assert isinstance(await ask(second), Output)
        await second.stop()
        assert shared._client.is_closed
        await first.start()
        assert isinstance(await ask(first), Output)
        await first.stop()


def test_every_task_is_planned_in_full() -> None:
    engine = openai_engines(QUICK, parse_urls("http://a/v1"))[0]()
    plan = engine.plan(TASK)
    assert (plan.support, plan.uses_codes, plan.runs) == (Support.FULL, Capability.CODES in TASK.capabilities, True)


def test_there_is_a_slot_for_each_request_in_flight() -> None:
    settings = Settings(openai=QUICK.model_copy(update={"urls": "http://a/v1,http://b/v1"}))
    assert len(engine_factories(settings)) == 8
    with pytest.raises(ConfigurationError, match="hang_timeout_s"):
        engine_factories(settings.model_copy(update={"pool": PoolSettings(hang_timeout_s=1)}))


@asynccontextmanager
async def queue(*servers: FakeOpenAI, **changes: Any) -> AsyncIterator[Batcher]:
    async with serving(*servers):
        addresses = parse_urls(",".join(server.url for server in servers))
        factories = openai_engines(QUICK.model_copy(update=changes), addresses)
        batcher = Batcher(Pool(factories, PoolSettings(restart_min_s=0.02, recovery_s=60)), SchedulerSettings())
        await batcher.start()
        try:
            await until(lambda: all(view is not None for view in [r.view({}) for r in batcher.pool.replicas]))
            yield batcher
        finally:
            await batcher.stop()


async def test_servers_are_kept_full_and_never_given_more() -> None:
    servers = FakeOpenAI(), FakeOpenAI()
    answer_now = [[asyncio.Event() for _ in range(20)] for _ in servers]
    for server, events in zip(servers, answer_now, strict=True):
        server.script.extend(Say(hold=event) for event in events)
    async with queue(*servers) as batcher:
        scans = [asyncio.ensure_future(batcher.submit(make_job())) for _ in range(40)]
        await until(lambda: [server.running for server in servers] == [4, 4])
        for number in range(32):
            answer_now[number % 2][number // 2].set()  # its place is taken by the next, on the same server
            taken = [5 + number // 2, 4 + (number + 1) // 2]
            await until(lambda taken=taken: [len(server.seen) for server in servers] == taken)  # type: ignore[misc]
            await until(lambda: [server.running for server in servers] == [4, 4])
        for event in (event for events in answer_now for event in events[16:]):
            event.set()
        answers = await asyncio.gather(*scans)
    assert len(answers) == 40
    assert [(server.most, len(server.seen)) for server in servers] == [(4, 20), (4, 20)]


async def test_a_server_that_holds_less_than_it_is_given_loses_nothing() -> None:
    server = FakeOpenAI(Say(hold=(go := asyncio.Event())))
    server.capacity = 2
    async with queue(server) as batcher:
        scans = [asyncio.ensure_future(batcher.submit(make_job())) for _ in range(20)]
        await until(lambda: server.running == 2 and len(server.seen) > 2)
        go.set()
        answers = await asyncio.gather(*scans)
    assert len(answers) == 20
    assert server.most == 2


async def test_the_engine_is_not_ready_without_servers_and_scans_wait_for_their_return() -> None:
    server = FakeOpenAI()
    async with queue(server) as batcher:
        await server.stop()
        await until(lambda: not batcher.pool.ready)
        waiting = asyncio.ensure_future(batcher.submit(make_job()))
        await server.start()
        assert (await waiting).text == EMPTY


async def test_cancelling_a_scan_stops_the_servers_work() -> None:
    server = FakeOpenAI(Say(hold=asyncio.Event()))
    async with queue(server) as batcher:
        scan = asyncio.ensure_future(batcher.submit(make_job()))
        await until(lambda: server.running == 1)
        scan.cancel()
        await until(lambda: server.left == 1)


async def test_among_servers_that_do_all_sorts_of_things_every_scan_ends_once_and_nothing_is_left_running() -> None:
    luck = random.Random(4)
    servers = FakeOpenAI(), FakeOpenAI()
    moods = [
        Say(status=503),
        Say(status=429, headers={"retry-after": "0.05"}),
        Say(status=500),
        Say(die=True),
        Say(body=b"?"),
        Say(delay_s=0.03),
        Say("abc", die_after=1),
        Say(),
        Say(),
    ]
    for server in servers:
        server.script.extend(luck.choices(moods, k=60))
    async with queue(*servers, lost_after_s=60) as batcher:
        scans = [
            asyncio.ensure_future(
                batcher.submit(make_job(on_text=None if luck.random() < 0.5 else lambda _piece: None))
            )
            for _ in range(80)
        ]
        for scan in luck.sample(scans, 10):
            asyncio.get_running_loop().call_later(luck.random() / 10, scan.cancel)
        ends = await asyncio.gather(*scans, return_exceptions=True)
        server_pool = batcher.pool.replicas[0]._factory()._servers  # type: ignore[attr-defined]
        await until(lambda: not any(server.in_flight for server in server_pool.servers))
    assert all(isinstance(end, Output | PixelAgentError | asyncio.CancelledError) for end in ends)
    assert sum(isinstance(end, Output) for end in ends) >= 50
