"""The chat protocol and streamed answers of a real process, as clients receive them."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import time
from typing import Any

import httpx
import openai
import pytest

from tests.e2e.conftest import Start, wait_until

pytestmark = pytest.mark.e2e

SLOW = {
    "PIXEL_AGENT_SIMULATED__BASE_MS": "600000",
    "PIXEL_AGENT_SIMULATED__PIECES": "6000",
    "PIXEL_AGENT_POOL__HANG_TIMEOUT_S": "3600",
}
"""A word every 100 ms, for ten minutes: longer than any test waits for the end."""


def asked(data: bytes) -> dict[str, Any]:
    url = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is it?"}]
    return {"model": "formula", "messages": [{"role": "user", "content": content}]}


def in_flight(url: str) -> int:
    return int(httpx.get(f"{url}/v1/stats", timeout=120).json()["queue"]["in_flight"])


def test_the_official_client_works_as_it_comes(start: Start, jpeg: bytes) -> None:
    server = start(PIXEL_AGENT_SIMULATED__BASE_MS="20", PIXEL_AGENT_SIMULATED__PIECES="4")
    with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1") as client:
        model = client.models.list().data[0].id
        whole = client.chat.completions.create(**{**asked(jpeg), "model": model})
        with client.chat.completions.create(**{**asked(jpeg), "model": model}, stream=True) as chunks:
            words = [chunk.choices[0].delta.content or "" for chunk in chunks]
    assert "".join(words) == whole.choices[0].message.content
    assert json.loads("".join(words))["simulated"] is True


def test_the_official_client_comes_back_when_it_was_told_to(start: Start, jpeg: bytes) -> None:
    server = start(PIXEL_AGENT_SIMULATED__BASE_MS="2000", PIXEL_AGENT_ADMISSION__MAX_SCANS="1")
    with (
        openai.OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=20) as client,
        concurrent.futures.ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(lambda: client.chat.completions.create(**asked(jpeg)))
        wait_until(lambda: in_flight(server.url) == 1)
        began = time.monotonic()
        second = client.chat.completions.create(**asked(jpeg))
        took_s = time.monotonic() - began
        assert [answer.choices[0].finish_reason for answer in (first.result(), second)] == ["stop", "stop"]
    refused = httpx.get(f"{server.url}/v1/stats", timeout=120).json()["scans"]["refused"]
    assert list(refused) == ["queue_full"]
    assert refused["queue_full"] <= 1 + took_s  # it was told to stay away for a second at least


def test_closing_a_stream_stops_the_generation(start: Start, jpeg: bytes) -> None:
    server = start(**SLOW)
    with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1") as client:
        with client.chat.completions.create(**asked(jpeg), stream=True) as chunks:
            for chunk in chunks:
                if chunk.choices[0].delta.content:
                    break
        assert in_flight(server.url) <= 1
    wait_until(lambda: in_flight(server.url) == 0)
    again = httpx.get(f"{server.url}/v1/stats", timeout=120).json()
    assert again["replicas"][0]["state"] == "ready"


def test_closing_a_streamed_scan_stops_the_generation(start: Start, jpeg: bytes) -> None:
    server = start(**SLOW)
    with httpx.stream("POST", f"{server.url}/v1/scans?stream=true", files={"photos": jpeg}, timeout=120) as answer:
        for line in answer.iter_lines():
            if line == "event: text":
                break
    wait_until(lambda: in_flight(server.url) == 0)
    assert httpx.get(f"{server.url}/v1/stats", timeout=120).json()["replicas"][0]["state"] == "ready"


def test_a_streamed_scan_is_told_while_it_runs(start: Start, jpeg: bytes) -> None:
    server = start(**SLOW)
    with httpx.stream("POST", f"{server.url}/v1/scans?stream=true", files={"photos": jpeg}, timeout=120) as answer:
        lines = answer.iter_lines()  # held: letting go of it closes the connection
        for _ in range(3):
            assert "event: text" in lines
        assert in_flight(server.url) == 1
