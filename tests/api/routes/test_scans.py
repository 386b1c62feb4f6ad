"""The HTTP contract, on the simulated engine: what is accepted, what is refused, and how errors look."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from pixel_agent.api.app import create_app
from pixel_agent.core.settings import load
from pixel_agent.service.service import build_service
from tests.serving import FAST, patient


@asynccontextmanager
async def running(**overrides: object) -> AsyncIterator[httpx.AsyncClient]:
    service = build_service(load(patient({**FAST, **overrides}), environment={}))  # type: ignore[dict-item]
    app = create_app(service)
    async with app.router.lifespan_context(app):
        await service.until_ready()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with running() as client:
        yield client


async def test_the_old_contract_still_answers(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/scan", files={"file": ("a.jpg", jpeg)}, data={"task": "价签识别"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["scan"]["task"]) == (200, "success", "price_tag")
    assert hashlib.sha256(jpeg).hexdigest() in body["result"]


async def test_the_default_task_is_the_full_product_scan(client: httpx.AsyncClient, jpeg: bytes) -> None:
    body = (await client.post("/scan", files={"file": jpeg})).json()
    assert body["scan"]["task"] == "product_full_scan"


async def test_the_task_may_stand_in_the_query(client: httpx.AsyncClient, jpeg: bytes) -> None:
    body = (await client.post("/scan", params={"task": "Read text"}, files={"file": jpeg})).json()
    assert body["scan"]["task"] == "text_read"


async def test_one_photo_answers_with_its_envelope(client: httpx.AsyncClient, jpeg: bytes) -> None:
    fields = {
        "task": "text_read",
        "store_id": "S1",
        "priority": "bulk",
        "lang": "en",
        "options": '{"today": "2026-11-22"}',
    }
    answer = await client.post("/v1/scans", files={"photos": ("a.jpg", jpeg)}, data=fields)
    body = answer.json()
    assert answer.status_code == 200
    assert body["scan_id"]
    assert (body["store_id"], body["engine"]["simulated"], body["simulated"]) == ("S1", True, True)
    assert (body["image"]["width"], body["image"]["height"]) == (640, 480)
    assert body["image"]["sha256"] == hashlib.sha256(jpeg).hexdigest()
    assert {"photo", "engine", "total"} <= set(body["timings"])
    assert "photo;dur=" in answer.headers["server-timing"]


async def test_several_photos_answer_in_order_and_a_bad_one_stops_nobody(
    client: httpx.AsyncClient, jpeg: bytes
) -> None:
    files = [("photos", ("a.jpg", jpeg)), ("photos", ("b.jpg", b"not a photo")), ("photos", ("c.jpg", jpeg))]
    body = (await client.post("/v1/scans", files=files)).json()
    assert [part["status"] for part in body["scans"]] == ["completed", "failed", "completed"]
    assert body["scans"][1]["error"]["code"] == "photo_type_unsupported"
    assert body["status"] == "partial"
    assert body["scan_id"]


async def test_json_with_base64_is_accepted(client: httpx.AsyncClient, jpeg: bytes) -> None:
    text = base64.b64encode(jpeg).decode()
    for photo in (text, {"data": text, "filename": "a.jpg"}, f"data:image/jpeg;base64,{text}"):
        answer = await client.post("/v1/scans", json={"photos": [photo], "task": "text_read"})
        assert answer.status_code == 200, answer.text


async def test_identical_scans_are_shared_unless_asked_otherwise(client: httpx.AsyncClient, jpeg: bytes) -> None:
    first = (await client.post("/v1/scans", files={"photos": jpeg})).json()
    again = (await client.post("/v1/scans", files={"photos": jpeg})).json()
    fresh = (await client.post("/v1/scans", files={"photos": jpeg}, headers={"cache-control": "no-cache"})).json()
    assert [first["shared"], again["shared"], fresh["shared"]] == ["", "cache", ""]
    assert len({first["scan_id"], again["scan_id"], fresh["scan_id"]}) == 3


BAD_PHOTOS = {
    "empty": (b"", 400, "photo_empty"),
    "text": (b"hello, I am a photo", 415, "photo_type_unsupported"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "photo_type_unsupported"),
    "pdf": (b"%PDF-1.7 ...", 415, "photo_type_unsupported"),
    "html": (b"<!doctype html><html><body>hi", 415, "photo_type_unsupported"),
    "only a start": (b"\xff\xd8\xff\xe0\x00\x10JFIF", 422, "photo_broken"),
}


@pytest.mark.parametrize(("data", "status", "code"), BAD_PHOTOS.values(), ids=BAD_PHOTOS)
async def test_a_bad_photo_is_a_clear_problem(client: httpx.AsyncClient, data: bytes, status: int, code: str) -> None:
    answer = await client.post("/v1/scans", files={"photos": ("x.jpg", data)})
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["detail"]
    assert problem["advice"]


async def test_errors_of_the_old_contract_look_as_they_did(client: httpx.AsyncClient) -> None:
    answer = await client.post("/scan", files={"file": ("x.jpg", b"")})
    assert answer.json().keys() >= {"status", "message", "code"}
    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (400, "error", "photo_empty")


async def test_a_photo_one_byte_over_the_limit_is_refused(jpeg: bytes) -> None:
    async with running(photo={"max_bytes": len(jpeg)}) as client:
        assert (await client.post("/scan", files={"file": jpeg})).status_code == 200
        over = await client.post("/scan", files={"file": jpeg + b"\0"})
    assert (over.status_code, over.json()["code"]) == (413, "photo_too_large")


async def test_a_body_that_grows_past_the_limit_is_stopped_while_it_is_read(jpeg: bytes) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 65536

    async with running(photo={"max_bytes": 1000}) as client:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = await client.post("/scan", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([("image", ("a.jpg", b"x"))], "'image'"),
        ([("file", ("a.jpg", b"x")), ("file", ("b.jpg", b"y"))], "2 photos"),
    ],
)
async def test_a_wrong_form_says_what_is_expected(client: httpx.AsyncClient, files: object, says: str) -> None:
    answer = await client.post("/scan", files=files)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert says in answer.json()["message"]
    assert "in the field '" in answer.json()["advice"]


async def test_a_field_that_came_as_text_is_told_apart(client: httpx.AsyncClient) -> None:
    answer = await client.post("/scan", data={"file": "C:/photo.jpg"})
    assert answer.status_code == 400
    assert "as text" in answer.json()["message"] or "no file" in answer.json()["message"]


@pytest.mark.parametrize("task", ["price_tga", "价签", "\0", "🦄" * 3, "x" * 10_000, "<script>"])
async def test_an_unknown_task_is_a_problem_with_a_way_out(client: httpx.AsyncClient, jpeg: bytes, task: str) -> None:
    answer = await client.post("/v1/scans", files={"photos": jpeg}, data={"task": task})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_task")
    assert "/v1/tasks" in answer.json()["advice"]
    assert len(answer.content) < 2000


async def test_near_task_names_are_offered(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/v1/scans", files={"photos": jpeg}, data={"task": "price_tga"})
    assert "price_tag" in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"priority": "urgent"},
        {"deadline_ms": "-5"},
        {"deadline_ms": "soon"},
        {"lang": "fr"},
        {"options": "[1]"},
        {"options": "{"},
        {"unknown_field": "1"},
        {"force": "perhaps"},
    ],
)
async def test_a_wrong_field_is_named(client: httpx.AsyncClient, jpeg: bytes, fields: dict[str, str]) -> None:
    answer = await client.post("/v1/scans", files={"photos": jpeg}, data=fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert next(iter(fields)) in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"photos": []}',
        b'{"photos": ["%%%"]}',
        b'{"photos": ["YQ"]}',
        b'{"photos": "YQ=="}',
        b'{"photos": [{"dat": "YQ=="}]}',
        b'{"task": "text_read"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
async def test_wrong_json_is_a_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/scans", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text


async def test_too_many_photos_are_refused(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/v1/scans", files=[("photos", jpeg)] * 9)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_photos")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "text/plain", "multipart/form-data; boundary=b", ""])
async def test_a_body_that_is_no_form_is_a_400(client: httpx.AsyncClient, content_type: str) -> None:
    answer = await client.post("/scan", content=b"garbage", headers={"content-type": content_type})
    assert answer.status_code == 400, answer.text
    assert answer.json()["status"] == "error"


async def test_ask_needs_a_question(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/v1/scans", files={"photos": jpeg}, data={"task": "ask"})
    assert answer.status_code == 400
    assert "question" in answer.json()["detail"]


async def test_compare_takes_two_photos(client: httpx.AsyncClient, jpeg: bytes) -> None:
    one = await client.post("/v1/scans", files={"photos": jpeg}, data={"task": "compare"})
    two = await client.post("/v1/scans", files=[("photos", jpeg), ("photos", jpeg)], data={"task": "compare"})
    assert (one.status_code, one.json()["code"]) == (400, "too_many_photos")
    assert (two.status_code, two.json()["task"], len(two.json()["parts"])) == (200, "compare", 2)


async def test_a_photo_that_shows_nothing_is_sent_back_unless_forced(client: httpx.AsyncClient) -> None:
    import cv2
    import numpy as np

    black = bytes(cv2.imencode(".png", np.zeros((300, 400, 3), np.uint8))[1])
    back = (await client.post("/v1/scans", files={"photos": black})).json()
    forced = (await client.post("/v1/scans", files={"photos": black}, data={"force": "true"})).json()
    assert (back["status"], forced["status"]) == ("retake_required", "completed")
    assert back["image"]["quality"]["advice"]


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.get("/v1/nothing"),
        await client.get("/v1/scans/../../etc/passwd"),
        await client.put("/scan"),
    ):
        assert answer.status_code in (404, 405)
        assert answer.json()["code"].startswith("http_")


async def test_tasks_are_served_with_schema_and_support(client: httpx.AsyncClient) -> None:
    tasks = (await client.get("/v1/tasks", params={"lang": "en"})).json()
    by_id = {task["id"]: task for task in tasks}
    assert by_id["price_tag"]["name"] == "Price tags"
    assert by_id["price_tag"]["schema"]["type"] == "object"
    assert by_id["shelf_audit"]["support"] == "full"
    assert (await client.get("/v1/tasks/货架巡检")).json()["id"] == "shelf_audit"


async def test_tasks_name_the_columns_of_their_rows_in_both_languages(client: httpx.AsyncClient) -> None:
    columns = (await client.get("/v1/tasks/price_tag")).json()["columns"]
    assert [column["field"] for column in columns[:2]] == ["name", "regular_price"]
    issues = next(column for column in columns if column["field"] == "issues")
    assert (issues["zh"], issues["en"], issues["words"]["missing_unit"]) == ("问题", "Issues", "缺计价单位")


async def test_docs_need_no_other_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "https://" not in page
    assert (await client.get("/openapi.json")).json()["paths"].keys() >= {"/scan", "/v1/scans", "/v1/tasks"}


async def test_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).json()["engine"] == "simulated"


async def test_a_deadline_that_cannot_be_met_is_refused_or_expires(jpeg: bytes) -> None:
    async with running(simulated={"base_ms": 300, "per_item_ms": 0}) as client:
        answer = await client.post("/v1/scans", files={"photos": jpeg}, data={"deadline_ms": "20"})
    assert answer.status_code in (503, 504)
    assert answer.json()["code"] in ("deadline_unreachable", "deadline_exceeded")


async def test_two_hundred_uploads_at_once_are_all_answered(client: httpx.AsyncClient, jpeg: bytes) -> None:
    async def one(number: int) -> str:
        body = jpeg + str(number).encode()
        answer = await client.post("/v1/scans", files={"photos": body}, data={"priority": "bulk"})
        assert answer.status_code == 200, answer.text
        return str(json.loads(answer.text)["image"]["sha256"]) + hashlib.sha256(body).hexdigest()

    for both in await asyncio.gather(*(one(number) for number in range(200))):
        assert both[:64] == both[64:]


@pytest.mark.parametrize("options", ['{"a": "\\ud83d"}', '{"a": NaN}', '{"a": 1e999}', "[" * 5000])
async def test_options_that_no_json_answer_could_carry_are_refused(
    client: httpx.AsyncClient, jpeg: bytes, options: str
) -> None:
    answer = await client.post("/v1/scans", files={"photos": jpeg}, data={"options": options})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_length_that_can_never_fit_is_too_large_not_busy(client: httpx.AsyncClient) -> None:
    headers = {"content-length": "99999999999", "content-type": "multipart/form-data; boundary=b"}
    answer = await client.post("/scan", content=b"", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "photo_too_large")


async def test_a_json_scan_takes_fields_from_the_query_and_its_body_wins(
    client: httpx.AsyncClient, jpeg: bytes
) -> None:
    body = {"photos": [base64.b64encode(jpeg).decode()], "store_id": "body"}
    asked = {"task": "text_read", "store_id": "query", "lang": "en"}
    answer = (await client.post("/v1/scans", json=body, params=asked)).json()
    assert (answer["task"], answer["store_id"]) == ("text_read", "body")
    assert (await client.post("/v1/scans", json=body, params={"bogus": "1"})).status_code == 400


async def test_comparing_one_photo_is_refused_by_the_old_contract_too(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/scan", files={"file": jpeg}, data={"task": "compare"})
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_photos")


async def test_one_photo_over_the_limit_does_not_stop_the_others(jpeg: bytes) -> None:
    files = [("photos", ("a.jpg", jpeg)), ("photos", ("b.jpg", jpeg + b"\0"))]
    async with running(photo={"max_bytes": len(jpeg)}) as client:
        body = (await client.post("/v1/scans", files=files)).json()
    assert [part["status"] for part in body["scans"]] == ["completed", "failed"]
    assert body["scans"][1]["error"]["code"] == "photo_too_large"


async def test_an_upload_that_stands_still_is_ended(jpeg: bytes) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield b"--b\r\n"
        await asyncio.sleep(3600)

    async with running(server={"upload_grace_s": 0.05}) as client:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = await asyncio.wait_for(client.post("/scan", content=stalls(), headers=headers), 60)
    assert (answer.status_code, answer.json()["code"]) == (408, "upload_too_slow")


async def test_the_description_of_the_service_resolves_in_itself(client: httpx.AsyncClient) -> None:
    description = (await client.get("/openapi.json")).json()

    def references(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {str(node["$ref"])} if "$ref" in node else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    for reference in references(description):
        found = description
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    assert "application/json" in description["paths"]["/v1/scans"]["post"]["requestBody"]["content"]


async def test_a_wrong_method_on_the_old_path_looks_as_its_errors_do(client: httpx.AsyncClient) -> None:
    answer = await client.get("/scan")
    assert (answer.status_code, answer.json()["status"]) == (405, "error")
    assert (await client.head("/livez")).status_code == 200


# What other programs send


def form(disposition: str, data: bytes, *fields: str) -> bytes:
    """A form with one photo and empty fields."""
    empty = "".join(f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\r\n' for name in fields)
    return f"{empty}--b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n--b--\r\n"


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


async def test_a_photo_needs_no_file_name(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answer = await client.post("/scan", content=form('name="file"', jpeg), headers=FORM)
    assert answer.status_code == 200, answer.text


async def test_a_file_name_may_be_in_the_extended_form_alone(client: httpx.AsyncClient, jpeg: bytes) -> None:
    body = form("name=\"file\"; filename*=UTF-8''%E4%BB%B7.jpg", jpeg)
    answer = await client.post("/scan", content=body, headers=FORM)
    assert answer.status_code == 200, answer.text


async def test_an_empty_field_is_not_given(client: httpx.AsyncClient, jpeg: bytes) -> None:
    body = form('name="photos"; filename="a.jpg"', jpeg, "deadline_ms", "priority", "store_id", "lang", "options")
    answer = await client.post("/v1/scans", content=body, headers=FORM)
    assert answer.status_code == 200, answer.text
    assert answer.json()["store_id"] is None


async def test_media_types_know_no_case_and_a_byte_order_mark_is_skipped(
    client: httpx.AsyncClient, jpeg: bytes
) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"photos": [base64.b64encode(jpeg).decode()]}).encode()
    answer = await client.post("/v1/scans", content=body, headers={"Content-Type": "Application/JSON"})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/scan", "/v1/scans", "/v1/chat/completions", "/v1/batches"])
async def test_a_packed_body_is_refused_by_its_encoding(client: httpx.AsyncClient, path: str) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await client.post(path, content=gzip.compress(b"{}"), headers=headers)
    assert (answer.status_code, "gzip" in answer.text) == (415, True)


async def test_json_is_taken_as_json_only(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/chat/completions", content=b"{}", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "content_unsupported")
