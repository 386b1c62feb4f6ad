"""A real server whose decoders are killed in the middle of a load."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from tests.e2e.conftest import Start, wait_until
from tests.e2e.photos import decoders, mutated
from tests.photo.pictures import encode, scene

pytestmark = pytest.mark.e2e

FAST = {"PIXEL_AGENT_SIMULATED__BASE_MS": "5", "PIXEL_AGENT_SIMULATED__PER_ITEM_MS": "1"}
PER_S, SECONDS = 60, 4


def test_decoders_killed_in_the_middle_of_a_load_cost_one_photo_at_most(start: Start) -> None:
    server = start(**FAST)
    process = psutil.Process(server.process.pid)
    httpx.post(f"{server.url}/scan", files={"file": ("a", encode(scene(200, 150), "JPEG"))}, timeout=60)
    wait_until(lambda: len(decoders(process)) >= 1)
    photos = [encode(scene(200 + number, 150), "JPEG") for number in range(PER_S * SECONDS)]
    began = time.monotonic() + 0.2

    def send(number: int) -> int:
        due = began + number / PER_S
        threading.Event().wait(max(0.0, due - time.monotonic()))  # an open loop keeps its schedule
        answer = client.post(f"{server.url}/scan", files={"file": ("a", photos[number])}, timeout=60)
        return answer.status_code

    with httpx.Client(limits=httpx.Limits(max_connections=None)) as client, ThreadPoolExecutor(64) as senders:
        running = [senders.submit(send, number) for number in range(len(photos))]
        for share in (0.3, 0.6):
            wait_until(lambda share=share: sum(one.done() for one in running) > share * len(running))  # type: ignore[misc]
            for decoder in decoders(process):
                decoder.kill()
        statuses = [one.result() for one in running]
    assert statuses.count(200) >= len(photos) - 1
    assert process.is_running()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_mutated_photos_are_scanned_or_refused(start: Start, kind: str) -> None:
    server = start(**FAST)
    for data in mutated(kind, 30):
        answer = httpx.post(f"{server.url}/scan?task=photo_check&force=true", files={"file": ("a", data)}, timeout=60)
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    assert server.stop() == 0
