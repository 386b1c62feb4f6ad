"""The batches page: many photos, a restart of the server, a broken upload, and files that are not photos."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from uuid import uuid4

import httpx
from playwright.sync_api import Page, expect

from tests.browser.handing_in import HOSTILE, photo, photos
from tests.browser.harness import OpenPage, Screen, no_barriers, overflow
from tests.e2e.conftest import Server, Start

LOST = "net::ERR|Failed to load resource"
"""What a page may log while its server is away."""


def begin(page: Page, files: list[Path], name: str) -> str:
    """Hand photos in; the batch's id."""
    page.locator("input[data-pick=photos]").set_input_files(files)
    return send(page, name)


def send(page: Page, name: str) -> str:
    page.locator("#batch-name").fill(name)
    page.locator("#batch-task").select_option("text_read")
    page.locator(".intake button[type=submit]").click()
    page.wait_for_url("**/#/batches/*")
    return page.url.rsplit("/", 1)[1]


def opened(server: Server, files: list[Path], name: str) -> str:
    """An upload that somebody else began and left; the batch's id."""
    answer = httpx.post(
        f"{server.url}/v1/batches",
        files=[("photos", (path.name, path.read_bytes(), "image/jpeg")) for path in files],
        data={"open": "true", "task": "text_read", "name": name},
        timeout=30,
    )
    return str(answer.json()["batch_id"])


def finished(page: Page) -> None:
    expect(page.locator(".batch-head [data-state=completed]")).to_be_visible(timeout=60_000)


def kept(server: Server, batch_id: str) -> list[dict[str, object]]:
    query: dict[str, str | int] = {"batch_id": batch_id, "limit": 200}
    scans: list[dict[str, object]] = httpx.get(f"{server.url}/v1/scans", params=query, timeout=30).json()["scans"]
    return scans


def test_a_batch_goes_on_after_the_server_was_restarted(
    start_servers: Start, open_page: OpenPage, tmp_path: Path
) -> None:
    data = f"restart-{uuid4().hex[:6]}"
    slow = {"PIXEL_AGENT_SIMULATED__BASE_MS": "150", "PIXEL_AGENT_SIMULATED__MAX_ITEMS": "2"}
    server = start_servers(data=data, **slow)
    visit = open_page(server)
    visit.faults.allow(LOST)
    page = visit.go("#/batches")
    batch_id = begin(page, photos(tmp_path, 30), "大批")
    expect(page.locator(".tile").first).to_be_visible()
    server.process.kill()
    server.process.wait()
    expect(page.locator("#offline")).to_be_visible()
    again = start_servers(port=int(server.url.rsplit(":", 1)[1]), data=data, **slow)
    finished(page)
    expect(page.locator(".batch-head__n")).to_contain_text("30 / 30")
    expect(page.locator(".tile")).to_have_count(30)
    scans = kept(again, batch_id)
    assert sorted(str(one["filename"]) for one in scans) == [f"photo_{n:03d}.jpg" for n in range(30)]


def test_an_upload_that_broke_off_is_taken_up(simulated: Server, open_page: OpenPage, tmp_path: Path) -> None:
    paths = photos(tmp_path, 8)
    batch_id = opened(simulated, paths[:3], "断了")
    page = open_page(simulated).go(f"#/batches/{batch_id}")
    expect(page.locator(".drop")).to_contain_text("上传没有完成？")
    page.locator("input[data-pick=photos]").set_input_files(paths)
    expect(page.locator(".batch-upload")).to_contain_text("3 张服务器上已有，不再重传")
    finished(page)
    expect(page.locator(".tile")).to_have_count(8)
    assert len(kept(simulated, batch_id)) == 8


def test_a_folder_is_handed_in_and_named_after_itself(simulated: Server, open_page: OpenPage, tmp_path: Path) -> None:
    photos(tmp_path / "三号店" / "冷柜", 2)
    photos(tmp_path / "三号店", 1, first=2)
    (tmp_path / "三号店" / "notes.txt").write_text("not a photo")
    page = open_page(simulated).go("#/batches")
    page.locator("input[data-pick=folder]").set_input_files(tmp_path / "三号店")
    expect(page.locator(".intake__facts")).to_contain_text("3 张照片")
    expect(page.locator(".intake__facts")).to_contain_text("1 个不是照片")
    expect(page.locator("#batch-name")).to_have_value("三号店")
    page.locator(".intake button[type=submit]").press("Enter")
    finished(page)
    expect(page.locator("h1")).to_have_text("三号店")
    expect(page.locator(".tile")).to_have_count(3)


def test_photos_are_dropped_and_bad_files_are_named(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/batches")
    page.evaluate(
        """([good, name]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(good)], 'good.jpg', {type: 'image/jpeg'}));
            transfer.items.add(new File(['no photo at all'], name, {type: 'image/jpeg'}));
            document.querySelector('.drop').dispatchEvent(
                new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        [list(photo(50)), f"{HOSTILE}.jpg"],
    )
    expect(page.locator(".intake__facts")).to_contain_text("2 张照片")
    page.locator(".intake button[type=submit]").click()
    finished(page)
    expect(page.locator(".tile")).to_have_count(1)
    expect(page.locator(".refused li")).to_contain_text("onerror")
    assert page.evaluate("window.broken") is None


def test_an_archive_is_unpacked(simulated: Server, open_page: OpenPage, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(3):
            archive.writestr(f"shelf/{number}.jpg", photo(60 + number))
    (tmp_path / "周检.zip").write_bytes(packed.getvalue())
    page = open_page(simulated).go("#/batches")
    page.locator("input[data-pick=photos]").set_input_files(tmp_path / "周检.zip")
    expect(page.locator("#batch-name")).to_have_value("周检")
    page.locator(".intake button[type=submit]").click()
    finished(page)
    expect(page.locator(".tile")).to_have_count(3)


def test_a_batch_is_cancelled_and_listed(simulated: Server, open_page: OpenPage, tmp_path: Path) -> None:
    batch_id = opened(simulated, photos(tmp_path, 2), "停")
    page = open_page(simulated, "phone").go(f"#/batches/{batch_id}")
    page.locator("[data-do=cancel]").click()
    page.locator("dialog button.danger").click()
    expect(page.locator(".batch-head [data-state=cancelled]")).to_be_visible()
    expect(page.locator(".drop")).to_be_hidden()
    assert overflow(page) <= 0
    page.locator("[data-nav=batches]").click()
    expect(page.locator(f".batch[data-id='{batch_id}']")).to_contain_text("停")
    card = page.locator(f".batch[data-id='{batch_id}']")
    expect(card.locator(".pix-tag[data-state=cancelled]")).to_be_visible()
    expect(card.locator(".parts[data-state=cancelled]")).to_have_attribute(
        "aria-label", re.compile("停 · 已取消 · 读了 [0-2] / 2")
    )
    expect(card.locator(".batch__n")).to_contain_text("读了")


def test_batches_have_no_barriers(simulated: Server, open_page: OpenPage, tmp_path: Path, screen: Screen) -> None:
    page = open_page(simulated, screen).go("#/batches")
    no_barriers(page)
    page.locator("input[data-pick=photos]").set_input_files(photos(tmp_path, 4))
    expect(page.locator(".intake__form")).to_be_visible()
    no_barriers(page)
    send(page, "查")
    finished(page)
    expect(page.locator(".tile")).to_have_count(4)
    no_barriers(page)
    assert overflow(page) <= 0
