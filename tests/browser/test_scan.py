"""A scan from start to end: by mouse, keyboard, touch, paste and drop; with advice, cancelled, several at once."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import OpenPage, Screen, Visit
from tests.browser.pictures import dark, saved, tag
from tests.e2e.conftest import Server, Start

DONE = re.compile("读到")
DROP = """([data, type, name, kind]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    const init = { bubbles: true, cancelable: true };
    if (kind === 'paste') document.dispatchEvent(new ClipboardEvent('paste', { ...init, clipboardData: transfer }));
    else for (const name of ['dragenter', 'dragover', 'drop'])
        document.body.dispatchEvent(new DragEvent(name, { ...init, dataTransfer: transfer }));
}"""


@pytest.fixture(scope="module")
def slow(start_servers: Start) -> Server:
    """A server that takes its time, so that a scan can be seen on its way."""
    return start_servers(
        PIXEL_AGENT_SIMULATED__BASE_MS="2500", PIXEL_AGENT_SIMULATED__PIECES="20", PIXEL_AGENT_ADMISSION__SLO_MS="0"
    )


def card(page: Page, number: int = 0) -> Locator:
    return page.locator("article.card").nth(number)


def scan_view(visit: Visit) -> Page:
    page = visit.go()
    expect(page.locator("[role=option]").first).to_be_attached()
    return page


def bring(page: Page, how: str, photo: bytes, name: str = "a.jpg", media_type: str = "image/jpeg") -> None:
    page.evaluate(DROP, [base64.b64encode(photo).decode(), media_type, name, how])


def choose(page: Page, photo: Path, *, touch: bool = False) -> None:
    button = page.get_by_role("button", name="选照片")
    with page.expect_file_chooser() as chooser:
        button.tap() if touch else button.click()
    chooser.value.set_files(photo)


def test_by_mouse_and_by_touch(embedded: Server, open_page: OpenPage, screen: Screen, tmp_path: Path) -> None:
    touch = screen == "phone"
    page = scan_view(open_page(embedded, screen))
    if touch:
        page.locator(".task-now").tap()
        page.locator("#task-text_read").tap()
    else:
        page.locator("#task-text_read").click()
    choose(page, saved(tmp_path, "tag.jpg", tag()), touch=touch)
    expect(card(page)).to_have_attribute("data-state", "done")
    expect(card(page)).to_contain_text("Green Tea 500 ml")
    link = card(page).get_by_role("link", name="打开记录")
    link.tap() if touch else link.click()
    expect(page.locator("body")).to_have_attribute("data-view", "reading")
    expect(page.locator("main")).to_contain_text("Hangzhou")


def test_by_keyboard_alone(embedded: Server, open_page: OpenPage, tmp_path: Path) -> None:
    page = scan_view(open_page(embedded))
    page.locator("#skip").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("#task-list")).to_be_focused()
    page.keyboard.press("9")
    expect(page.locator("[role=option]").nth(8)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#task-list")).not_to_be_focused()  # the keys go where that task goes on
    page.locator("#task-list").focus()
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".menu-search")).to_be_focused()
    page.keyboard.type("文字识别")
    expect(page.locator("[role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#task-text_read")).to_have_attribute("aria-selected", "true")
    chooser_button = page.get_by_role("button", name="选照片")
    expect(chooser_button).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(saved(tmp_path, "tag.jpg", tag(1)))
    expect(card(page)).to_have_attribute("data-state", "done")
    fold = card(page).get_by_role("button", name="收起读数")
    fold.focus()
    page.keyboard.press("Enter")
    expect(card(page).get_by_role("button", name="展开读数")).to_be_focused()


@pytest.mark.parametrize("how", ["paste", "drop"])
def test_a_photo_is_pasted_or_dropped(simulated: Server, open_page: OpenPage, how: str) -> None:
    page = scan_view(open_page(simulated))
    bring(page, how, tag(2))
    expect(card(page)).to_have_attribute("data-state", "done")


def test_words_and_folders_are_not_taken_for_photos(simulated: Server, open_page: OpenPage) -> None:
    page = scan_view(open_page(simulated))
    bring(page, "drop", b"hello", "notes.txt", "text/plain")
    expect(page.locator("#toasts")).to_contain_text("这里没有照片")
    expect(page.locator("article.card")).to_have_count(0)


def test_stages_are_told_one_after_the_other(slow: Server, open_page: OpenPage) -> None:
    page = scan_view(open_page(slow))
    page.evaluate(
        """() => {
            window.seen = [];
            const look = () => window.seen.push(...[...document.querySelectorAll('article.card')].map((n) => n.dataset.state));
            new MutationObserver(look).observe(document.querySelector('main'), { subtree: true, childList: true, attributes: true });
        }"""
    )
    bring(page, "drop", tag(3))
    expect(card(page).locator(".card-words")).to_contain_text("sha256")  # typed while it runs
    expect(card(page)).to_have_attribute("data-state", "done")
    seen = page.evaluate("() => [...new Set(window.seen)]")
    assert [state for state in seen if state in ("checking", "uploading", "running", "done")] == [
        "checking",
        "uploading",
        "running",
        "done",
    ]
    expect(card(page)).to_contain_text("模拟引擎")


def test_a_scan_is_cancelled_and_begun_again(slow: Server, open_page: OpenPage) -> None:
    page = scan_view(open_page(slow))
    bring(page, "drop", tag(4))
    expect(card(page)).to_have_attribute("data-state", "running")
    card(page).get_by_role("button", name="取消").last.click()
    expect(card(page)).to_have_attribute("data-state", "cancelled")
    card(page).get_by_role("button", name="再扫一次").click()
    expect(card(page)).to_have_attribute("data-state", "done")


def test_several_scans_run_side_by_side(slow: Server, open_page: OpenPage, tmp_path: Path) -> None:
    page = scan_view(open_page(slow))
    photos = [saved(tmp_path, f"{number}.jpg", tag(number)) for number in (5, 6, 7)]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="选照片").click()
    chooser.value.set_files(photos)
    expect(page.locator("article.card[data-state=running]").nth(1)).to_be_attached()
    expect(page.locator("article.card[data-state=done]")).to_have_count(3)


def test_a_dark_photo_is_advised_against_before_it_is_sent(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    page = scan_view(visit)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    bring(page, "drop", dark())
    expect(card(page)).to_have_attribute("data-state", "asks")
    expect(card(page)).to_contain_text("太暗")
    assert sent == []
    card(page).get_by_role("button", name="仍然扫描").click()
    expect(card(page)).to_have_attribute("data-state", "done")


def test_a_file_that_is_no_photo_fails_with_advice(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    visit.faults.allow("status of 4(15|22)")
    page = scan_view(visit)
    bring(page, "drop", b"\xff\xd8\xff\xe0 only a start")
    expect(card(page)).to_have_attribute("data-state", "failed")
    expect(card(page)).to_contain_text("照片已损坏")


def test_a_question_of_ones_own_is_asked(simulated: Server, open_page: OpenPage, tmp_path: Path) -> None:
    page = scan_view(open_page(simulated))
    page.locator("#task-ask").click()
    page.get_by_role("button", name="开始扫描").click()
    question = page.locator("textarea")
    expect(question).to_be_focused()
    expect(question).to_have_attribute("aria-invalid", "true")
    question.fill("最上层有几种酱油？")
    bring(page, "drop", tag(8))
    page.get_by_role("button", name="开始扫描").click()
    expect(card(page)).to_have_attribute("data-state", "done")
    expect(card(page)).to_contain_text("最上层有几种酱油？")


def test_the_stores_name_goes_with_the_scan_and_is_remembered(simulated: Server, open_page: OpenPage) -> None:
    page = scan_view(open_page(simulated))
    page.get_by_label("门店").fill("人民路店")
    bring(page, "drop", tag(9))
    expect(card(page)).to_have_attribute("data-state", "done")
    expect(card(page)).to_contain_text("人民路店")
    page.reload()
    expect(page.get_by_label("门店")).to_have_value("人民路店")


def test_a_photo_from_the_camera_is_scanned(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    page = scan_view(open_page(simulated, screen, permissions=["camera"]))
    page.get_by_role("button", name="拍照").click()
    page.locator(".camera-shutter").click()
    # The fake device shows a flat green, which is advised against or read: the photo has arrived either way.
    expect(card(page)).to_have_attribute("data-state", re.compile("done|asks|retake"))
