"""The history over HTTP, on both databases: every scan can be found, shown and deleted, and no query breaks it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_agent.core import Pixels, ScanSpec, Status
from pixel_agent.core.errors import EngineError, InvalidRequest
from pixel_agent.storage import scans, tables
from pixel_agent.storage.outcome import outcome_of, outcome_of_error
from pixel_agent.storage.records import NewScan, PhotoRecord, Position, ScanFilter, millis, now_ms
from pixel_agent.storage.store import Store
from tests.readings import AT, COLA, WATER, keep, row, scan
from tests.serving import Served, serving
from tests.waiting import PATIENCE_S, until

PICTURES = ("photo", "thumbnail", "annotated")


async def ids(served: Served, **query: str) -> list[str]:
    answer = await served.client.get("/v1/scans", params=query)
    assert answer.status_code == 200, answer.text
    return [str(one["scan_id"]) for one in answer.json()["scans"]]


async def queued(served: Served, scan_id: str, status: Status = Status.QUEUED) -> None:
    """A scan that nobody runs yet: that of another process."""
    new = NewScan(scan_id, "async", ScanSpec("text_read"), now_ms(), deadline_at=None)
    async with served.store.db.write() as conn:
        seq = await scans.insert(conn, new)
        later = now_ms() + 600_000
        update = tables.scans.update().where(tables.scans.c.seq == seq)
        await conn.execute(update.values(status=status.value, owner="elsewhere", lease_until=later, available_at=later))


# The list


async def test_the_newest_scans_come_first_with_all_that_a_list_shows(served: Served, jpeg: bytes) -> None:
    first = await served.scan(jpeg, "货架.jpg", store_id="S1")
    second = await served.scan(jpeg)
    assert await ids(served) == [second, first]
    page = await served.get("/v1/scans", store_id="S1")
    assert isinstance(page["scans"], list)
    line = page["scans"][0]
    assert isinstance(line, dict)
    assert (line["filename"], line["task"], line["status"], line["error"]) == (
        "货架.jpg",
        "text_read",
        "completed",
        None,
    )
    assert str(line["received_at"]).endswith("Z")
    assert isinstance(line["photo"], dict)
    assert line["photo"]["sha256"] == hashlib.sha256(jpeg).hexdigest()
    assert (line["photo"]["width"], line["photo"]["height"], line["photo"]["available"]) == (640, 480, True)


async def test_filters_find_what_they_say(served: Served) -> None:
    hat = row(rule_id="hat", status="fail", severity="major")
    await keep(served.store, scan(row(name="可口可乐", gtin=COLA), scan_id="1" * 32, store_id="S1"), 1_000)
    await keep(served.store, scan(row(name="水", gtin=WATER), scan_id="2" * 32, status=Status.PARTIAL), 2_000)
    await keep(served.store, scan(findings=[hat], task="kitchen_hygiene", scan_id="3" * 32, store_id="S2"), 3_000)
    one, two, three = ("1" * 32, "2" * 32, "3" * 32)
    assert await ids(served, task="后厨卫生检查") == [three]
    assert await ids(served, status="partial") == [two]
    assert await ids(served, store_id="S1") == [one]
    assert await ids(served, gtin=COLA) == [one]
    assert await ids(served, q="可口可乐") == [one]
    assert await ids(served, severity="major") == [three]
    assert await ids(served, since="1970-01-01T00:00:02Z") == [three, two]
    assert await ids(served, until="1970-01-01T00:00:02Z") == [one]
    assert await ids(served, since="1970-01-01T08:00:02+08:00", until="1970-01-01T00:00:03Z") == [two]
    assert await ids(served, scan_id=two) == [two]
    assert await ids(served, q="", task="", status="completed") == [three, one]


async def test_several_states_are_asked_for_by_repeating(served: Served) -> None:
    for number, status in enumerate((Status.COMPLETED, Status.PARTIAL, Status.RETAKE_REQUIRED)):
        await keep(served.store, scan(scan_id=f"{number:032}", status=status), number)
    answer = await served.client.get("/v1/scans?status=partial&status=retake_required")
    assert [one["status"] for one in answer.json()["scans"]] == ["retake_required", "partial"]


BAD = [
    ("limit=0", "greater than or equal to 1"),
    ("limit=201", "200"),
    ("status=done", "'completed'"),
    ("review=maybe", "'advised'"),
    ("severity=bad", "'critical'"),
    ("gtin=12", "8 to 14 digits"),
    ("gtin=%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1%D9%A1", "8 to 14 digits"),
    ("since=yesterday", "2026-11-22T08:00:00Z"),
    ("until=0001-01-01", "1970"),
    ("since=2026-02-01&until=2026-01-01", "not after"),
    ("task=nothing", "no task"),
    ("colour=red", "accepted are"),
    ("q=%00", "NUL"),
    ("store_id=a%00b", "NUL"),
    ("cursor=abc", "cursor"),
    ("cursor=%F0%9F%98%80", "cursor"),
]


async def test_bad_values_are_told_with_what_is_accepted(plain: Served) -> None:
    for query, said in BAD:
        answer = await plain.client.get(f"/v1/scans?{query}")
        assert answer.status_code == 400, (query, answer.text)
        assert said in answer.json()["detail"]
        assert answer.json()["advice"]


async def test_paging_shows_every_scan_once_while_new_ones_arrive(served: Served) -> None:
    for number in range(7):
        await keep(served.store, scan(scan_id=f"{number:032}"), 1_000 + number // 3)
    seen: list[str] = []
    query = {"limit": "2"}
    for round_ in range(9):
        page = (await served.client.get("/v1/scans", params=query)).json()
        seen += [str(one["scan_id"]) for one in page["scans"] if isinstance(one, dict)]
        await keep(served.store, scan(scan_id=f"{100 + round_:032}"), 2_000 + round_)
        if page["next"] is None:
            break
        query["cursor"] = str(page["next"])
    assert seen == [f"{number:032}" for number in reversed(range(7))]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["S1", "S2"]), st.booleans()), max_size=12),
    st.integers(1, 5),
    st.data(),
)
async def test_pages_hold_every_scan_exactly_once(
    memory: Store, kept: list[tuple[int, str, bool]], limit: int, data: st.DataObject
) -> None:
    async with memory.db.write() as conn:
        await conn.execute(tables.scans.delete())
        for number, (at, store_id, partial) in enumerate(kept):
            status = Status.PARTIAL if partial else Status.COMPLETED
            one = scan(scan_id=f"{number:032}", store_id=store_id, status=status, sha256=None)
            await scans.insert(
                conn, NewScan(one.scan_id, "sync", ScanSpec("price_tag", store_id=store_id), at), outcome_of(one)
            )
    wanted = data.draw(
        st.sampled_from(
            [ScanFilter(), ScanFilter(store_id="S1"), ScanFilter(statuses=(Status.PARTIAL, Status.COMPLETED))]
        )
    )
    seen: list[Position] = []
    async with memory.db.read() as conn:
        while page := await scans.page(conn, wanted, seen[-1] if seen else None, limit):
            seen += [Position.parse(str(one.position)) for one in page]
    asked = [one for one in kept if wanted.store_id in (None, one[1])]
    assert len(seen) == len(asked)
    assert seen == sorted(set(seen), reverse=True)


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Store]:
    async with serving({"data_dir": str(tmp_path)}) as served:
        yield served.store


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**53), st.integers(0, 2**53), st.data())
def test_a_cursor_that_was_changed_is_refused(at: int, seq: int, data: st.DataObject) -> None:
    cursor = str(Position(at, seq))
    assert Position.parse(cursor) == Position(at, seq)
    place = data.draw(st.integers(0, len(cursor) - 1))
    sign = data.draw(st.sampled_from("ABab019-_.=% "))
    changed = cursor[:place] + sign + cursor[place + 1 :]
    if changed != cursor:
        with pytest.raises(InvalidRequest):
            Position.parse(changed)


# One scan


async def test_one_scan_is_shown_with_its_reading_and_links(served: Served, jpeg: bytes) -> None:
    scan_id = await served.scan(jpeg, options='{"today": "2026-11-22"}')
    shown = await served.get(f"/v1/scans/{scan_id}")
    assert isinstance(shown["reading"], dict)
    assert (shown["reading"]["scan_id"], shown["options"]) == (scan_id, {"today": "2026-11-22"})
    assert (shown["reviews"], shown["corrections"], shown["problem"]) == ([], [], None)
    assert shown["links"] == {
        "self": f"/v1/scans/{scan_id}",
        "photo": f"/v1/scans/{scan_id}/photo",
        "thumbnail": f"/v1/scans/{scan_id}/thumbnail",
        "annotated": f"/v1/scans/{scan_id}/annotated",
        "report": f"/v1/exports?format=html&scan_id={scan_id}",
    }


async def test_what_is_not_there_is_not_found(plain: Served) -> None:
    for scan_id in ("nothing", "%00", "..%2F..", "a" * 100, "'; DROP TABLE scans"):
        for path in ("", "/photo", "/thumbnail", "/annotated"):
            answer = await plain.client.get(f"/v1/scans/{scan_id}{path}")
            assert (answer.status_code, answer.json()["code"]) in ((404, "not_found"), (404, "http_404"))


async def test_a_failed_scan_says_why(served: Served) -> None:
    outcome = outcome_of_error(EngineError("The device burns.", "Put it out."))
    async with served.store.db.write() as conn:
        await scans.insert(conn, NewScan("f" * 32, "sync", ScanSpec("text_read"), 1), outcome)
    shown = await served.get(f"/v1/scans/{'f' * 32}")
    assert shown["error"] == {"code": "engine_failed", "detail": "The device burns."}
    assert isinstance(shown["problem"], dict)
    assert (shown["problem"]["advice"], shown["reading"], shown["status"]) == ("Put it out.", None, "failed")


async def test_waiting_ends_with_the_scan(served: Served) -> None:
    await queued(served, "q" * 32)

    async def end() -> None:
        await asyncio.sleep(0.05)
        async with served.store.db.write() as conn:
            record = await scans.get(conn, "q" * 32)
            assert record is not None
            await scans.finish(conn, record.seq, outcome_of(scan(scan_id="q" * 32)))
        served.store.notifier.notify("q" * 32)

    shown, _ = await asyncio.gather(served.get(f"/v1/scans/{'q' * 32}", wait_s=30), end())
    assert shown["status"] == "completed"


async def test_waiting_ends_with_its_time(plain: Served) -> None:
    await queued(plain, "q" * 32)
    assert (await plain.get(f"/v1/scans/{'q' * 32}", wait_s=0.05))["status"] == "queued"


async def test_waiting_ends_when_the_client_leaves(plain: Served) -> None:
    await queued(plain, "q" * 32)
    waiting = asyncio.create_task(plain.get(f"/v1/scans/{'q' * 32}", wait_s=60))
    await until(lambda: plain.store.notifier.subjects == 1)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=PATIENCE_S)
    assert waiting.cancelled()
    assert plain.store.notifier.subjects == 0


async def test_waiting_is_bounded(plain: Served) -> None:
    for wait_s in ("-1", "61", "soon", "nan"):
        assert (await plain.client.get(f"/v1/scans/{'q' * 32}?wait_s={wait_s}")).status_code == 400


# Deleting


async def test_a_deleted_scan_is_gone_and_its_photo_with_the_last_one(served: Served, jpeg: bytes) -> None:
    first, second = await served.scan(jpeg), await served.scan(jpeg)
    path = served.store.photos.path(hashlib.sha256(jpeg).hexdigest())
    assert (await served.client.delete(f"/v1/scans/{first}")).status_code == 204
    assert path.exists()
    assert (await served.client.delete(f"/v1/scans/{second}")).status_code == 204
    assert not path.exists()
    await served.get(f"/v1/scans/{second}", 404)
    assert (await served.client.delete(f"/v1/scans/{second}")).status_code == 404


async def test_a_scan_that_has_not_ended_is_cancelled_first(plain: Served) -> None:
    for scan_id, status in (("q" * 32, Status.QUEUED), ("r" * 32, Status.RUNNING)):
        await queued(plain, scan_id, status)
        answer = await plain.client.delete(f"/v1/scans/{scan_id}")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "ancel it first" in answer.json()["advice"]


# Photos


async def test_the_photo_comes_back_byte_by_byte_and_does_nothing_as_a_page(served: Served, jpeg: bytes) -> None:
    scan_id = await served.scan(jpeg, "货架 1.html")
    answer = await served.client.get(f"/v1/scans/{scan_id}/photo")
    assert answer.content == jpeg
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"].startswith("private")
    assert answer.headers["content-disposition"].startswith("inline")


async def test_part_of_a_photo_can_be_asked_for(plain: Served, jpeg: bytes) -> None:
    path = f"/v1/scans/{await plain.scan(jpeg)}/photo"
    answer = await plain.client.get(path, headers={"Range": "bytes=2-5"})
    assert (answer.status_code, answer.content) == (206, jpeg[2:6])


async def test_what_a_client_has_is_not_sent_again(plain: Served, jpeg: bytes) -> None:
    scan_id = await plain.scan(jpeg)
    for name in PICTURES:
        path = f"/v1/scans/{scan_id}/{name}"
        first = await plain.client.get(path)
        tag = first.headers["etag"]
        again = await plain.client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert (await plain.client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_annotated_photo_is_another_one_after_a_review(plain: Served, jpeg: bytes) -> None:
    scan_id = await plain.scan(jpeg)
    path = f"/v1/scans/{scan_id}/annotated"
    tag = (await plain.client.get(path)).headers["etag"]
    await plain.client.post(f"/v1/scans/{scan_id}/reviews", json={"action": "confirm"})
    assert (await plain.client.get(path)).headers["etag"] != tag


async def test_what_was_found_is_drawn_where_it_is_in_its_own_words(plain: Served, jpeg: bytes) -> None:
    scan_id = await plain.scan(jpeg)
    found = row((100, 300, 300, 400), name="酱油", severity="critical")
    await keep(
        plain.store, scan(found, scan_id="b" * 32, sha256=hashlib.sha256(jpeg).hexdigest()), photo_bytes=len(jpeg)
    )
    bare = opened((await plain.client.get(f"/v1/scans/{scan_id}/annotated")).content)
    drawn = opened((await plain.client.get(f"/v1/scans/{'b' * 32}/annotated")).content)
    changed = np.argwhere(np.abs(drawn.astype(int) - bare.astype(int)).max(axis=2) > 60)
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert abs(left - 100) < 8
    assert abs(bottom - 400) < 8
    assert 250 < top < 305
    assert right < 420


def encoded(scene: Pixels, kind: str) -> bytes:
    buffer, image = BytesIO(), Image.fromarray(scene)
    pillow_heif.from_pillow(image).save(buffer) if kind == "HEIF" else image.save(buffer, kind)
    return buffer.getvalue()


def opened(data: bytes) -> Pixels:
    image = Image.open(BytesIO(data))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB"), np.uint8)


async def test_thumbnails_are_jpegs_of_every_accepted_type(plain: Served, scene: Pixels) -> None:
    like = cv2.resize(scene, (320, 240), interpolation=cv2.INTER_AREA)
    for kind in ("PNG", "WEBP", "HEIF", "AVIF", "BMP", "TIFF", "GIF"):
        scan_id = await plain.scan(encoded(scene, kind))
        small = opened((await plain.client.get(f"/v1/scans/{scan_id}/thumbnail")).content)
        assert small.shape == (240, 320, 3)
        assert np.abs(small.astype(int) - like.astype(int)).mean() < 8, kind


async def test_thumbnails_stand_upright_and_have_the_size_asked_for(plain: Served, scene: Pixels) -> None:
    buffer, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # turn by a quarter to the right
    Image.fromarray(scene).save(buffer, "JPEG", exif=exif)
    scan_id = await plain.scan(buffer.getvalue())
    small = opened((await plain.client.get(f"/v1/scans/{scan_id}/thumbnail?size=64")).content)
    assert small.shape == (64, 48, 3)


async def test_other_sizes_are_refused(plain: Served, jpeg: bytes) -> None:
    scan_id = await plain.scan(jpeg)
    for size in ("63", "2049", "big"):
        assert (await plain.client.get(f"/v1/scans/{scan_id}/thumbnail?size={size}")).status_code == 400


async def test_a_photo_that_was_deleted_to_make_room_is_told_apart(served: Served) -> None:
    await keep(served.store, scan(row(name="水"), scan_id="g" * 32))
    async with served.store.db.write() as conn:
        await conn.execute(tables.photos.update().values(removed_at=now_ms()))
    for name in PICTURES:
        assert (await served.get(f"/v1/scans/{'g' * 32}/{name}", 404))["code"] == "photo_gone"
    shown = await served.get(f"/v1/scans/{'g' * 32}")
    assert isinstance(shown["links"], dict)
    assert shown["links"]["photo"] is None
    assert isinstance(shown["photo"], dict)
    assert shown["photo"]["available"] is False


async def test_a_photo_that_somebody_took_from_the_folder_is_no_error(plain: Served) -> None:
    await keep(plain.store, scan(row(name="水"), scan_id="g" * 32))
    for name in PICTURES:
        assert (await plain.get(f"/v1/scans/{'g' * 32}/{name}", 404))["code"] == "photo_gone"


async def test_a_scan_without_a_photo_says_so(plain: Served) -> None:
    await keep(plain.store, scan(scan_id="n" * 32, sha256=None), millis(AT))
    assert (await plain.get(f"/v1/scans/{'n' * 32}/photo", 404))["code"] == "photo_gone"


async def test_a_photo_that_cannot_be_decoded_is_given_as_it_is(plain: Served) -> None:
    junk = b"\xff\xd8\xff\xe0 no photo at all"
    sha256 = hashlib.sha256(junk).hexdigest()
    plain.store.photos.put(junk, sha256, durable=False)
    new = NewScan("j" * 32, "async", ScanSpec("text_read"), 1, photo=PhotoRecord(sha256, len(junk)))
    async with plain.store.db.write() as conn:
        await scans.insert(conn, new)
    assert (await plain.client.get(f"/v1/scans/{'j' * 32}/photo")).content == junk
    assert (await plain.get(f"/v1/scans/{'j' * 32}/thumbnail", 422))["code"] == "photo_broken"


async def test_without_a_store_there_is_no_history(tmp_path: Path) -> None:
    async with serving({"data_dir": str(tmp_path), "store": {"enabled": False}}) as served:
        for path in ("/v1/scans", "/v1/scans/x", "/v1/stores", "/v1/accuracy", "/v1/compare?before=a&after=b"):
            assert (await served.get(path, 503))["code"] == "store_unavailable"
