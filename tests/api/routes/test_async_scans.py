"""Asynchronous scans over HTTP: refused at once if they cannot be answered, else stored; cancelled, run again."""

from __future__ import annotations

import errno
from pathlib import Path

import httpx
import pytest
from pydantic import JsonValue
from starlette.requests import Request

from pixel_agent.api.routes.async_scans import wants_async
from pixel_agent.core.errors import StoreFull, StoreUnavailable
from pixel_agent.storage.database import of_disk
from tests.serving import SLOW, Served, serving

ASYNC = {"Prefer": "respond-async"}


async def send(served: Served, *photos: bytes, **form: str) -> httpx.Response:
    files = [("photos", (f"{index}.jpg", data)) for index, data in enumerate(photos)]
    return await served.client.post("/v1/scans", files=files, data={"task": "text_read", **form}, headers=ASYNC)


async def accepted(served: Served, photo: bytes, **form: str) -> str:
    answer = await send(served, photo, **form)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["scan_id"])


async def ended(served: Served, scan_id: str) -> dict[str, JsonValue]:
    return await served.get(f"/v1/scans/{scan_id}", wait_s=60)


async def test_an_accepted_scan_says_where_its_answer_will_be(served: Served, jpeg: bytes) -> None:
    answer = await send(served, jpeg, store_id="S1")
    body = answer.json()
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    assert answer.headers["location"] == body["links"]["self"] == f"/v1/scans/{body['scan_id']}"
    assert (body["status"], body["priority"], body["store_id"], body["reading"]) == ("queued", "normal", "S1", None)
    record = await ended(served, body["scan_id"])
    assert (record["status"], record["attempts"]) == ("completed", 1)
    assert record["reading"]


async def test_the_photo_is_on_the_disk_when_it_is_accepted(slow: Served, jpeg: bytes) -> None:
    body = (await send(slow, jpeg)).json()
    assert slow.store.photos.path(body["photo"]["sha256"]).read_bytes() == jpeg


async def test_several_photos_become_several_scans(plain: Served, jpeg: bytes) -> None:
    answer = await send(plain, jpeg, jpeg + b"2", priority="bulk")
    scans = answer.json()["scans"]
    assert [(one["filename"], one["priority"]) for one in scans] == [("0.jpg", "bulk"), ("1.jpg", "bulk")]
    listed = await plain.client.get(answer.headers["location"])
    assert listed.status_code == 200


@pytest.mark.parametrize(
    ("form", "code", "status"),
    [
        ({"task": "no such"}, "unknown_task", 400),
        ({"task": "ask"}, "invalid_request", 400),
        ({"options": '{"today": "soon"}'}, "invalid_request", 400),
        ({"options": '{"nonsense": 1}'}, "invalid_request", 400),
        ({"task": "compare"}, "too_many_photos", 400),
    ],
)
async def test_what_cannot_be_answered_is_refused_now(
    plain: Served, jpeg: bytes, form: dict[str, str], code: str, status: int
) -> None:
    answer = await send(plain, jpeg, **form)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.mark.parametrize(("data", "status"), [(b"", 400), (b"%PDF-1.7", 415), (b"\xff\xd8\xff\xe0 but no more", 422)])
async def test_what_is_no_photo_is_refused_now_and_nothing_is_kept(
    plain: Served, jpeg: bytes, data: bytes, status: int
) -> None:
    assert (await send(plain, jpeg, data)).status_code == status
    assert (await plain.get("/v1/scans"))["scans"] == []


async def test_a_full_disk_accepts_nothing_and_says_so(tmp_path: Path, jpeg: bytes) -> None:
    async with serving({"data_dir": str(tmp_path), "store": {"min_free_bytes": 2**62}}) as served:
        answer = await send(served, jpeg)
        assert (answer.status_code, answer.json()["code"]) == (507, "store_full")
        assert (await served.client.post("/v1/scans", files={"photos": jpeg})).status_code == 200
    assert isinstance(of_disk(OSError(errno.ENOSPC, "full")), StoreFull)


async def test_a_store_that_is_down_accepts_nothing_for_now(plain: Served, jpeg: bytes) -> None:
    plain.store.db.mark_failed(StoreUnavailable("The database is gone."))
    answer = await send(plain, jpeg)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


async def test_without_a_store_nothing_can_be_accepted(jpeg: bytes) -> None:
    async with serving({"store": {"enabled": False}}) as served:
        assert (await send(served, jpeg)).status_code == 503


async def test_a_full_house_still_accepts_for_later(slow: Served, jpeg: bytes) -> None:
    slow.service.admission._inside[0] = 10**6
    assert (await slow.client.post("/v1/scans", files={"photos": jpeg})).status_code == 503
    assert (await send(slow, jpeg)).status_code == 202
    slow.service.admission._inside[0] = 0


async def test_a_waiting_scan_is_cancelled_at_once(slow: Served, jpeg: bytes) -> None:
    scan_id = await accepted(slow, jpeg)
    answer = await slow.client.post(f"/v1/scans/{scan_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await slow.client.post(f"/v1/scans/{scan_id}/cancel")).status_code == 200


async def test_what_has_ended_cannot_be_cancelled(plain: Served, jpeg: bytes) -> None:
    scan_id = await accepted(plain, jpeg)
    await ended(plain, scan_id)
    assert (await plain.client.post(f"/v1/scans/{scan_id}/cancel")).status_code == 409
    assert (await plain.client.post("/v1/scans/none/cancel")).status_code == 404


async def test_a_photo_is_read_again_with_other_options(plain: Served, jpeg: bytes) -> None:
    scan_id = await accepted(plain, jpeg, store_id="S1")
    answer = await plain.client.post(f"/v1/scans/{scan_id}/rerun", json={"task": "price_tag"})
    body = answer.json()
    assert answer.status_code == 202, answer.text
    assert (body["rerun_of"], body["task"], body["store_id"]) == (scan_id, "price_tag", "S1")
    assert (await ended(plain, body["scan_id"]))["status"] == "completed"


@pytest.mark.parametrize("body", [b"[]", b'{"nonsense": 1}', b'{"task": "no such"}', b'{"options": {"x": 1}}', b"{"])
async def test_a_rerun_that_makes_no_sense_is_refused(plain: Served, jpeg: bytes, body: bytes) -> None:
    scan_id = await accepted(plain, jpeg)
    assert (
        await plain.client.post(
            f"/v1/scans/{scan_id}/rerun", content=body, headers={"Content-Type": "application/json"}
        )
    ).status_code == 400


async def test_what_was_accepted_survives_the_end_of_the_service(tmp_path: Path, jpeg: bytes) -> None:
    async with serving({"data_dir": str(tmp_path), **SLOW}) as served:
        scan_id = await accepted(served, jpeg)
    async with serving({"data_dir": str(tmp_path)}) as served:
        record = await ended(served, scan_id)
    assert (record["status"], record["attempts"]) == ("completed", 1)


@pytest.mark.parametrize(
    ("prefer", "wanted"),
    [("respond-async", True), ("wait=5, Respond-Async; x=1", True), ("return=minimal", False), ("", False)],
)
def test_the_preference_is_read_as_its_standard_says(prefer: str, wanted: bool) -> None:
    assert wants_async(Request({"type": "http", "headers": [(b"prefer", prefer.encode())]})) is wanted
