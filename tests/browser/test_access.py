"""Accessibility: WCAG 2.2 AA as far as axe can check, in every view, size and palette; large text; no motion; keys."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Screen, Visit, barriers, no_barriers, overflow
from tests.browser.pictures import dark, tag
from tests.e2e.conftest import Server, wait_until

LOOKS = (("night", False), ("contrast", False), ("day", True))
VIEWS = (
    *("#/", "#/history", "#/batches", "#/batches/{batch}", "#/scans/{scan}", "#/compare?before={scan}&after={other}"),
    *("#/hud", "#/operator", "#/settings"),
)
READY = {
    "#/": "[role=option]",
    "#/hud": ".chart canvas",
    "#/operator": ".operator-list",
    "#/history": "main a[href^='#/scans/']",
    "#/batches": "main a[href^='#/batches/']",
}


@pytest.fixture(scope="module")
def filled(embedded: Server) -> dict[str, str]:
    """Something in every view: readings, one that asks for a retake, a batch."""
    ids = []
    for photo, task in ((tag(30), "price_tag"), (tag(31), "price_tag"), (dark(), "text_read")):
        answer = httpx.post(
            f"{embedded.url}/v1/scans",
            files={"photos": ("货架.jpg", photo)},
            data={"task": task, "store_id": "人民路店"},
            timeout=120,
        )
        ids.append(str(answer.raise_for_status().json()["scan_id"]))
    files = [("photos", (f"{number}.jpg", tag(number))) for number in (32, 33)]
    batch = httpx.post(
        f"{embedded.url}/v1/batches", files=files, data={"task": "text_read", "name": "晚班"}, timeout=60
    )
    number = str(batch.raise_for_status().json()["batch_id"])
    wait_until(
        lambda: bool(httpx.get(f"{embedded.url}/v1/batches/{number}").json()["status"] == "completed"), timeout_s=120
    )
    return {"scan": ids[0], "other": ids[1], "batch": number}


def show(visit: Visit, route: str, filled: dict[str, str]) -> Page:
    page = visit.go(route.format(**filled))
    if route in READY:
        page.wait_for_selector(READY[route], state="attached")
    if route.startswith(("#/scans", "#/compare")):
        page.wait_for_selector("main img, main canvas", state="attached")
    return page


@pytest.mark.parametrize("route", VIEWS)
def test_no_view_has_a_barrier(
    embedded: Server, filled: dict[str, str], open_page: OpenPage, screen: Screen, route: str
) -> None:
    page = show(open_page(embedded, screen), route, filled)
    no_barriers(page)


def test_no_palette_has_a_barrier(embedded: Server, filled: dict[str, str], open_page: OpenPage) -> None:
    visit = open_page(embedded, "phone")
    found = []
    for route in VIEWS:
        page = show(visit, route, filled)
        for palette, clear in LOOKS:
            page.evaluate(
                "([palette, clear]) => { document.documentElement.dataset.palette = palette;"
                " document.documentElement.toggleAttribute('data-clear', clear); }",
                [palette, clear],
            )
            found += [f"{route} {palette} {clear}: {line}" for line in barriers(page, ["color-contrast"])]
    assert found == [], "\n".join(found)


def test_the_camera_has_no_barrier(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    page = open_page(simulated, screen).go("#/settings")
    page.evaluate("async () => { void (await import('/app/js/camera.js')).openCamera(); }")
    expect(page.locator(".camera-trouble h3")).to_be_visible()
    no_barriers(page)
    page.context.grant_permissions(["camera"])
    expect(page.locator(".camera-shutter")).to_be_visible()
    no_barriers(page)


def test_text_may_be_twice_as_large(
    embedded: Server, filled: dict[str, str], open_page: OpenPage, screen: Screen
) -> None:
    visit = open_page(embedded, screen)
    visit.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => document.documentElement.style.setProperty('font-size', '200%'))"
    )
    for route in VIEWS:
        page = show(visit, route, filled)
        assert page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)") == 32
        assert overflow(page) <= 0, f"{route} is {overflow(page)} px too wide with large text"


def test_every_control_can_be_reached_and_shows_it(
    embedded: Server, filled: dict[str, str], open_page: OpenPage
) -> None:
    visit = open_page(embedded)
    for route in VIEWS:
        page = show(visit, route, filled)
        page.locator("#main").focus()
        for _ in range(12):
            page.keyboard.press("Tab")
            seen = page.evaluate(
                """() => {
                    const node = document.activeElement;
                    if (!node || node === document.body) return null;
                    // A widget may show its focus on its frame.
                    for (let shown = node; shown && shown.id !== 'main'; shown = shown.parentElement) {
                        const style = getComputedStyle(shown);
                        if (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) return '';
                    }
                    return node.outerHTML.slice(0, 160);
                }"""
            )
            if seen is None:
                break
            assert seen == "", f"{route}: focus cannot be seen on {seen}"


def test_fingers_find_every_control(embedded: Server, filled: dict[str, str], open_page: OpenPage) -> None:
    visit = open_page(embedded, "phone")
    for route in VIEWS:
        page = show(visit, route, filled)
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, input:not([type=file]), select, textarea, .pix-button, .nav-link')]
                .filter((node) => node.checkVisibility() && !node.closest('.unseen') && !node.classList.contains('unseen'))
                .map((node) => [node.closest('label') ?? node, node])
                .map(([box, node]) => [box.getBoundingClientRect(), node])
                .filter(([box]) => box.width > 0 && (box.width < 43.5 || box.height < 43.5))
                .map(([box, node]) => `${Math.round(box.width)}x${Math.round(box.height)} ${node.outerHTML.slice(0, 120)}`)"""
        )
        assert small == [], f"{route}: " + "\n".join(small)


def test_nothing_moves_for_those_who_want_it_still(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated, reduced_motion="reduce").go()
    page.wait_for_selector("[role=option]")
    moving = page.evaluate(
        """() => document.getAnimations().filter((one) => one.playState === 'running'
            && (one.effect.getComputedTiming().activeDuration ?? 0) > 20).map((one) => one.animationName)"""
    )
    assert moving == []
