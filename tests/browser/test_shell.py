"""The frame around every view: navigation, language and palette, installation, and a small first load."""

from __future__ import annotations

import json

import httpx
from playwright.sync_api import Request, expect

from tests.browser.harness import OpenPage, Screen, overflow
from tests.e2e.conftest import Server

VIEWS = ("#/", "#/history", "#/batches", "#/hud", "#/operator", "#/settings")
FIRST_PAINT_BYTES = 100 * 1024


def test_every_view_opens_and_fits(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    visit = open_page(simulated, screen)
    for route in VIEWS:
        page = visit.go(route)
        expect(page.locator("main h1").first).to_be_attached()
        assert overflow(page) <= 0, f"{route} is {overflow(page)} px wider than the screen"
        assert page.title() != ""


def test_a_way_that_leads_nowhere_says_so(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/nowhere")
    expect(page.locator("main h1")).to_have_text("没有这个页面")
    expect(page.locator("main")).to_contain_text("地址可能写错了")
    expect(page.locator("main")).not_to_contain_text("连接")
    page.locator("main a[href='#/']").click()
    expect(page.locator("body")).to_have_attribute("data-view", "scan")


def test_language_switches_at_once_and_is_remembered(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    nav = page.locator("[data-nav=history]")
    expect(nav).to_have_text("历史")
    page.locator("#switch-language").click()
    expect(nav).to_have_text("History")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.reload()
    expect(nav).to_have_text("History")
    page.locator("#switch-language").click()
    expect(nav).to_have_text("历史")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_browsers_language_comes_first(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated, locale="en-US").go("#/settings")
    expect(page.locator("[data-nav=scan]")).to_have_text("Scan")


def test_the_palette_is_remembered(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    root = page.locator("html")
    seen = []
    for _ in range(3):
        page.locator("#switch-palette").click()
        seen.append(root.get_attribute("data-palette"))
    assert sorted(map(str, seen)) == ["contrast", "day", "night"]
    page.locator("#switch-palette").click()
    kept = str(root.get_attribute("data-palette"))
    page.reload()
    expect(root).to_have_attribute("data-palette", kept)


def test_keys_reach_everything_and_focus_shows(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    page.keyboard.press("Tab")
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.locator("[data-nav=hud]").focus()
    page.keyboard.press("Tab")
    outline = page.locator(":focus-visible").evaluate("(node) => parseFloat(getComputedStyle(node).outlineWidth)")
    assert outline >= 2
    page.locator("[data-nav=hud]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_attribute("data-view", "hud")
    expect(page.locator("main h1")).to_be_focused()


def test_little_comes_before_the_first_paint(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    asked: list[Request] = []
    visit.page.on("requestfinished", lambda request: asked.append(request))  # noqa: PLW0108  # not a list's own method
    page = visit.go()
    paint = page.evaluate("() => performance.getEntriesByType('paint').at(-1).startTime")
    assert paint > 0
    sizes = {
        request.url: sum(request.sizes()[part] for part in ("responseBodySize", "responseHeadersSize"))
        for request in asked
        if not request.url.endswith(".woff2") and "/v1/" not in request.url and request.timing["startTime"] >= 0
    }
    before = page.evaluate(
        """(paint) => performance.getEntriesByType('resource')
            .filter((entry) => entry.responseEnd <= paint).map((entry) => entry.name)""",
        paint,
    )
    total = sum(size for url, size in sizes.items() if url in before or url.rstrip("/") == visit.url)
    assert 0 < total <= FIRST_PAINT_BYTES, f"{total} bytes before the first paint"


def test_it_can_be_installed(simulated: Server, open_page: OpenPage) -> None:
    manifest = httpx.get(f"{simulated.url}/manifest.webmanifest").json()
    for icon in manifest["icons"]:
        answer = httpx.get(f"{simulated.url}{icon['src']}")
        assert answer.status_code == 200, icon["src"]
        assert answer.headers["content-type"] == icon["type"]
    page = open_page(simulated, workers=True).go()
    session = page.context.new_cdp_session(page)
    problems = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A private window, which a test's context is, can never install anything.
    assert [p for p in problems if p["errorId"] != "in-incognito"] == [], json.dumps(problems)


def test_the_strip_tells_how_the_server_does(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    page = open_page(simulated, screen).go("#/settings")
    expect(page.locator(".strip")).to_contain_text("%")
    page.locator(".strip").click()
    expect(page.locator("body")).to_have_attribute("data-view", "hud")
