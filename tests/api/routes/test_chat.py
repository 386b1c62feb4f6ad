"""The chat protocol: what the official client gets, and what is refused. On the simulated engine unless it says so."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx
import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.api.app import create_app
from pixel_agent.core import Batch, Output, Priority, ScanRequest
from pixel_agent.core.errors import PixelAgentError, ReplicaLost
from pixel_agent.core.settings import load
from pixel_agent.engines.simulated import SimulatedEngine
from pixel_agent.schemas.chat import ChatBody
from pixel_agent.service.service import ScanService, build_service
from tests.serving import FAST, patient
from tests.waiting import jump, until

MODEL = "formula"


@dataclass(frozen=True, slots=True)
class Served:
    """A running application: the official client, a plain one for what that would not send, and the service behind."""

    client: openai.AsyncOpenAI
    http: httpx.AsyncClient
    service: ScanService


@asynccontextmanager
async def serving(**overrides: object) -> AsyncIterator[Served]:
    service = build_service(load(patient({**FAST, **overrides}), environment={}))  # type: ignore[dict-item]
    app = create_app(service)
    plain = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    # The official client brings its own branch of httpx.
    direct = openai.DefaultAsyncHttpxClient(transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False))
    async with app.router.lifespan_context(app):
        await service.until_ready()
        async with (
            httpx.AsyncClient(transport=plain, base_url="http://localhost/v1") as http,
            openai.AsyncOpenAI(
                api_key="none", base_url="http://localhost/v1", http_client=direct, max_retries=0
            ) as client,
        ):
            yield Served(client, http, service)


def data_url(data: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()


def asked(data: bytes, text: str = "What is it?", **more: Any) -> dict[str, Any]:
    content = [{"type": "image_url", "image_url": {"url": data_url(data)}}, {"type": "text", "text": text}]
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], **more}


# The official client


async def test_the_official_client_gets_an_answer_with_usage(jpeg: bytes) -> None:
    async with serving() as served:
        answer = await served.client.chat.completions.create(**asked(jpeg))
    said = json.loads(answer.choices[0].message.content or "")
    assert (said["sha256"], said["task"]) == (hashlib.sha256(jpeg).hexdigest(), "chat")
    assert (answer.choices[0].finish_reason, answer.model, answer.object) == ("stop", MODEL, "chat.completion")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 18 * 14  # visual tokens of 640 x 480 within 512 x 512 pixels
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


async def test_the_official_client_streams_the_same_words(jpeg: bytes) -> None:
    async with serving(simulated={"base_ms": 20, "pieces": 4}) as served:
        client = served.client
        whole = await client.chat.completions.create(**asked(jpeg))
        stream = await client.chat.completions.create(
            **asked(jpeg), stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(words) == whole.choices[0].message.content
    assert len(words) == 4
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices] == [None] * 5 + ["stop"]
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    assert len({chunk.id for chunk in chunks}) == 1


async def test_a_stream_tells_no_usage_unless_asked(jpeg: bytes) -> None:
    async with serving() as served:
        stream = await served.client.chat.completions.create(**asked(jpeg), stream=True)
        assert [chunk.usage async for chunk in stream if chunk.usage is not None] == []


async def test_models_are_listed_and_found() -> None:
    async with serving() as served:
        client = served.client
        listed = [model.id async for model in client.models.list()]
        assert listed == [MODEL]
        assert (await client.models.retrieve(MODEL)).owned_by == "pixel-agent"
        with pytest.raises(openai.NotFoundError) as caught:
            await client.models.retrieve("someone/else")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"model": "gpt"}, openai.NotFoundError, "'gpt'"),
        ({"messages": [{"role": "user", "content": "hello"}]}, openai.BadRequestError, "0 photos"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        ({"n": 2}, openai.BadRequestError, "n: "),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "tools"),
        ({"logprobs": True}, openai.BadRequestError, "logprobs"),
        ({"frequency_penalty": 0.5}, openai.BadRequestError, "frequency_penalty"),
        ({"temperature": 3}, openai.BadRequestError, "temperature"),
        ({"max_tokens": 100_000}, openai.BadRequestError, "max_tokens"),
        ({"stop": ["a"] * 5}, openai.BadRequestError, "stop"),
        ({"response_format": {"type": "json_schema"}}, openai.BadRequestError, "json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "thing"}}}},
            openai.BadRequestError,
            "not a JSON Schema",
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_followed_is_refused_in_the_protocols_own_form(
    jpeg: bytes, change: dict[str, Any], kind: type[openai.APIStatusError], says: str, stream: bool
) -> None:
    async with serving() as served:
        with pytest.raises(kind, match=says):
            await served.client.chat.completions.create(**{**asked(jpeg), **change}, stream=stream)


async def test_several_photos_are_a_clear_error(jpeg: bytes) -> None:
    body = asked(jpeg)
    body["messages"] *= 2
    async with serving() as served:
        with pytest.raises(openai.BadRequestError, match="2 photos"):
            await served.client.chat.completions.create(**body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_broken_photo_keeps_its_status_even_in_a_stream(stream: bool) -> None:
    async with serving() as served:
        with pytest.raises(openai.APIStatusError, match="photo") as caught:
            await served.client.chat.completions.create(**asked(b"no photo"), stream=stream)
    assert (caught.value.status_code, caught.value.code) == (415, "photo_type_unsupported")


async def test_an_engine_without_a_language_model_says_so(jpeg: bytes) -> None:
    async with serving(engine="embedded") as served:
        body = {**asked(jpeg), "model": served.service.engine.info.model}
        with pytest.raises(openai.UnprocessableEntityError, match="language"):
            await served.client.chat.completions.create(**body)


async def test_overload_is_a_503_with_the_time_to_come_back(jpeg: bytes) -> None:
    async with serving(admission={"max_scans": 1}, simulated={"base_ms": 30_000}) as served:
        client = served.client
        first = asyncio.create_task(client.chat.completions.create(**asked(jpeg)))
        await until(lambda: served.service.batcher.stats().in_flight == 1)
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(**asked(jpeg))
        jump(30)
        await first
    assert (caught.value.status_code, caught.value.code, caught.value.type) == (503, "queue_full", "overloaded_error")
    assert int(caught.value.response.headers["retry-after"]) >= 1


async def test_a_missed_deadline_is_a_504(jpeg: bytes) -> None:
    async with serving(admission={"slo_ms": 0}, simulated={"base_ms": 300, "slo_ms": None}) as served:
        with pytest.raises(openai.InternalServerError) as caught:
            await served.client.chat.completions.create(**asked(jpeg), extra_body={"deadline_ms": 100})
    assert (caught.value.status_code, caught.value.code) == (504, "deadline_exceeded")


async def test_an_error_in_the_middle_of_a_stream_reaches_the_client(jpeg: bytes) -> None:
    async with serving(simulated={"base_ms": 20, "pieces": 4, "poison": "BAD"}) as served:
        stream = await served.client.chat.completions.create(**asked(jpeg + b"BAD"), stream=True)
        with pytest.raises(openai.APIError, match="poisoned"):
            async for _ in stream:
                pass


JSON_TYPE = {"Content-Type": "application/json"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": "formula"}', b"\xff", b"[" * 10_000])
async def test_garbage_is_a_400_in_the_protocols_own_form(body: bytes) -> None:
    async with serving() as served:
        answer = await served.http.post("/chat/completions", content=body, headers=JSON_TYPE)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


# What reaches the engine


async def heard(served: Served, body: dict[str, Any]) -> ScanRequest:
    """The request that the service is asked to run for a body."""
    seen: list[ScanRequest] = []
    service, real = served.service, served.service.chat
    service.chat = lambda request: (seen.append(request), real(request))[1]  # type: ignore[method-assign, func-returns-value]
    assert (await served.http.post("/chat/completions", json=body)).status_code == 200
    return seen[0]


async def test_system_and_earlier_turns_are_kept_and_the_photo_stays_in_its_place(jpeg: bytes) -> None:
    body = asked(jpeg, "first")
    body["messages"] = [
        {"role": "developer", "content": "be brief"},
        *body["messages"],
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    async with serving() as served:
        request = await heard(served, body)
    assert [(message.role, message.parts) for message in request.messages] == [
        ("system", ("be brief",)),
        ("user", (None, "first")),
        ("assistant", ("yes",)),
        ("user", ("a", "b")),
    ]


async def test_generation_parameters_travel_with_the_task(jpeg: bytes) -> None:
    schema = {"type": "object", "properties": {"price": {"type": "number"}}}
    more: dict[str, Any] = {
        "max_completion_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": "END",
        "seed": 3,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}},
    }
    async with serving() as served:
        task = (await heard(served, asked(jpeg, **more))).task
    sampling = task.sampling
    assert (task.max_new_tokens, dict(task.schema)) == (7, schema)
    assert (sampling.temperature, sampling.top_p, sampling.stop, sampling.seed) == (0.5, 0.9, ("END",), 3)


async def test_defaults_are_greedy_free_text(jpeg: bytes) -> None:
    async with serving() as served:
        task = (await heard(served, asked(jpeg))).task
    assert (task.sampling.temperature, task.sampling.stop, dict(task.schema), task.max_new_tokens) == (0, (), {}, 1024)


@pytest.mark.parametrize(
    ("given", "means"),
    [
        (-5, Priority.INTERACTIVE),
        (0, Priority.INTERACTIVE),
        (1, Priority.NORMAL),
        (99, Priority.BULK),
        ("bulk", Priority.BULK),
    ],
)
async def test_priority_is_the_integer_of_vllm_or_our_own_word(jpeg: bytes, given: object, means: Priority) -> None:
    async with serving() as served:
        assert (await heard(served, asked(jpeg, priority=given))).spec.priority is means


async def test_users_share_fairly_only_where_their_names_are_trusted(jpeg: bytes) -> None:
    for trusted in (False, True):
        async with serving(chat={"trust_user": trusted}) as served:
            request = await heard(served, asked(jpeg, user="till 3"))
        assert request.spec.client.endswith("till 3") is trusted


# Photos by URL


@asynccontextmanager
async def photo_server(data: bytes, *, redirect: str = "") -> AsyncIterator[str]:
    """A server on this machine that gives one photo, or sends on to somewhere else, or at `/slow` waits for its end."""
    ended = asyncio.Event()
    answers: set[asyncio.Task[None]] = set()

    def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.add(asyncio.create_task(answer(reader, writer)))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]
        if redirect and path == b"/":
            writer.write(f"HTTP/1.1 302 Found\r\nLocation: {redirect}\r\nContent-Length: 0\r\n\r\n".encode())
        elif path == b"/slow":
            await ended.wait()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + data)
        with suppress(ConnectionError):
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        ended.set()
        await asyncio.gather(*answers)


async def fetched(url: str, **chat: object) -> httpx.Response:
    body = asked(b"")
    body["messages"][0]["content"][0]["image_url"]["url"] = url
    async with serving(chat={"fetch_timeout_s": 60, **chat}, photo={"max_bytes": 100_000}) as served:
        return await served.http.post("/chat/completions", json=body)


async def test_a_photo_is_fetched_where_that_is_allowed(jpeg: bytes) -> None:
    async with photo_server(jpeg, redirect="/photo") as url:
        answer = await fetched(f"{url}/", fetch="any")
    assert hashlib.sha256(jpeg).hexdigest() in answer.json()["choices"][0]["message"]["content"]


async def test_photos_are_not_fetched_unless_allowed(jpeg: bytes) -> None:
    async with photo_server(jpeg) as url:
        answer = await fetched(url)
    assert (answer.status_code, "fetches no photos" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
    ],
)
async def test_private_addresses_are_not_reached_under_any_name(host: str) -> None:
    answer = await fetched(f"http://{host}:1/photo.jpg", fetch="public")
    assert (answer.status_code, "not public" in answer.text) == (400, True), answer.text


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/a.jpg", "photo.jpg", "data:image/jpeg,abc", ""]
)
async def test_other_kinds_of_urls_are_refused(url: str) -> None:
    assert (await fetched(url, fetch="any")).status_code == 400


async def test_a_fetched_photo_is_bounded_in_bytes_time_and_redirects(jpeg: bytes) -> None:
    async with photo_server(jpeg + b"\0" * 200_000) as url:
        assert (await fetched(url, fetch="any")).status_code == 413
    async with photo_server(jpeg, redirect="/") as url:
        assert "redirected" in (await fetched(f"{url}/", fetch="any")).text
        assert "within" in (await fetched(f"{url}/slow", fetch="any", fetch_timeout_s=0.1)).text


async def test_a_host_that_does_not_answer_is_a_400() -> None:
    answer = await fetched("http://127.0.0.1:9/a.jpg", fetch="any")
    assert (answer.status_code, "cannot be fetched" in answer.text) == (400, True)


# Accidents


async def test_a_device_that_dies_half_way_repeats_no_words(jpeg: bytes) -> None:
    dying = {"base_ms": 40, "pieces": 8, "crash_every": 2}
    async with serving(simulated=dying, pool={"restart_min_s": 0.01}) as served:
        whole = await served.client.chat.completions.create(**asked(jpeg))
        stream = await served.client.chat.completions.create(**asked(jpeg), stream=True)
        words = [chunk.choices[0].delta.content or "" async for chunk in stream]
        restarts = served.service.pool.stats()[0].restarts
    assert ("".join(words), restarts) == (whole.choices[0].message.content, 1)


class Fickle(SimulatedEngine):
    """Says something else each time, and dies half-way the first time."""

    tries = 0

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        Fickle.tries += 1
        for job in batch.jobs:
            assert job.on_text is not None
            job.on_text(f"try {Fickle.tries}")
        if Fickle.tries == 1:
            raise ReplicaLost("The device died.")
        return [Output(text=f"try {Fickle.tries}") for _ in batch.jobs]


async def test_words_that_were_said_and_cannot_be_unsaid_end_in_an_error(
    jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixel_agent.engines.simulated.SimulatedEngine", Fickle)
    async with serving(pool={"restart_min_s": 0.01}) as served:
        stream = await served.client.chat.completions.create(**asked(jpeg), stream=True)
        with pytest.raises(openai.APIError, match="lost while it answered"):
            async for _ in stream:
                pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(set(ChatBody.model_fields) - {"model"})


@settings(deadline=None, max_examples=100)
@given(field=st.sampled_from(FIELDS), value=JSON, schema=JSON)
def test_whatever_stands_in_a_field_is_taken_or_refused_clearly(field: str, value: object, schema: object) -> None:
    body = {**asked(b"photo"), "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    body[field] = value

    async def main() -> None:
        async with serving() as served:
            answer = await served.http.post("/chat/completions", content=json.dumps(body), headers=JSON_TYPE)
        assert answer.status_code in (400, 415), answer.text  # the photo is none
        assert answer.json()["error"]["message"]

    asyncio.run(main())
