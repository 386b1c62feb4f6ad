"""One process runs the model, others use it over the chat protocol: both give the same text.

The model is tiny and random, but everything around it is real.
"""

from __future__ import annotations

import base64
import concurrent.futures
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import httpx
import numpy as np
import openai
import pytest

from pixel_agent.core import Pixels
from tests.e2e.conftest import Server, Start, servers, wait_until

pytest.importorskip("torch", reason="the model engine needs PyTorch")
pytestmark = pytest.mark.e2e

SCHEMA = {
    "type": "object",
    "properties": {"sign": {"enum": ["open", "closed"]}, "doors": {"type": "integer"}},
    "required": ["sign", "doors"],
    "additionalProperties": False,
}
NO_CACHE = {"cache-control": "no-cache"}


def mosaic(seed: int) -> Pixels:
    """Grey tiles of 16 x 16 pixels: a JPEG keeps them exactly, so both ways see the very same photo."""
    tiles = np.random.default_rng(seed).integers(0, 256, (24, 32), np.uint8)
    return np.repeat(np.kron(tiles, np.ones((16, 16), np.uint8))[:, :, None], 3, axis=2)


def png(seed: int) -> bytes:
    return bytes(cv2.imencode(".png", mosaic(seed))[1])


@dataclass(frozen=True, slots=True)
class Pair:
    """A process that runs the tiny model itself, and one without a model that asks it."""

    model: Server
    worker: Server


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Pair]:
    settings = {
        "PIXEL_AGENT_TRANSFORMERS__MODEL": str(tiny_model),
        "PIXEL_AGENT_TRANSFORMERS__DEVICE": "cpu",
        "PIXEL_AGENT_TRANSFORMERS__DTYPE": "float32",
        "PIXEL_AGENT_TRANSFORMERS__THREADS": "1",
        "PIXEL_AGENT_TRANSFORMERS__MAX_NEW_TOKENS": "48",
    }
    with servers(tmp_path_factory.mktemp("pair")) as start:
        model = start("transformers", **settings)
        yield Pair(model, start("openai", PIXEL_AGENT_OPENAI__URLS=f"{model.url}/v1"))


def scan(server: Server, seed: int, task: str) -> dict[str, object]:
    answer = httpx.post(
        f"{server.url}/v1/scans",
        files={"photos": png(seed)},
        data={"task": task, "force": "true", "question": "?"},
        headers=NO_CACHE,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    body = answer.json()
    keys = ("status", "items", "findings", "summary", "totals", "raw_text", "tokens", "task")
    return {key: body[key] for key in keys}


def test_the_same_reading_with_the_model_here_and_there(pair: Pair) -> None:
    asked = [(seed, task) for seed in range(3) for task in ("ask", "price_tag", "shelf_audit")]
    with concurrent.futures.ThreadPoolExecutor(9) as pool:
        there = list(pool.map(lambda one: scan(pair.worker, *one), asked))
    here = [scan(pair.model, *one) for one in asked]
    assert there == here
    assert len({str(reading["raw_text"]) for reading in here}) > 3


def test_words_stream_through_both_processes(pair: Pair) -> None:
    texts = []
    for server in (pair.model, pair.worker):
        files, form = {"photos": png(1)}, {"task": "ask", "question": "?", "force": "true"}
        with httpx.stream("POST", f"{server.url}/v1/scans?stream=true", files=files, data=form, timeout=120) as answer:
            data = [json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: ")]
        pieces = [values["text"] for values in data if "text" in values]
        assert len(pieces) > 5
        assert "".join(pieces).strip() == data[-1]["raw_text"].strip()
        texts.append("".join(pieces))
    assert texts[0] == texts[1]


def test_the_official_client_reads_json_of_its_own_schema(pair: Pair) -> None:
    for server in (pair.model, pair.worker):
        with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1") as client:
            answer = client.chat.completions.create(
                model=client.models.list().data[0].id,
                messages=[
                    {"role": "system", "content": "Answer in JSON."},
                    {
                        "role": "user",
                        "content": [
                            {"type": "text", "text": "Before the photo. "},
                            {
                                "type": "image_url",
                                "image_url": {"url": "data:image/png;base64," + base64.b64encode(png(2)).decode()},
                            },
                            {"type": "text", "text": "Is it open?"},
                        ],
                    },
                ],
                response_format={"type": "json_schema", "json_schema": {"name": "door", "schema": dict(SCHEMA)}},
            )
        assert answer.usage is not None
        assert answer.usage.completion_tokens > 0
        assert answer.usage.prompt_tokens > 16 * 12
        if answer.choices[0].finish_reason == "stop":  # a random model may write numbers until its limit
            assert json.loads(answer.choices[0].message.content or "")["sign"] in ("open", "closed")
        assert (answer.choices[0].message.content or "").lstrip().startswith("{")


def test_leaving_the_worker_stops_the_model(start: Start, jpeg: bytes) -> None:
    model = start(
        PIXEL_AGENT_SIMULATED__BASE_MS="600000",
        PIXEL_AGENT_SIMULATED__PIECES="6000",
        PIXEL_AGENT_POOL__HANG_TIMEOUT_S="3600",
    )
    worker = start("openai", PIXEL_AGENT_OPENAI__URLS=f"{model.url}/v1")
    with httpx.stream("POST", f"{worker.url}/v1/scans?stream=true", files={"photos": jpeg}, timeout=120) as answer:
        lines = answer.iter_lines()  # held: letting go of it closes the connection
        assert "event: text" in lines
        assert states(model) == (1, "busy")
    wait_until(
        lambda: states(model) == (0, "ready"), 30
    )  # the batch would have taken ten minutes, the worker waits 50 s
    wait_until(lambda: states(worker)[0] == 0, 30)


def states(server: Server) -> tuple[int, str]:
    """Scans in flight, and what the first replica is up to."""
    stats = httpx.get(f"{server.url}/v1/stats", timeout=120).json()
    return stats["queue"]["in_flight"], stats["replicas"][0]["state"]
