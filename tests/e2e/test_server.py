"""The whole server as a real process: overload, rude clients, faults of the engine, and shutdown."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.conftest import Start, ready, wait_until

pytestmark = pytest.mark.e2e

FAST = {"PIXEL_AGENT_SIMULATED__BASE_MS": "5", "PIXEL_AGENT_SIMULATED__PER_ITEM_MS": "1"}
NO_CACHE = {"cache-control": "no-cache"}
PATIENCE_S = 120.0


def post(url: str, data: bytes, **form: str) -> httpx.Response:
    return httpx.post(f"{url}/scan", files={"file": ("a.jpg", data)}, data=form, headers=NO_CACHE, timeout=PATIENCE_S)


def inside(url: str) -> int:
    return int(httpx.get(f"{url}/v1/stats", timeout=PATIENCE_S).json()["queue"]["inside_scans"])


def sent(url: str, data: bytes) -> socket.socket:
    """A connection on which a photo has been sent, and nobody reads the answer."""
    request = httpx.Request("POST", f"{url}/scan", files={"file": ("a.jpg", data)}, headers=NO_CACHE)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    client = socket.create_connection((request.url.host, request.url.port or 80))
    client.sendall(f"POST /scan HTTP/1.1\r\n{head}\r\n".encode() + request.read())
    return client


def at_once(count: int, url: str, jpeg: bytes) -> list[httpx.Response]:
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        return list(pool.map(lambda number: post(url, jpeg + str(number).encode()), range(count)))


def open_files(process: subprocess.Popen[str]) -> int:
    return len(psutil.Process(process.pid).net_connections())


def test_sigterm_finishes_what_is_inside_and_exits_zero(start: Start, jpeg: bytes) -> None:
    server = start(PIXEL_AGENT_SIMULATED__BASE_MS="5000", PIXEL_AGENT_SIMULATED__PER_ITEM_MS="0")
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(post(server.url, jpeg))) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: inside(server.url) == 4)
    assert server.stop() == 0
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 4


def test_two_hundred_uploads_at_once_each_get_their_own_answer(start: Start, jpeg: bytes) -> None:
    server = start(**FAST)
    for number, answer in enumerate(at_once(200, server.url, jpeg)):
        assert answer.status_code == 200, answer.text
        assert answer.json()["scan"]["image"]["sha256"] == hashlib.sha256(jpeg + str(number).encode()).hexdigest()


def test_an_overloaded_server_refuses_with_the_time_to_come_back(start: Start, jpeg: bytes) -> None:
    server = start(PIXEL_AGENT_ADMISSION__MAX_SCANS="2", PIXEL_AGENT_SIMULATED__BASE_MS="1000")
    answers = at_once(20, server.url, jpeg)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert all(answer.json()["code"] == "queue_full" for answer in refused)


def test_clients_that_leave_half_way_leave_nothing_behind(start: Start, jpeg: bytes) -> None:
    server = start(**FAST)
    host, port = server.url.removeprefix("http://").split(":")
    for length in (0, 10, 500):
        with socket.create_connection((host, int(port))) as client:
            head = "POST /scan HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
            client.sendall(head.encode() + b"-" * length)
    assert post(server.url, jpeg).status_code == 200
    wait_until(lambda: open_files(server.process) <= 2)


def test_an_abandoned_scan_never_reaches_the_device(start: Start, jpeg: bytes) -> None:
    server = start(PIXEL_AGENT_SIMULATED__BASE_MS="5000", PIXEL_AGENT_SIMULATED__MAX_ITEMS="1")
    running = threading.Thread(target=lambda: post(server.url, jpeg))
    running.start()
    wait_until(lambda: httpx.get(f"{server.url}/v1/stats", timeout=PATIENCE_S).json()["queue"]["in_flight"] == 1)
    waiting = [sent(server.url, jpeg + bytes([number])) for number in range(3)]
    wait_until(lambda: inside(server.url) == 4)
    for client in waiting:
        client.close()
    wait_until(lambda: inside(server.url) <= 1)
    running.join()
    assert post(server.url, jpeg).status_code == 200
    stats = httpx.get(f"{server.url}/v1/stats", timeout=PATIENCE_S).json()
    assert stats["batches"]["items"] == 2


def test_garbage_on_the_wire_is_survived(start: Start, jpeg: bytes) -> None:
    server = start(**FAST)
    host, port = server.url.removeprefix("http://").split(":")
    for noise in (b"\0" * 100, b"GET\r\n\r\n", os.urandom(500), b"POST /scan HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
            client.recv(1000)
    assert post(server.url, jpeg).status_code == 200


def test_a_slow_client_holds_up_nobody(start: Start, jpeg: bytes) -> None:
    server = start(**FAST)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as slow:
        slow.sendall(
            b"POST /scan HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n"
        )
        assert [answer.status_code for answer in at_once(10, server.url, jpeg)] == [200] * 10


@pytest.mark.parametrize("fault", ["CRASH_EVERY", "HANG_EVERY"])
def test_every_request_is_answered_while_the_engine_dies(start: Start, jpeg: bytes, fault: str) -> None:
    quick = {"PIXEL_AGENT_POOL__HANG_TIMEOUT_S": "0.3", "PIXEL_AGENT_POOL__RESTART_MIN_S": "0.05"}
    server = start(**FAST, **quick, **{f"PIXEL_AGENT_SIMULATED__{fault}": "3"})
    answers = at_once(40, server.url, jpeg)
    states = [answer.status_code for answer in answers]
    assert len(states) == 40
    assert set(states) <= {200, 503}, states
    assert 200 in states
    wait_until(lambda: ready(server.url))


def test_a_poisoned_photo_fails_alone(start: Start, jpeg: bytes) -> None:
    server = start(**FAST, PIXEL_AGENT_SIMULATED__POISON="tainted")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        bodies = [jpeg + (b"tainted" if number == 5 else str(number).encode()) for number in range(16)]
        states = [answer.status_code for answer in pool.map(lambda body: post(server.url, body), bodies)]
    assert states == [200] * 5 + [502] + [200] * 10


def test_listening_beyond_this_machine_needs_a_decision(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pixel_agent.cli", "serve", "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert "--insecure" in done.stderr


def test_stats_stream_as_events_until_the_server_stops(start: Start) -> None:
    server = start(**FAST)
    seen = []
    with httpx.stream("GET", f"{server.url}/v1/stats/events?interval_s=0.1", timeout=PATIENCE_S) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: "))["ready"])
            if len(seen) == 2:
                break
    assert seen == [True, True]
    assert server.stop() == 0


def test_a_head_without_end_is_cut_off(start: Start) -> None:
    server = start(**FAST)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ")
        answer = b""
        with contextlib.suppress(OSError):
            for _ in range(64):
                client.sendall(b"a" * 65536)
        with contextlib.suppress(OSError):
            answer = client.recv(1000)
    assert answer == b"" or b" 431 " in answer
    assert psutil.Process(server.process.pid).memory_info().rss < 600 * 2**20
    assert httpx.get(f"{server.url}/livez", timeout=PATIENCE_S).status_code == 200
    long_but_fine = {"x-long": "a" * 30_000}
    assert httpx.get(f"{server.url}/livez", headers=long_but_fine, timeout=PATIENCE_S).status_code == 200


def test_idle_uploads_do_not_keep_honest_clients_out(start: Start, jpeg: bytes) -> None:
    server = start(**FAST, PIXEL_AGENT_SERVER__UPLOAD_GRACE_S="3")
    host, port = server.url.removeprefix("http://").split(":")
    head = b"POST /scan HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
    idle = [socket.create_connection((host, int(port))) for _ in range(120)]
    for client in idle:
        client.sendall(head)
    wait_until(lambda: inside(server.url) == 0)
    assert post(server.url, jpeg).status_code == 200
    for client in idle:
        client.close()


def test_many_large_uploads_on_one_connection_are_all_taken(start: Start, jpeg: bytes) -> None:
    server = start(**FAST)
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as client:
        for number in range(12):
            body = jpeg + bytes([number]) * 50_000 * (number + 1)
            assert client.post("/scan", files={"file": body}, headers=NO_CACHE).status_code == 200
            assert client.get("/livez").status_code == 200
