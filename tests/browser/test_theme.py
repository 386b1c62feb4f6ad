"""Appearance: palettes, clear mode, both languages, large text, even pixels; axe finds no violation in any."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.harness import OpenPage, Screen, no_barriers, overflow
from tests.browser.pictures import dark, tag
from tests.browser.test_scan import bring, card, scan_view
from tests.e2e.conftest import Server

PALETTES = ("day", "night", "contrast")
UNEVEN = """() => [...document.querySelectorAll('svg.sprite')].filter((svg) => {
    const { width, height } = svg.getBoundingClientRect();
    const side = svg.viewBox.baseVal.width;
    return width > 0 && (width % side > 0.01 || Math.abs(width - height) > 0.01);
}).map((svg) => svg.dataset.sprite)"""
CUT_OFF = """() => [...document.querySelectorAll('.pix-button, .menu-name, h1, h2, .nav-link, .pix-tag, .card-line')]
    .filter((node) => node.offsetParent && node.scrollWidth > node.clientWidth + 1 && !node.closest('.unseen'))
    .map((node) => `${node.className}: ${node.textContent}`)"""
SMALL = """() => [...document.querySelectorAll('button, a, input, select, textarea, [role=option]')].filter((node) => {
    const { width, height } = node.getBoundingClientRect();
    const inWords = node.matches('p a, .pix-caption a') || node.matches('.skip, .unseen, [type=checkbox]');
    return node.offsetParent && !inWords && (width < 43.5 || height < 43.5);
}).map((node) => `${node.tagName} ${node.className} ${node.textContent}`)"""


def prefer(page: Page, **wanted: object) -> None:
    """Set preferences as the page keeps them, and load it again."""
    page.evaluate("(wanted) => localStorage.setItem('pixel-agent.prefs', wanted)", json.dumps(wanted))
    page.reload()
    expect(page.locator("[role=option]").first).to_be_attached()


def with_cards(page: Page) -> None:
    """A scan that is done, with its reading, and one that asks."""
    bring(page, "drop", tag(40))
    expect(card(page)).to_have_attribute("data-state", "done")
    expect(page.locator(".card-reading > *").first).to_be_attached()
    bring(page, "drop", dark())
    expect(card(page)).to_have_attribute("data-state", "asks")


@pytest.mark.parametrize(
    ("screen", "palette", "lang"),
    [("phone", "day", "zh"), ("phone", "contrast", "en"), ("desktop", "night", "en"), ("desktop", "contrast", "zh")],
)
def test_the_scan_view_has_no_barrier(
    simulated: Server, open_page: OpenPage, screen: Screen, palette: str, lang: str
) -> None:
    page = scan_view(open_page(simulated, screen))
    prefer(page, palette=palette, lang=lang)
    with_cards(page)
    if screen == "phone":
        page.locator(".task-now").tap()
    no_barriers(page)
    assert overflow(page) <= 0
    assert page.evaluate(UNEVEN) == []
    assert page.evaluate(CUT_OFF) == []


def test_settings_have_no_barrier_in_any_palette(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    for palette in PALETTES:
        page.locator(f"[data-choice={palette}]").click()
        no_barriers(page)
        assert page.evaluate(UNEVEN) == []


def test_what_is_tapped_is_large_enough(simulated: Server, open_page: OpenPage) -> None:
    page = scan_view(open_page(simulated, "phone"))
    page.locator(".task-now").tap()
    assert page.evaluate(SMALL) == []


def test_text_of_twice_the_size_still_fits(simulated: Server, open_page: OpenPage, screen: Screen) -> None:
    page = scan_view(open_page(simulated, screen))
    page.evaluate("() => document.documentElement.style.setProperty('font-size', '200%')")
    for _ in ("zh", "en"):
        assert overflow(page) <= 0
        assert page.evaluate(CUT_OFF) == []
        page.locator("#switch-language").click()


def test_clear_mode_has_a_plain_face_and_stands_still(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated, reduced_motion="no-preference").go("#/settings")
    face = "() => getComputedStyle(document.querySelector('.nav-link')).fontFamily"
    assert "Fusion Pixel" in page.evaluate(face)
    page.get_by_label("清晰模式").check()
    assert "Fusion Pixel" not in page.evaluate(face)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-clear", "")
    picture = page.locator("#agent-picture svg")
    before = picture.get_attribute("data-sprite")
    page.wait_for_timeout(3000)  # longer than the agent takes to blink
    assert picture.get_attribute("data-sprite") == before


def test_the_agent_blinks_unless_motion_is_unwanted(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated, reduced_motion="no-preference").go("#/settings")
    page.wait_for_selector("#agent-picture svg[data-sprite=agent_blink]")


def test_preferences_reach_every_open_page(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    other = page.context.new_page()
    other.goto(f"{simulated.url}/#/settings")
    page.locator("[data-choice=night]").click()
    page.locator("#switch-language").click()
    expect(other.locator("html")).to_have_attribute("data-palette", "night")
    expect(other.locator("[data-nav=scan]")).to_have_text("Scan")


@pytest.mark.parametrize(
    ("wish", "palette"),
    [
        ({"color_scheme": "dark"}, "night"),
        ({"color_scheme": "light"}, "day"),
        ({"contrast": "more"}, "contrast"),
    ],
)
def test_the_systems_wish_is_the_first_palette(
    simulated: Server, open_page: OpenPage, wish: Mapping[str, str], palette: str
) -> None:
    page = open_page(simulated, **wish).go("#/settings")
    expect(page.locator("html")).to_have_attribute("data-palette", palette)


def test_it_is_silent_until_it_is_asked_to_speak(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    page.evaluate(
        """() => {
            window.tones = 0;
            const make = AudioContext.prototype.createOscillator;
            AudioContext.prototype.createOscillator = function () { window.tones += 1; return make.call(this); };
        }"""
    )
    beep = "async () => (await import('/app/js/sound.js')).beep('found')"
    page.evaluate(beep)
    assert page.evaluate("() => window.tones") == 0
    page.get_by_label("声音").check()
    page.evaluate(beep)
    assert page.evaluate("() => window.tones") > 0


def test_it_works_where_nothing_can_be_remembered(simulated: Server, browser: Browser) -> None:
    context = browser.new_context(locale="en-US", service_workers="block")
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no storage'); } });"
    )
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.goto(f"{simulated.url}/#/settings")
    page.locator("#switch-language").click()
    expect(page.locator("[data-nav=scan]")).to_have_text("扫描")
    context.close()
    assert thrown == []
