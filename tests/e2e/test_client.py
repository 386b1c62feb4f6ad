"""The client and the command line against a real server: every method, and what happens when one of the two is stopped."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.storage.webhook_receiver import Receiver
from pixel_agent.client import AsyncClient, Client, Done, PixelAgentError, Retries, verify_webhook
from pixel_agent.client.batches import BatchProgress
from pixel_agent.core.errors import Conflict, InvalidRequest, NotFound
from tests.e2e.conftest import Server, Start, servers, wait_until

pytestmark = pytest.mark.e2e

FAST = {
    "PIXEL_AGENT_SIMULATED__BASE_MS": "5",
    "PIXEL_AGENT_SIMULATED__PER_ITEM_MS": "1",
    "PIXEL_AGENT_WEBHOOKS__HOSTS": "127.0.0.1",
    "PIXEL_AGENT_WEBHOOKS__ALLOW_PRIVATE": "true",
    "PIXEL_AGENT_WEBHOOKS__BACKOFF_MIN_S": "0.05",
}
SLOW = {"PIXEL_AGENT_SIMULATED__BASE_MS": "150", "PIXEL_AGENT_SIMULATED__PER_ITEM_MS": "20"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("client")
    with servers(folder) as start:
        yield start(PIXEL_AGENT_DATA_DIR=str(folder / "data"), **FAST)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def folder_of(tmp_path: Path, jpeg: bytes, count: int) -> Path:
    folder = tmp_path / "shelf"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:03}.jpg").write_bytes(jpeg + str(number).encode())
    return folder


def test_a_photo_is_scanned_and_the_record_is_there(client: Client, jpeg: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg)
    reading = client.scan(path, task="price_tag", store_id="client-1", lang="en")
    assert (reading.task, reading.status) == ("price_tag", "completed")
    record = client.get(reading.scan_id)
    assert (record.filename, record.store_id, record.lang) == ("a.jpg", "client-1", "en")
    assert record.reading is not None
    assert record.reading.items == reading.items
    assert client.photo(reading.scan_id) == jpeg
    assert client.thumbnail(reading.scan_id, 64)[:2] == client.annotated(reading.scan_id)[:2] == b"\xff\xd8"


def test_a_scan_is_told_while_it_runs(client: Client, jpeg: bytes) -> None:
    *before, last = client.stream(io.BytesIO(jpeg + b"stream"), task="text_read")
    assert before
    assert isinstance(last, Done)
    assert last.reading.task == "text_read"


def test_a_scan_may_be_handed_in_and_fetched_later(client: Client, jpeg: bytes) -> None:
    accepted = client.scan_later(jpeg + b"later", task="text_read")
    assert accepted.status in ("queued", "running", "completed")
    assert client.wait(accepted.scan_id, timeout_s=120).status == "completed"
    again = client.rerun(accepted.scan_id)
    assert again.rerun_of == accepted.scan_id
    assert client.wait(again.scan_id, timeout_s=120).status == "completed"
    with pytest.raises(Conflict):
        client.cancel(again.scan_id)
    client.delete(again.scan_id)
    with pytest.raises(NotFound):
        client.get(again.scan_id)


def test_the_history_is_one_iterator_over_all_pages(client: Client, jpeg: bytes, tmp_path: Path) -> None:
    result = client.batch(folder_of(tmp_path, jpeg, 205), task="text_read", store_id="paged")
    assert (result.batch.status, result.batch.total) == ("completed", 205)
    found = list(client.history(store_id="paged", status=["completed"]))
    assert len({scan.scan_id for scan in found}) == 205
    assert list(client.history(store_id="paged", status=["failed"])) == []
    with pytest.raises(InvalidRequest):
        list(client.history(gtin="x"))


def test_a_reading_is_confirmed_remarked_on_and_that_is_taken_back(client: Client, jpeg: bytes) -> None:
    scan = client.scan(jpeg + b"review", task="product_full_scan")
    record = client.review(scan.scan_id, "confirm", by="李")
    assert (record.review, record.reviews[0].by) == ("confirmed", "李")
    client.review(scan.scan_id, "comment", comment="左边被挡住了")
    assert client.undo_review(scan.scan_id, record.reviews[0].id).review == "none"
    with pytest.raises(InvalidRequest, match="no row 0"):
        client.review(scan.scan_id, "correct", part="items", row=0, field="name", value="正确的名字")


def test_two_scans_are_compared(client: Client, jpeg: bytes) -> None:
    one, two = (client.scan(jpeg + tail, task="product_full_scan") for tail in (b"before", b"after"))
    compared = client.compare(one.scan_id, two.scan_id)
    assert (compared.before.scan_id, compared.after.scan_id) == (one.scan_id, two.scan_id)
    assert client.scan_pair(jpeg + b"x", jpeg + b"y").task == "compare"


def test_an_export_becomes_a_file_or_nothing(client: Client, jpeg: bytes, tmp_path: Path) -> None:
    client.scan(jpeg + b"export", task="text_read", store_id="exported")
    path = client.export(tmp_path / "scans.jsonl", "jsonl", store_id="exported")
    assert len(path.read_text().splitlines()) >= 1
    with pytest.raises(PixelAgentError):
        client.export(tmp_path / "none.csv", "csv", gtin="x")
    assert [one.name for one in tmp_path.iterdir()] == ["scans.jsonl"]


def test_tasks_are_listed_and_found_by_any_name(client: Client) -> None:
    assert client.task("价签识别").id == "price_tag"
    assert {"price_tag", "ask"} <= {task.id for task in client.tasks(lang="en")}
    assert client.task("price_tag").row_schema


def test_a_batch_tells_how_far_it_is_and_a_bad_photo_stops_no_other(
    client: Client, jpeg: bytes, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, jpeg, 40)
    (folder / "notes.jpg").write_text("no photo")
    (folder / "broken.jpg").write_bytes(jpeg[:500])
    told: list[BatchProgress] = []
    ended: list[str] = []
    result = client.batch(
        [folder, tmp_path / "gone.jpg"],
        task="text_read",
        progress=told.append,
        on_scan=lambda scan: ended.append(scan.filename or ""),
    )
    assert {Path(one.filename).name for one in result.refused} >= {"notes.jpg", "gone.jpg"}
    assert result.batch.counts["completed"] == 40
    assert len(ended) == result.batch.total == len(set(ended))
    assert (told[-1].photos, told[-1].done) == (43, 43)
    assert client.get_batch(result.batch.batch_id).status == "completed"
    assert next(client.batches()).batch_id == result.batch.batch_id


async def test_the_same_in_asynchronous(server: Server, jpeg: bytes) -> None:
    async with AsyncClient(server.url) as client:
        readings = await asyncio.gather(*(client.scan(jpeg + bytes([n]), task="text_read") for n in range(8)))
        assert {reading.status for reading in readings} == {"completed"}
        assert len([scan async for scan in client.history(task="text_read", batch_id=None)]) >= 8


async def test_events_come_signed_and_in_the_order_of_each_scan(server: Server, jpeg: bytes) -> None:
    receiver = Receiver()
    await receiver.up()
    async with AsyncClient(server.url) as client:
        hook = await client.create_webhook(receiver.url, ["scan.completed", "scan.reviewed"])
        assert [one.webhook_id for one in await client.webhooks()] == [hook.webhook_id]
        ping = await client.test_webhook(hook.webhook_id)
        await receiver.until_taken(1, 120)
        assert verify_webhook(receiver.taken[0].headers, receiver.taken[0].body, hook.secret).type == "webhook.test"
        assert ping.webhook_id == hook.webhook_id
        await receiver.down()
        accepted = await client.scan_later(jpeg + b"told", task="text_read")
        await client.wait(accepted.scan_id)
        await client.review(accepted.scan_id, "confirm")
        now = await client.scan(jpeg + b"told now", task="text_read")
        await receiver.up()
        await receiver.until_taken(4, 120)
        events = [verify_webhook(one.headers, one.body, hook.secret) for one in receiver.taken]
        kinds = [event.type for event in events if event.data.get("scan_id") == accepted.scan_id]
        assert kinds == ["scan.completed", "scan.reviewed"]
        assert now.scan_id in {event.data.get("scan_id") for event in events}
        async with asyncio.timeout(120):
            while {one.state async for one in client.deliveries()} != {"delivered"}:
                await asyncio.sleep(0.05)
        await client.delete_webhook(hook.webhook_id)
        with pytest.raises(NotFound):
            await client.test_webhook(hook.webhook_id)
    await receiver.down()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://example.org/", "webhooks.hosts"),
        ("ftp://127.0.0.1/", "https://"),
        ("http://user:secret@127.0.0.1/", "user"),
        ("no url", "https://"),
    ],
)
def test_a_receiver_that_is_not_allowed_is_refused_with_the_reason(client: Client, url: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        client.create_webhook(url)


def test_webhooks_that_are_off_say_which_setting_turns_them_on(start: Start, tmp_path: Path) -> None:
    server = start(PIXEL_AGENT_DATA_DIR=str(tmp_path / "data"))
    with Client(server.url) as client, pytest.raises(Conflict) as caught:
        client.create_webhook("https://example.org/")
    assert "webhooks.hosts" in caught.value.advice


def test_a_server_that_starts_again_in_the_middle_is_waited_for(start: Start, jpeg: bytes, tmp_path: Path) -> None:
    data = {
        "PIXEL_AGENT_DATA_DIR": str(tmp_path / "data"),
        "PIXEL_AGENT_ASYNCHRONOUS__LEASE_S": "1",
        "PIXEL_AGENT_ASYNCHRONOUS__MAX_ATTEMPTS": "100",  # a lease also ends where the machine stands still
    }
    first = start(**data, **SLOW)
    port = httpx.URL(first.url).port
    folder = folder_of(tmp_path, jpeg, 60)
    results: list[int] = []

    def hand_in() -> None:
        with Client(first.url, retries=Retries(attempts=60, most_s=5)) as client:
            results.append(client.batch(folder, task="text_read").batch.counts["completed"])

    working = threading.Thread(target=hand_in)
    working.start()
    with Client(first.url) as client:
        wait_until(lambda: any(batch.done for batch in client.batches()))
    first.process.kill()
    first.process.wait()
    start(port=port, **data, **FAST)
    working.join(240)
    assert results == [60]


# The command line


def command(*arguments: str | Path, home: Path) -> tuple[list[str], dict[str, str]]:
    line = [sys.executable, "-m", "pixel_agent.cli", "scan", *map(str, arguments)]
    return line, {**os.environ, "XDG_STATE_HOME": str(home)}


def run(*arguments: str | Path, home: Path) -> subprocess.CompletedProcess[str]:
    line, environment = command(*arguments, home=home)
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_folder_is_scanned_by_the_server_in_order(server: Server, jpeg: bytes, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, jpeg, 20)
    (folder / "010-notes.jpg").write_text("no photo")
    marked = tmp_path / "marked"
    arguments = (folder, "--server", server.url, "--task", "价签识别", "--annotate", marked)
    done = run(*arguments, "--format", "jsonl", home=tmp_path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = sorted(path.name for path in folder.iterdir())
    assert [Path(line["file"]).name for line in lines] == names, done.stderr
    assert [Path(line["file"]).name for line in lines if line["status"] != "completed"] == ["010-notes.jpg"]
    assert done.returncode == 1
    assert len(list(marked.iterdir())) == 20
    assert not list((tmp_path / "pixel-agent" / "batches").iterdir())


def test_other_formats_and_single_photos_go_the_same_way(server: Server, jpeg: bytes, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, jpeg, 2)
    asked = ("--server", server.url, "--task", "price_tag")
    rows = list(csv.DictReader(io.StringIO(run(folder, *asked, "--format", "csv", home=tmp_path).stdout)))
    assert {"regular_price", "unit", "bbox"} <= rows[0].keys()
    single = run(folder / "000.jpg", *asked, "--format", "json", home=tmp_path)
    assert json.loads(single.stdout)[0]["status"] == "completed"
    pair = run(folder / "000.jpg", folder / "001.jpg", "--server", server.url, "--task", "compare", home=tmp_path)
    assert len(json.loads(pair.stdout)["parts"]) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--server", "{url}", "--task", "no such task"], 2),
        (["--server", "{url}", "--engine", "simulated"], 2),
        (["--restart"], 2),
        (["--server", "http://127.0.0.1:9"], 4),
    ],
)
def test_exit_codes_tell_what_happened(
    server: Server, jpeg: bytes, tmp_path: Path, arguments: list[str], code: int
) -> None:
    folder = folder_of(tmp_path, jpeg, 2)
    done = run(folder, *(one.format(url=server.url) for one in arguments), home=tmp_path)
    assert done.returncode == code, done.stderr


def test_after_ctrl_c_the_same_command_goes_on_and_nothing_is_done_twice(
    start: Start, jpeg: bytes, tmp_path: Path
) -> None:
    data = {
        "PIXEL_AGENT_DATA_DIR": str(tmp_path / "data"),
        "PIXEL_AGENT_ASYNCHRONOUS__LEASE_S": "1",
        "PIXEL_AGENT_ASYNCHRONOUS__MAX_ATTEMPTS": "100",
    }
    hangs = {"PIXEL_AGENT_SIMULATED__HANG_EVERY": "2", "PIXEL_AGENT_POOL__HANG_TIMEOUT_S": "3600"}
    server = start(**data, **FAST, **hangs)  # it cannot come to the end before it is stopped
    folder = folder_of(tmp_path, jpeg, 120)
    line, environment = command(
        folder, "--server", server.url, "--task", "text_read", "--format", "jsonl", home=tmp_path
    )
    # Background jobs ignore Ctrl-C, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopped = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    with Client(server.url) as client:
        wait_until(lambda: any(batch.done for batch in client.batches()))
        stopped.send_signal(signal.SIGINT)
        out, err = stopped.communicate(timeout=120)
        assert stopped.returncode == 130
        assert "--restart" in err
        assert "Traceback" not in err
        assert len(out.splitlines()) < 120
        server.process.kill()
        server.process.wait()
        start(port=httpx.URL(server.url).port, **data, **FAST)
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(one) for one in done.stdout.splitlines()]
        assert [Path(one["file"]).name for one in lines] == [f"{number:03}.jpg" for number in range(120)]
        batches = list(client.batches())
        assert [(batch.status, batch.total) for batch in batches] == [("completed", 120)]
        scans = list(client.history(task="text_read"))
        assert len(scans) == len({scan.filename for scan in scans}) == 120
        again = subprocess.run([*line, "--restart"], env=environment, capture_output=True, check=False, timeout=120)
        assert again.returncode == 0
        assert len(list(client.batches())) == 2


def test_a_batch_that_the_server_has_forgotten_is_told_with_the_way_out(
    server: Server, jpeg: bytes, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path, jpeg, 2)
    asked = (folder, "--server", server.url, "--task", "text_read", "--format", "jsonl")
    line, environment = command(*asked, home=tmp_path)
    from pixel_agent.cli.scan_remote import Errand
    from pixel_agent.client.progress_file import UploadProgress

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path))
        files = [folder / "000.jpg", folder / "001.jpg"]
        errand = Errand(
            server.url, files, {"task": "text_read", "lang": "zh", "force": False, "options": {}, "question": None}
        )
        UploadProgress(batch_id="0" * 32).save(errand.state)
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, "--restart" in done.stderr) == (2, True)
    assert run(*asked, "--restart", home=tmp_path).returncode == 0
