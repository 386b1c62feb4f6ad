"""The history page: filters in the address, the work list, comparing, exporting, deleting, and new scans."""

from __future__ import annotations

from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.handing_in import EXAMPLES, HOSTILE, photo, record, scan
from tests.browser.harness import OpenPage, Screen, no_barriers, overflow
from tests.e2e.conftest import Server, wait_until

NAMED = "localStorage.setItem('pixel-agent.prefs', JSON.stringify({reviewer: '李雷', lang: 'zh'}))"


@pytest.fixture
def store(simulated: Server) -> str:
    """A store with three scans of two tasks, as no other test has."""
    name = f"店-{uuid4().hex[:8]}"
    for number, task in enumerate(("text_read", "text_read", "safety_check")):
        scan(simulated, photo(number), f"{name}-{number}.jpg", task=task, store_id=name)
    return name


def cards(page: Page) -> list[str]:
    return [str(card.get_attribute("data-id")) for card in page.locator(".scan:visible").all()]


def open_list(page: Page, number: int) -> None:
    expect(page.locator(".scan:visible")).to_have_count(number)


def test_filters_stand_in_the_address(simulated: Server, open_page: OpenPage, store: str) -> None:
    page = open_page(simulated).go(f"#/history?store_id={store}")
    open_list(page, 3)
    page.locator("#filter-task").select_option("safety_check")
    open_list(page, 1)
    assert "task=safety_check" in page.url
    page.reload()
    open_list(page, 1)
    expect(page.locator("#filter-task")).to_have_value("safety_check")
    expect(page.locator("#filter-store_id")).to_have_value(store)
    page.go_back()
    open_list(page, 3)
    page.locator("#filter-q").fill(f"{store}-1.jpg")
    open_list(page, 1)
    page.locator("#filter-until").fill("2020-01-01")
    expect(page.locator("main")).to_contain_text("没有符合条件的扫描")
    page.locator("main a", has_text="清除筛选").click()
    expect(page.locator("#filter-until")).to_have_value("")


def test_new_scans_are_announced_and_move_nothing(simulated: Server, open_page: OpenPage, store: str) -> None:
    page = open_page(simulated).go(f"#/history?store_id={store}")
    open_list(page, 3)
    before = cards(page)
    newest = scan(simulated, photo(9), task="text_read", store_id=store)
    expect(page.locator(".scans__new")).to_have_text("1 条新扫描")
    assert cards(page) == before
    page.locator(".scans__new").click()
    open_list(page, 4)
    assert cards(page) == [newest, *before]


def test_the_list_is_worked_by_keyboard(simulated: Server, open_page: OpenPage, store: str) -> None:
    page = open_page(simulated).go(f"#/history?store_id={store}")
    open_list(page, 3)
    links = page.locator(".scan__link")
    links.first.focus()
    page.keyboard.press("ArrowDown")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator(".bar__count")).to_have_text("已选 1 条")
    page.keyboard.press("End")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-view", "reading")
    page.locator("[data-do=previous]").click()
    expect(page.locator(".reading__near")).to_contain_text("2 / 3")


def test_what_cannot_be_compared_is_said_in_the_language_in_use(embedded: Server, open_page: OpenPage) -> None:
    visit = open_page(embedded)
    visit.faults.allow("status of 404 .*/v1/compare")
    page = visit.go("#/compare?store_id=nowhere&task=price_tag")
    alert = page.locator("main [role=alert]")
    expect(alert).to_contain_text("没有可以对比的两次巡检")
    said = alert.get_by_text("There is no visit of this store")
    expect(said).to_be_hidden()
    alert.locator("summary").click()
    expect(said).to_be_visible()
    page.locator("#switch-language").click()
    expect(alert).to_contain_text("There are no two visits to compare")


def test_two_are_compared(embedded: Server, open_page: OpenPage) -> None:
    name = f"店-{uuid4().hex[:8]}"
    for example in ("price_tag_plain", "price_tag_member"):
        scan(embedded, (EXAMPLES / f"{example}.jpg").read_bytes(), task="price_tag", store_id=name)
    page = open_page(embedded).go(f"#/history?store_id={name}")
    open_list(page, 2)
    expect(page.locator("[data-do=compare]")).to_be_disabled()
    for box in page.locator(".scan__check input").all():
        box.check()
    page.locator("[data-do=compare]").click()
    line = page.locator("[data-change=resolved] .change")
    expect(line).to_have_count(1)
    line.locator(".changes__pick").click()
    before, after = page.locator("[data-side=before]"), page.locator("[data-side=after]")
    expect(before.locator(".box[aria-selected=true]")).to_have_count(1)
    expect(after.locator(".box")).to_have_count(1)
    before.locator("[data-zoom=in]").click()
    expect(after.locator(".viewer")).to_have_attribute("data-fit", "false")
    after.locator(".box").click(force=True)
    expect(page.locator("[data-change=new] .change")).to_have_attribute("data-chosen", "")
    no_barriers(page)


def test_the_work_list_is_confirmed_one_after_the_other(embedded: Server, open_page: OpenPage) -> None:
    name = f"店-{uuid4().hex[:8]}"
    ids = [
        scan(embedded, (EXAMPLES / "price_tag_member.jpg").read_bytes(), task="price_tag", store_id=name)
        for _ in range(2)
    ]
    visit = open_page(embedded)
    visit.page.add_init_script(NAMED)
    page = visit.go(f"#/history?store_id={name}&review=advised")
    open_list(page, 2)
    page.locator(".scan__confirm").first.press("Enter")
    expect(page.locator(f".scan[data-id='{ids[1]}'] [data-review=confirmed]")).to_be_visible()
    expect(page.locator(f".scan[data-id='{ids[0]}'] .scan__confirm")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-review=confirmed]")).to_have_count(2)
    page.locator("[data-undo] button").last.click()
    expect(page.locator("[data-review=confirmed]")).to_have_count(1)
    assert [record(embedded, scan_id)["review"] for scan_id in ids] == ["advised", "confirmed"]


def test_several_are_exported_and_deleted(simulated: Server, open_page: OpenPage, store: str) -> None:
    page = open_page(simulated).go(f"#/history?store_id={store}")
    open_list(page, 3)
    page.locator(".scan__check input").first.check()
    with page.expect_download() as file:
        page.locator("[data-do=export]").click()
    first, *others = cards(page)
    text = file.value.path().read_text("utf-8-sig")
    assert first in text
    assert not any(other in text for other in others)
    page.locator(".scan__check input").nth(1).check()
    page.locator("[data-do=delete]").click()
    open_list(page, 1)
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # the person leaves: what was deleted is deleted

    def left() -> list[str]:
        answer = httpx.get(f"{simulated.url}/v1/scans", params={"store_id": store}, timeout=30).json()
        return [one["scan_id"] for one in answer["scans"]]

    wait_until(lambda: left() == others[1:])


def test_hostile_names_are_shown_as_text(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    name = f"{HOSTILE}{uuid4().hex[:6]}"
    scan(simulated, photo(4), f"{HOSTILE}.jpg", task="text_read", store_id=name)
    page = open_page(simulated, screen).go("#/history")
    expect(page.locator(".scan", has_text=name[-6:])).to_contain_text("<img src=x onerror=")
    assert page.evaluate("window.broken") is None
    assert "\u202e" not in page.locator("main").inner_text()
    assert "\u202e" not in str(page.locator(".scan__check input").first.get_attribute("aria-label"))
    assert overflow(page) <= 0


def test_without_scans_there_is_a_way_out(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/history?store_id=nobody&review=advised")
    expect(page.locator(".pix-empty h2")).to_have_text("没有符合条件的扫描")
    page.locator("#switch-language").click()
    expect(page.locator(".pix-empty h2")).to_have_text("No scan matches")


def test_the_history_has_no_barriers(simulated: Server, open_page: OpenPage, store: str, screen: Screen) -> None:
    page = open_page(simulated, screen).go(f"#/history?store_id={store}")
    open_list(page, 3)
    page.locator(".scan__check input").first.check()
    no_barriers(page)
    assert overflow(page) <= 0


def test_a_long_export_shows_how_far_it_is(simulated: Server, open_page: OpenPage, store: str) -> None:
    page = open_page(simulated).go(f"#/history?store_id={store}")
    open_list(page, 3)
    answer = {"scans_done": 2, "scans_total": 3, "finished": False}
    page.route("**/v1/exports/*", lambda route: route.fulfill(json=answer))
    with page.expect_download():
        page.locator("[data-do=export]").click()
    expect(page.locator(".export-progress")).to_contain_text("2 / 3")
    answer["finished"] = True
    expect(page.locator(".export-progress")).to_be_hidden()
