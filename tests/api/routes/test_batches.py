"""Batches over HTTP: uploads of every kind, progress events, and refused actions."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from starlette.requests import Request

from pixel_agent.api.http.multipart import Parts
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.storage import batch_registry
from tests.serving import Served, serving
from tests.waiting import until

READ = {"task": "text_read"}
Files = Sequence[tuple[str, tuple[str, bytes]]]


def photos(jpeg: bytes, count: int, first: int = 0) -> Files:
    return [("photos", (f"{index}.jpg", jpeg + str(index).encode())) for index in range(first, first + count)]


def packed(*files: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files:
            archive.writestr(name, data)
    return file.getvalue()


async def post(served: Served, path: str, files: Files = (), status: int = 200, **form: str) -> dict[str, JsonValue]:
    answer = await served.client.post(f"/v1/batches{path}", files=list(files), data=form)
    assert answer.status_code == status, answer.text
    body: dict[str, JsonValue] = answer.json()
    return body


async def told(served: Served, batch_id: JsonValue, headers: dict[str, str] | None = None) -> list[dict[str, str]]:
    """All events until the batch is done."""
    answer = await served.client.get(f"/v1/batches/{batch_id}/events", headers=headers)
    texts = [text for text in answer.text.split("\n\n") if "event:" in text]
    return [dict(line.split(": ", 1) for line in text.split("\n")) for text in texts]


async def test_photos_and_an_archive_become_one_batch(served: Served, jpeg: bytes) -> None:
    archive = packed(("x/1.jpg", jpeg + b"z"), ("read me.txt", b"hello"))
    files = [*photos(jpeg, 3), ("archive", ("a.zip", archive)), ("photos", ("no.jpg", b"nonsense"))]
    answer = await served.client.post("/v1/batches", files=files, data={**READ, "name": "night", "store_id": "S1"})
    body = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/batches/{body['batch_id']}")
    assert (body["name"], body["total"], body["priority"], body["status"]) == ("night", 4, "bulk", "running")
    assert [one["filename"] for one in body["refused"]] == ["read me.txt", "no.jpg"]
    events = await told(served, body["batch_id"])
    assert Counter(event["event"] for event in events)["scan"] == 4
    done = json.loads(events[-1]["data"])
    assert (events[-1]["event"], done["status"], done["done"], done["eta_s"]) == ("done", "completed", 4, 0.0)
    assert {json.loads(event["data"])["filename"] for event in events if event["event"] == "scan"} == {
        "0.jpg",
        "1.jpg",
        "2.jpg",
    }


async def test_a_listener_that_comes_back_hears_the_rest_once(plain: Served, jpeg: bytes) -> None:
    batch_id = (await post(plain, "", photos(jpeg, 4), 202, **READ))["batch_id"]
    every = [event for event in await told(plain, batch_id) if event["event"] == "scan"]
    rest = await told(plain, batch_id, {"Last-Event-ID": every[1]["id"]})
    assert [event["id"] for event in rest if event["event"] == "scan"] == [event["id"] for event in every[2:]]
    after = await plain.client.get(f"/v1/batches/{batch_id}/events?after={every[-1]['id']}")
    assert "event: scan" not in after.text
    assert "event: done" in after.text


async def test_scans_behind_a_page_with_a_deleted_one_are_told(
    plain: Served, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_registry, "PAGE", 3)
    batch_id = (await post(plain, "", photos(jpeg, 7), 202, **READ))["batch_id"]
    every = [json.loads(one["data"])["scan_id"] for one in await told(plain, batch_id) if one["event"] == "scan"]
    assert (await plain.client.delete(f"/v1/scans/{every[1]}")).status_code == 204
    events = await told(plain, batch_id)
    rest = [json.loads(one["data"])["scan_id"] for one in events if one["event"] == "scan"]
    assert rest == [every[0], *every[2:]]
    assert events[-1]["event"] == "done"


async def test_an_open_batch_takes_more_until_it_is_closed(plain: Served, jpeg: bytes) -> None:
    batch_id = (await post(plain, "", photos(jpeg, 2), 202, open="true", **READ))["batch_id"]
    more = await post(plain, f"/{batch_id}/photos", photos(jpeg, 2, first=1))
    assert (more["total"], more["status"]) == (3, "open")
    await post(plain, f"/{batch_id}/close")
    assert (await told(plain, batch_id))[-1]["event"] == "done"
    await post(plain, f"/{batch_id}/photos", photos(jpeg, 1, first=7), 409)


async def test_the_same_request_makes_one_batch(plain: Served, jpeg: bytes) -> None:
    key = {"Idempotency-Key": "k"}
    files = [*photos(jpeg, 2), ("photos", ("bad", b"?"))]
    answers = [await plain.client.post("/v1/batches", files=files, data=READ, headers=key) for _ in range(2)]
    assert {answer.json()["batch_id"] for answer in answers} == {answers[0].json()["batch_id"]}
    assert [len(answer.json()["refused"]) for answer in answers] == [1, 1]
    assert answers[1].headers["idempotency-replayed"] == "true"
    other = await plain.client.post("/v1/batches", files=photos(jpeg, 3), data=READ, headers=key)
    assert other.status_code == 422
    assert len((await plain.client.get("/v1/batches")).json()["batches"]) == 1


async def test_a_batch_is_cancelled_wherever_its_scans_are(slow: Served, jpeg: bytes) -> None:
    batch_id = (await post(slow, "", photos(jpeg, 40), 202, **READ))["batch_id"]
    await until(lambda: slow.service.persistence.worker.stats.running > 0)
    body = await post(slow, f"/{batch_id}/cancel")
    assert (body["status"], body["counts"]) == ("cancelled", {"cancelled": 40})
    assert (await told(slow, batch_id))[-1]["event"] == "done"


async def test_what_failed_is_retried(tmp_path: Path, jpeg: bytes) -> None:
    faulty: dict[str, JsonValue] = {"data_dir": str(tmp_path), "simulated": {"base_ms": 1, "poison": "0"}}
    async with serving(faulty) as served:
        batch_id = (await post(served, "", [("photos", ("a.jpg", jpeg + b"0"))], 202, **READ))["batch_id"]
        assert json.loads((await told(served, batch_id))[-1]["data"])["counts"] == {"failed": 1}
    async with serving({"data_dir": str(tmp_path)}) as served:
        assert (await post(served, f"/{batch_id}/retry"))["status"] == "running"
        events = await told(served, batch_id)
        assert json.loads(events[-1]["data"])["counts"] == {"completed": 1}
        again = await told(served, batch_id)
        ends = [json.loads(one["data"])["status"] for one in again if one["event"] == "scan"]
        assert ends == ["completed"]  # the end that the retry took back is told no more


@pytest.mark.parametrize(
    ("files", "form", "status"),
    [
        ([], {}, 400),
        ([("photos", ("a.txt", b"text"))], {}, 400),
        ([("archive", ("a.zip", b"no archive"))], {}, 422),
        ([("archive", ("a.zip", packed(("a.txt", b"text"))))], {}, 422),
        ([("file", ("a.jpg", b"x"))], {}, 400),
        ([], {"task": "compare"}, 400),
        ([], {"deadline_ms": "5"}, 400),
        ([], {"nonsense": "5"}, 400),
        ([], {"name": "x" * 201}, 400),
    ],
)
async def test_what_makes_no_batch_is_refused(plain: Served, files: Files, form: dict[str, str], status: int) -> None:
    body = await post(plain, "", [*files, ("photos", ("b.txt", b"no photo"))] if form else files, status, **form)
    assert body["advice"]
    assert (await plain.client.get("/v1/batches")).json() == {"batches": [], "next": None}


async def test_a_batch_has_bounds(tmp_path: Path, jpeg: bytes) -> None:
    limits: dict[str, JsonValue] = {"max_photos": 3, "max_request_bytes": 10 * len(jpeg)}
    async with serving({"data_dir": str(tmp_path), "batches": limits}) as served:
        await post(served, "", photos(jpeg, 4), 400)
        await post(served, "", photos(jpeg, 11), 413)
        batch_id = (await post(served, "", photos(jpeg, 3), 202, open="true"))["batch_id"]
        await post(served, f"/{batch_id}/photos", photos(jpeg, 1, first=9), 409)


@pytest.mark.parametrize("path", ["", "/events", "/close", "/cancel", "/retry", "/photos"])
async def test_a_batch_that_is_not_there_is_not_found(plain: Served, jpeg: bytes, path: str) -> None:
    method = "GET" if path in ("", "/events") else "POST"
    answer = await plain.client.request(method, f"/v1/batches/none{path}")
    assert answer.status_code == 404


async def test_batches_are_listed_by_pages(plain: Served, jpeg: bytes) -> None:
    made = [(await post(plain, "", photos(jpeg, 1), 202, name=str(number)))["batch_id"] for number in range(3)]
    first = (await plain.client.get("/v1/batches?limit=2")).json()
    rest = (await plain.client.get(f"/v1/batches?limit=2&cursor={first['next']}")).json()
    assert [one["batch_id"] for one in first["batches"] + rest["batches"]] == made[::-1]
    assert rest["next"] is None


# The multipart reader


def request_of(body: bytes, boundary: str, step: int) -> Request:
    chunks = [body[at : at + step] for at in range(0, len(body), step)]

    async def receive() -> dict[str, object]:
        chunk = chunks.pop(0) if chunks else b""
        return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}

    headers = [(b"content-type", f"multipart/form-data; boundary={boundary}".encode())]
    return Request({"type": "http", "headers": headers, "method": "POST"}, receive)


async def read_all(request: Request) -> list[tuple[str | None, bytes]]:
    return [(part.filename, await part.read(10_000)) async for part in Parts(request)]


@given(
    st.lists(st.tuples(st.text("ab价", min_size=1, max_size=5), st.binary(max_size=200)), max_size=5),
    st.integers(1, 300),
)
@settings(deadline=None, max_examples=60)
async def test_parts_come_out_as_they_went_in(files: list[tuple[str, bytes]], step: int) -> None:
    request = httpx.Request("POST", "http://x", files=[("photos", file) for file in files] or {"none": b""})
    body = request.read()
    boundary = request.headers["content-type"].partition("boundary=")[2]
    found = await read_all(request_of(body, boundary, step))
    assert found == (files or [("upload", b"")])


@pytest.mark.parametrize(
    "body", [b"", b"--b\r\n", b"nonsense", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--"]
)
async def test_a_broken_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await read_all(request_of(body, "b", 5))


async def test_an_unread_part_is_skipped_and_a_long_one_is_cut() -> None:
    files = [("photos", ("a", b"x" * 5000)), ("photos", ("b", b"y" * 5000))]
    request = httpx.Request("POST", "http://x", files=files)
    boundary = request.headers["content-type"].partition("boundary=")[2]
    parts = [part async for part in Parts(request_of(request.read(), boundary, 100))]
    assert [part.filename for part in parts] == ["a", "b"]
    async for part in Parts(request_of(request.read(), boundary, 100)):
        assert len(await part.read(10)) == 11
