"""The NUL character, which PostgreSQL rejects: refused in fields, not found in ids, removed from file names."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import JsonValue

from tests.readings import keep, row, scan
from tests.serving import Served, serving

ONE = "1" * 32
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PATHS = [
    *(("GET", f"/v1/scans/{{}}{rest}") for rest in ("", "?wait_s=1", "/photo", "/thumbnail", "/annotated")),
    *(("POST", f"/v1/scans/{{}}{rest}") for rest in ("/cancel", "/rerun")),
    *(("DELETE", f"/v1/{kind}/{{}}") for kind in ("scans", "webhooks")),
    ("DELETE", "/v1/scans/{}/reviews/1"),
    ("POST", "/v1/webhooks/{}/test"),
    *(("GET", f"/v1/batches/{{}}{rest}") for rest in ("", "/events")),
    *(("POST", f"/v1/batches/{{}}{rest}") for rest in ("/cancel", "/close", "/retry")),
]


@pytest.fixture
async def served(database: dict[str, JsonValue]) -> AsyncIterator[Served]:
    async with serving(database) as served:
        await keep(served.store, scan(row((0, 0, 100, 100), name="水", sale_price=2.5), scan_id=ONE))
        yield served


def files(field: str, photo: bytes, name: bytes) -> bytes:
    """A form with one file, whose name stands in it as it is."""
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (field.encode(), name)
    return head + photo + b"\r\n--b--\r\n"


def refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert "NUL" in answer.json()["detail"]
    assert answer.json()["advice"]


async def test_a_text_of_a_batch_is_refused(served: Served, jpeg: bytes) -> None:
    for field in ("name", "question", "store_id"):
        refused(await served.client.post("/v1/batches", files={"photos": jpeg}, data={field: "a\x00b"}))
        refused(await served.client.post(f"/v1/batches?{field}=a%00b", files={"photos": jpeg}))


@pytest.mark.parametrize("prefer", ["", "respond-async"])
async def test_a_text_of_a_scan_is_refused(served: Served, jpeg: bytes, prefer: str) -> None:
    for field in ({"question": "a\x00b"}, {"store_id": "\x00"}, {"options": r'{"threshold_deg": [{"a\u0000b": 1}]}'}):
        form, headers = {"task": "text_read", **field}, {"Prefer": prefer}
        refused(await served.client.post("/v1/scans", files={"photos": jpeg}, data=form, headers=headers))


async def test_a_value_of_a_review_is_refused(served: Served) -> None:
    values: list[JsonValue] = ["a\x00b", ["a", {"b": "\x00"}], {"a\x00": 1}]
    for value in values:
        said = {"action": "correct", "part": "items", "row": 0, "field": "name", "value": value}
        refused(await served.client.post(f"/v1/scans/{ONE}/reviews", json=said))


async def test_what_can_be_no_id_is_not_found(served: Served) -> None:
    for method, path in PATHS:
        for given in ("%00", "a%00b", "x" * 65):
            answer = await served.client.request(method, path.format(given))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path, answer.text)


async def test_no_photo_is_added_to_what_can_be_no_batch(served: Served, jpeg: bytes) -> None:
    answer = await served.client.post("/v1/batches/%00/photos", files={"photos": jpeg})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), answer.text


async def test_a_file_name_loses_its_control_characters_and_no_photo_is_lost(served: Served, jpeg: bytes) -> None:
    body = files("photos", jpeg, b"a\x00\x07b.jpg")
    answer = await served.client.post("/v1/scans?task=text_read", content=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    photo = {"data": base64.b64encode(jpeg).decode(), "filename": "a\x00\nb.jpg"}
    other = await served.client.post("/v1/scans", json={"task": "text_read", "photos": [photo]})
    for scan_id in (answer.json()["scan_id"], other.json()["scan_id"]):
        assert (await served.get(f"/v1/scans/{scan_id}"))["filename"] == "ab.jpg"


async def test_so_does_that_of_a_photo_in_a_batch(served: Served, jpeg: bytes) -> None:
    body = files("photos", jpeg, b"a\x00\x07b.jpg")
    answer = await served.client.post("/v1/batches?task=text_read", content=body, headers=FORM)
    assert (answer.status_code, answer.json()["total"]) == (202, 1), answer.text
    listed = await served.get("/v1/scans", batch_id=answer.json()["batch_id"])
    assert isinstance(listed["scans"], list)
    assert [one["filename"] for one in listed["scans"] if isinstance(one, dict)] == ["ab.jpg"]
