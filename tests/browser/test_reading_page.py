"""A reading: boxes and rows, zoom, corrections, harmless hostile text, and downloads."""

from __future__ import annotations

import copy
import json
import re

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.handing_in import EXAMPLES, HOSTILE, photo, record, scan
from tests.browser.harness import OpenPage, Screen, no_barriers, overflow
from tests.e2e.conftest import Server

ROW = "tr[data-id='items:0']"
BOX = ".box[data-id='items:0']"


@pytest.fixture(scope="module")
def shelf(embedded: Server) -> str:
    """A scan with several price tags."""
    return scan(embedded, (EXAMPLES / "shelf_strip.jpg").read_bytes(), "shelf.jpg", task="price_tag", store_id="S-1")


@pytest.fixture
def tag(embedded: Server) -> str:
    """A scan with one price tag, which nobody has reviewed."""
    return scan(embedded, (EXAMPLES / "price_tag_member.jpg").read_bytes(), "tag.jpg", task="price_tag")


def name_the_reviewer(page: Page, name: str = "李雷") -> None:
    page.locator("#reviewer-name").fill(name)
    page.keyboard.press("Enter")


def test_a_row_and_its_box_point_at_each_other_under_the_mouse(
    embedded: Server, open_page: OpenPage, shelf: str
) -> None:
    page = open_page(embedded).go(f"#/scans/{shelf}")
    page.locator("tr[data-id='items:1']").hover()
    expect(page.locator(".box[data-id='items:1']")).to_have_attribute("data-hover", "")
    page.locator(BOX).click()
    expect(page.locator(ROW)).to_have_attribute("data-chosen", "")
    expect(page.locator(BOX)).to_have_attribute("aria-selected", "true")
    page.locator("tr[data-id='items:2'] .rows__title, tr[data-id='items:2'] td").nth(2).click()
    expect(page.locator(".box[data-id='items:2']")).to_have_attribute("aria-selected", "true")
    expect(page.locator(BOX)).to_have_attribute("aria-selected", "false")


def test_a_row_and_its_box_are_reached_by_keyboard(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded).go(f"#/scans/{shelf}")
    boxes = page.locator(".viewer__boxes")
    page.locator(".viewer__window").focus()
    page.keyboard.press("Enter")
    expect(boxes).to_be_focused()
    first = boxes.get_attribute("aria-activedescendant")
    page.keyboard.press("ArrowRight")
    assert boxes.get_attribute("aria-activedescendant") != first
    page.keyboard.press("Enter")
    chosen = page.locator(".box[aria-selected=true]").get_attribute("data-id")
    expect(page.locator(f"tr[data-id='{chosen}'] .rows__pick")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".viewer__window")).to_be_focused()
    page.locator(f"{ROW} .rows__pick").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".box[data-id='items:1']")).to_have_attribute("aria-selected", "true")


def test_all_columns_of_price_tags_fit_on_a_wide_screen(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded).go(f"#/scans/{shelf}")
    hidden = "() => { const { scrollWidth, clientWidth } = document.querySelector('.rows-scroll'); return scrollWidth - clientWidth; }"
    for title in ("条码", "GTIN"):
        expect(page.locator(".rows th", has_text=title)).to_be_visible()
        assert page.evaluate(hidden) == 0
        page.locator("#switch-language").click()


def test_a_tap_on_a_box_chooses_its_row(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded, "phone").go(f"#/scans/{shelf}")
    page.locator(BOX).tap()
    expect(page.locator(ROW)).to_have_attribute("data-chosen", "")
    assert overflow(page) <= 0


def test_the_photo_is_zoomed_and_moved_by_keys_and_buttons(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded).go(f"#/scans/{shelf}")
    viewer, layer = page.locator(".viewer"), page.locator(".viewer__layer")
    expect(viewer).to_have_attribute("data-photo", "there")
    page.locator(".viewer__window").focus()
    page.keyboard.press("1")
    expect(page.locator(".viewer__level")).to_have_text("缩放 100%")
    before = layer.evaluate("(node) => node.style.transform")
    page.keyboard.press("ArrowRight")
    assert layer.evaluate("(node) => node.style.transform") != before
    page.keyboard.press("0")
    expect(viewer).to_have_attribute("data-fit", "true")
    page.locator("[data-zoom=in]").click()
    expect(viewer).to_have_attribute("data-fit", "false")


def pinch(page: Page, apart: list[float]) -> None:
    """Two fingers on the middle of the photo, so many pixels apart one after the other."""
    place = page.locator(".viewer__window").bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    session = page.context.new_cdp_session(page)

    def touch(kind: str, far: float | None = None) -> None:
        points = [] if far is None else [{"x": x + side * far / 2, "y": y, "id": id} for id, side in enumerate((-1, 1))]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", apart[0])
    for far in apart[1:]:
        touch("touchMove", far)
    touch("touchEnd")


def level(page: Page) -> int:
    """The zoom that is told, in percent."""
    return int(re.sub(r"\D", "", page.locator(".viewer__level").inner_text()))


def test_the_photo_is_zoomed_by_two_fingers(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded, "phone").go(f"#/scans/{shelf}")
    viewer = page.locator(".viewer")
    expect(viewer).to_have_attribute("data-photo", "there")
    fit = level(page)
    pinch(page, [60, 80, 110, 150, 180])
    expect(viewer).to_have_attribute("data-fit", "false")
    assert level(page) == pytest.approx(3 * fit, rel=0.06)
    expect(page.locator(".box[aria-selected=true]")).to_have_count(0)  # two fingers are no tap
    assert page.evaluate("() => visualViewport.scale") == 1
    pinch(page, [180, 120, 60, 40])
    expect(viewer).to_have_attribute("data-fit", "true")


def test_slow_fingers_and_small_turns_of_a_wheel_leave_whole_sizes(
    embedded: Server, open_page: OpenPage, shelf: str
) -> None:
    page = open_page(embedded, "phone").go(f"#/scans/{shelf}")
    expect(page.locator(".viewer")).to_have_attribute("data-photo", "there")
    page.locator("[data-zoom=full]").tap()
    pinch(page, [100.0 + step for step in range(51)])
    assert level(page) == pytest.approx(150, abs=3)
    page.locator("[data-zoom=full]").tap()
    page.locator(".viewer__window").hover()
    for _ in range(30):
        page.mouse.wheel(0, -10)
    expect(page.locator(".viewer__level")).to_have_text("缩放 157%")


def test_a_photo_is_read_again_for_another_task(embedded: Server, open_page: OpenPage, tag: str) -> None:
    page = open_page(embedded).go(f"#/scans/{tag}")
    page.locator("[data-do=rerun]").click()
    page.get_by_role("dialog").get_by_label("任务").select_option("text_read")
    page.get_by_role("dialog").get_by_role("button", name="重读").click()
    expect(page.locator("h1")).to_contain_text("文字识别")
    expect(page.locator(".reading__tags [data-status=completed]")).to_be_visible()
    page.locator(f".about a[href='#/scans/{tag}']").click()
    expect(page.locator("h1")).to_contain_text("价签识别")


def test_a_value_is_corrected_in_place_and_taken_back(embedded: Server, open_page: OpenPage, tag: str) -> None:
    page = open_page(embedded).go(f"#/scans/{tag}")
    page.locator(f"{ROW} [data-do=edit]").click()
    page.get_by_label("会员价").fill("15.90")
    page.keyboard.press("Enter")
    name_the_reviewer(page)
    cell = page.locator(f"{ROW} td[data-field=member_price]")
    expect(cell.locator("del")).to_have_text("¥17.90")
    expect(cell.locator("ins")).to_contain_text("¥15.90")
    expect(cell.locator("small")).to_contain_text("李雷")
    kept = record(embedded, tag)
    assert kept["review"] == "corrected"
    page.locator("[data-undo] button").click()
    expect(cell.locator("del")).to_have_count(0)
    expect(cell).to_contain_text("¥17.90")
    assert record(embedded, tag)["review"] == "advised"


def test_a_figure_that_is_none_is_not_saved(embedded: Server, open_page: OpenPage, tag: str) -> None:
    page = open_page(embedded).go(f"#/scans/{tag}")
    page.locator(f"{ROW} td[data-field=regular_price]").dblclick()
    expect(page.get_by_label("价格", exact=True)).to_be_focused()
    page.get_by_label("价格", exact=True).fill("about ten")
    page.keyboard.press("Enter")
    expect(page.locator(".editor__error")).to_contain_text("须为数字")
    page.keyboard.press("Escape")
    expect(page.locator(".editor")).to_have_count(0)
    expect(page.locator(f"{ROW} [data-do=edit]")).to_be_focused()


def test_the_name_is_asked_once_and_everything_is_confirmed(embedded: Server, open_page: OpenPage, tag: str) -> None:
    page = open_page(embedded).go(f"#/scans/{tag}")
    page.locator("[data-do=confirm_all]").click()
    name_the_reviewer(page, "韩梅梅")
    expect(page.locator(".reading__tags [data-review=confirmed]")).to_be_visible()
    page.locator("#reading-comment").fill("看过了 <b>好</b>")
    page.locator(".comment button").click()
    expect(page.locator(".log blockquote")).to_have_text("看过了 <b>好</b>")
    expect(page.locator(".log li").first).to_contain_text("韩梅梅")
    assert record(embedded, tag)["review"] == "confirmed"


def test_everything_can_be_confirmed_also_after_one_row_was_corrected(embedded: Server, open_page: OpenPage) -> None:
    photo_of_many = (EXAMPLES / "shelf_strip.jpg").read_bytes()
    shelf = scan(embedded, photo_of_many, "worklist.jpg", task="price_tag", store_id="S-worklist")
    reading = record(embedded, shelf)["reading"]
    assert isinstance(reading, dict)
    assert [row["review"] for row in reading["items"]].count("advised") > 1
    change = {"action": "correct", "part": "items", "row": 0, "field": "regular_price", "value": 1.5, "by": "李雷"}
    httpx.post(f"{embedded.url}/v1/scans/{shelf}/reviews", json=change, timeout=30).raise_for_status()
    assert record(embedded, shelf)["review"] == "advised"
    page = open_page(embedded).go(f"#/scans/{shelf}")
    page.locator("[data-do=confirm_all]").click()
    name_the_reviewer(page)
    expect(page.locator(".reading__tags [data-review=corrected]")).to_be_visible()
    expect(page.locator("[data-do=confirm_all]")).to_have_count(0)


def test_a_deleted_scan_can_be_had_back(embedded: Server, open_page: OpenPage, tag: str) -> None:
    page = open_page(embedded).go(f"#/scans/{tag}")
    page.locator("[data-do=delete]").click()
    expect(page.locator("body")).to_have_attribute("data-view", "history")
    card = page.locator(f".scan[data-id='{tag}']")
    expect(page.locator(".scan:visible").first).to_be_visible()
    expect(card).to_be_hidden()
    page.locator("[data-undo] button").click()
    expect(card).to_be_visible()
    assert record(embedded, tag)["scan_id"] == tag


def test_a_scan_on_its_way_turns_into_its_reading(simulated: Server, open_page: OpenPage) -> None:
    answer = httpx.post(
        f"{simulated.url}/v1/scans",
        files={"photos": ("p.jpg", photo(1), "image/jpeg")},
        data={"task": "text_read", "force": "true"},
        headers={"Prefer": "respond-async"},
        timeout=30,
    )
    assert answer.status_code == 202
    page = open_page(simulated).go(f"#/scans/{answer.json()['scan_id']}")
    # The simulated device says no rows, so its reading is partial: it says that nothing was recognised.
    expect(page.locator(".reading__tags [data-status=partial], .reading__tags [data-status=completed]")).to_be_visible()
    expect(page.locator(".simulated")).to_be_visible()


def test_hostile_words_are_shown_and_do_nothing(embedded: Server, open_page: OpenPage, tag: str) -> None:
    visit = open_page(embedded)
    kept = copy.deepcopy(record(embedded, tag))
    long = HOSTILE + "很长的字" * 2500
    reading = kept["reading"]
    assert isinstance(reading, dict)
    reading["items"][0] |= {"name": long, "spec": HOSTILE, HOSTILE: HOSTILE, "currency": HOSTILE}
    reading |= {"summary": HOSTILE, "raw_text": long, "warnings": [{"code": "x", "message": HOSTILE}]}
    reading["alerts"] = [{"code": "x", "severity": "critical", "message": HOSTILE, "bbox": None}]
    kept |= {"filename": HOSTILE, "store_id": HOSTILE, "question": long, "summary": HOSTILE}

    def answer(route: Route) -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps(kept))

    visit.page.route(f"**/v1/scans/{tag}", answer)
    page = visit.go(f"#/scans/{tag}")
    expect(page.locator(".reading__summary")).to_contain_text('<img src=x onerror="window.broken=1">⟦202E⟧gnp.exe')
    assert overflow(page) <= 0
    page.locator(".cell__more").click()
    shown = page.locator(f"{ROW} td[data-field=name]").inner_text()
    assert shown.count("很长的字") == 2500
    assert "\u202e" not in page.locator("main").inner_text()
    assert page.evaluate("window.broken") is None
    assert page.locator("main img[src=x]").count() == 0
    assert "\u202e" not in str(page.locator(f"{ROW} .rows__pick").get_attribute("aria-label"))


def test_hostile_names_come_through_the_server_as_text(simulated: Server, open_page: OpenPage) -> None:
    scan_id = scan(simulated, photo(2), HOSTILE + ".jpg", task="ask", question=HOSTILE, store_id=HOSTILE)
    page = open_page(simulated, "phone").go(f"#/scans/{scan_id}")
    expect(page.locator(".about")).to_contain_text("onerror")
    assert page.evaluate("window.broken") is None
    assert "\u202e" not in page.locator("main").inner_text()
    assert overflow(page) <= 0


def test_without_its_photo_a_reading_still_stands(embedded: Server, open_page: OpenPage, tag: str) -> None:
    visit = open_page(embedded)
    visit.faults.allow("404")
    for path in ("**/photo", "**/thumbnail*"):  # the page asks for the server's JPEG where it cannot show the photo
        visit.page.route(path, lambda route: route.fulfill(status=404, body="{}"))
    page = visit.go(f"#/scans/{tag}")
    expect(page.locator(".viewer__gone")).to_be_visible()
    page.locator(f"{ROW} .rows__pick").click()
    expect(page.locator(BOX)).to_have_attribute("aria-selected", "true")


def test_a_scan_that_is_not_there_leads_on(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    visit.faults.allow("404")
    page = visit.go("#/scans/nothing")
    expect(page.locator("h1")).to_have_text("没有这次扫描")
    page.locator("main a[href='#/history']").click()
    expect(page.locator("body")).to_have_attribute("data-view", "history")


def test_what_was_read_is_copied_and_downloaded(embedded: Server, open_page: OpenPage, shelf: str) -> None:
    page = open_page(embedded, permissions=["clipboard-read", "clipboard-write"]).go(f"#/scans/{shelf}")
    page.locator("[data-do=copy]").click()
    expect(page.locator(".pix-toast.ok")).to_be_visible()
    assert "康师傅冰红茶" in page.evaluate("navigator.clipboard.readText()")
    with page.expect_download() as json_file:
        page.locator("[data-do=json]").click()
    assert json.loads(json_file.value.path().read_text("utf-8"))["scan_id"] == shelf
    with page.expect_download() as csv_file:
        page.locator("[data-do=csv]").click()
    assert "康师傅冰红茶" in csv_file.value.path().read_text("utf-8-sig")


def test_a_reading_has_no_barriers(embedded: Server, open_page: OpenPage, shelf: str, screen: Screen) -> None:
    page = open_page(embedded, screen).go(f"#/scans/{shelf}")
    expect(page.locator(".viewer")).to_have_attribute("data-photo", "there")
    page.locator(f"{ROW} [data-do=edit]").click()
    expect(page.locator(".editor")).to_be_visible()
    no_barriers(page)
    assert overflow(page) <= 0


def test_a_comparison_shows_each_row_on_the_photo_it_is_of(embedded: Server, open_page: OpenPage) -> None:
    names = ("price_tag_plain", "price_tag_member")
    answer = httpx.post(
        f"{embedded.url}/v1/scans",
        files=[("photos", (name, (EXAMPLES / f"{name}.jpg").read_bytes(), "image/jpeg")) for name in names],
        data={"task": "compare", "options": '{"task": "price_tag"}'},
        timeout=60,
    ).json()
    page = open_page(embedded).go(f"#/scans/{answer['scan_id']}")
    before, after = page.locator(".viewer").first, page.locator(".viewer").last
    expect(before.locator(".box")).to_have_attribute("data-change", "resolved")
    expect(after.locator(".box")).to_have_attribute("data-change", "new")
    before.locator(".box").click(force=True)
    expect(page.locator("tr[data-chosen] td[data-field=change]")).to_contain_text("已整改")
    page.get_by_role("link", name="并排对比").click()
    expect(page.locator("[data-change=resolved] .change")).to_have_count(1)
