"""Exports over HTTP, on both databases: filters and corrections in each format."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import openpyxl  # type: ignore[import-untyped]
import pytest

from pixel_agent.api.routes.exports import Export
from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import EngineError
from pixel_agent.schemas.queries import ExportQuery
from pixel_agent.storage import scans
from pixel_agent.storage.exports import source
from pixel_agent.storage.exports.progress import ExportProgress
from pixel_agent.storage.outcome import outcome_of_error
from pixel_agent.storage.records import NewScan
from tests.readings import keep, row, scan
from tests.serving import Served, serving

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOON_MS = 1_760_000_000_000


async def export(served: Served, expected: int = 200, /, **query: str | list[str]) -> httpx.Response:
    answer = await served.client.get("/v1/exports", params=query)
    assert answer.status_code == expected, answer.text[:400]
    return answer


async def lines(served: Served, **query: str | list[str]) -> list[dict[str, str]]:
    text = (await export(served, format="csv", **query)).content.decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text, newline="")))


async def put(served: Served, number: int, at_ms: int, price: float | None = None) -> str:
    """A kept scan of shop S1 with one item."""
    scan_id = f"{number:032x}"
    kept = scan(
        row((1, 2, 30, 40), name=f"n{number}", regular_price=price), scan_id=scan_id, store_id="S1", sha256=None
    )
    await keep(served.store, kept, at_ms)
    return scan_id


async def test_every_scan_comes_once_however_many_pages_there_are(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "PAGE", 3)
    made = [await put(served, number, NOON_MS + number // 2) for number in range(1, 9)]
    found = (await export(served, format="jsonl")).text.splitlines()
    assert [json.loads(line)["scan_id"] for line in found] == made[::-1]


async def test_a_line_of_json_is_what_the_scan_answers(served: Served, jpeg: bytes) -> None:
    scan_id = await served.scan(jpeg, store_id="S1")
    (line,) = (await export(served, format="jsonl")).text.splitlines()
    assert json.loads(line) == await served.get(f"/v1/scans/{scan_id}")


async def test_filters_are_those_of_the_list(served: Served) -> None:
    await put(served, 1, NOON_MS)
    await put(served, 2, NOON_MS + DAY_MS)
    assert [line["name"] for line in await lines(served, since="2025-10-10")] == ["n2"]
    assert [line["name"] for line in await lines(served, scan_id=[f"{1:032x}"])] == ["n1"]
    assert await lines(served, task="文字识别") == []


async def test_corrections_stand_beside_what_the_model_said(served: Served) -> None:
    scan_id = await put(served, 1, NOON_MS, price=58)
    review = {"action": "correct", "part": "items", "row": 0, "field": "regular_price", "value": 5.8, "by": "王芳"}
    answer = await served.client.post(f"/v1/scans/{scan_id}/reviews", json=review)
    assert answer.status_code == 201, answer.text
    (line,) = await lines(served, task="price_tag")
    assert (line["regular_price"], line["model_values"], line["corrected_by"]) == (
        "5.8",
        '{"regular_price": 58}',
        "王芳",
    )
    book = openpyxl.load_workbook(BytesIO((await export(served, format="xlsx")).content))
    assert [cell.value for cell in book["corrections"][2]][4:8] == ["regular_price", 58, 5.8, "王芳"]


async def test_scans_that_failed_are_in_the_tables_with_the_reason(served: Served) -> None:
    async with served.store.db.write() as conn:
        new = NewScan("f" * 32, "async", ScanSpec("price_tag"), NOON_MS)
        await scans.insert(conn, new, outcome_of_error(EngineError("The engine died.")))
    (line,) = await lines(served)
    assert (line["scan_status"], line["error"]) == (Status.FAILED.value, "The engine died.")
    assert json.loads((await export(served, format="coco")).text)["images"] == []


async def test_annotations_name_the_photo_and_the_scan(served: Served, jpeg: bytes) -> None:
    await put(served, 1, NOON_MS)
    kept = scan(row((1, 2, 31, 42), name="水"), scan_id="e" * 32)
    await keep(served.store, kept, NOON_MS)
    found = json.loads((await export(served, format="coco")).text)
    assert [(image["scan_id"], image["width"]) for image in found["images"]] == [("e" * 32, 1000)]
    assert found["annotations"][0]["bbox"] == [1, 2, 30, 40]


async def test_the_report_shows_the_photo_and_what_changed_since_the_visit_before(served: Served, jpeg: bytes) -> None:
    await put(served, 1, NOON_MS)
    await put(served, 2, NOON_MS + DAY_MS)
    page = (await export(served, format="html", lang="en", scan_id=f"{2:032x}")).text
    assert "What changed since the visit before" in page
    assert all(name in page for name in ("n1", "n2", "Resolved (1)", "New (1)"))
    shown = await served.scan(jpeg)
    assert "data:image/jpeg;base64," in (await export(served, format="html", scan_id=shown)).text


async def test_the_report_opens_in_the_browser_where_it_can_do_nothing(plain: Served) -> None:
    answer = await export(plain, format="html")
    assert answer.headers["content-disposition"].startswith("inline")
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'; img-src data:;")


@pytest.mark.parametrize(
    ("name", "media_type", "suffix"),
    [
        ("csv", "text/csv; charset=utf-8", ".csv"),
        ("jsonl", "application/x-ndjson", ".jsonl"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
        ("coco", "application/json", "-coco.json"),
    ],
)
async def test_files_are_downloads_with_a_name(plain: Served, name: str, media_type: str, suffix: str) -> None:
    answer = await export(plain, format=name)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].startswith('attachment; filename="pixel-agent-')
    assert answer.headers["content-disposition"].endswith(f'{suffix}"')
    assert answer.headers["cache-control"] == "no-store"


async def test_headings_of_a_workbook_follow_a_language_that_is_asked_for(plain: Served) -> None:
    plainly, chinese = await export(plain, format="xlsx"), await export(plain, format="xlsx", lang="zh")
    headings = [openpyxl.load_workbook(BytesIO(one.content))["scans"]["A1"].value for one in (plainly, chinese)]
    assert headings == ["scan_id", "扫描号"]


async def test_a_scan_that_is_not_there_is_said_before_anything_is_sent(plain: Served) -> None:
    await put(plain, 1, NOON_MS)
    answer = await export(plain, 404, format="xlsx", scan_id=[f"{1:032x}", "nope"])
    assert (answer.json()["code"], "nope" in answer.json()["detail"]) == ("not_found", True)


@pytest.mark.parametrize("query", [{"format": "pdf"}, {"task": "no such"}, {"colour": "red"}, {"since": "x"}])
async def test_what_makes_no_sense_is_refused(plain: Served, query: dict[str, str]) -> None:
    answer = await plain.client.get("/v1/exports", params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_only_so_many_run_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    pages = source.pages

    async def slow(*given: object) -> AsyncIterator[object]:
        begun.set()
        await go_on.wait()
        async for page in pages(*given):  # type: ignore[arg-type]
            yield page

    monkeypatch.setattr("pixel_agent.api.routes.exports.pages", slow)
    async with serving({"data_dir": str(tmp_path), "exports": {"at_once": 1}}) as served:
        first = asyncio.ensure_future(export(served, format="csv"))
        await begun.wait()
        refused = await export(served, 503, format="csv")
        assert (refused.json()["code"], refused.headers["retry-after"]) == ("queue_full", "10")
        go_on.set()
        await first
        await export(served, format="csv")


async def test_a_named_export_says_how_far_it_is(served: Served) -> None:
    for number in range(1, 4):
        await put(served, number, NOON_MS)
    await export(served, format="jsonl", export_id="november-1")
    answer = await served.client.get("/v1/exports/november-1")
    assert answer.json() == {"scans_done": 3, "scans_total": 3, "finished": True}
    assert (await served.client.get("/v1/exports/november-2")).status_code == 204
    await export(served, 400, export_id="no/id")


async def test_the_progress_grows_with_every_page(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "PAGE", 1)
    for number in range(1, 4):
        await put(served, number, NOON_MS)
    service, query = served.service, ExportQuery(format="jsonl")
    made = Export(service.settings, service.catalogue, served.store, query, service.photos)
    progress = ExportProgress(await made.total())
    done = [progress.scans_done async for _ in await made.open(progress)]
    assert (progress.scans_total, done) == (3, [1, 2, 3])
