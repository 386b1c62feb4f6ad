"""Text from photos, files and other people is shown as text: no script runs, no layout breaks."""

from __future__ import annotations

import json

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.harness import OpenPage, Screen, overflow
from tests.browser.pictures import HOSTILE_SIGN, hostile, tag
from tests.e2e.conftest import Server

RTL = "\u202egnp.exe\u202c"
NASTY = f"<img src=x onerror=alert(1)>{RTL}\u0007"
LONG = "很长的名字no-spaces-" * 9
VIEWS = ("#/history", "#/batches", "#/scans/{id}", "#/compare?store_id={store}&task=text_read")


@pytest.fixture(scope="module")
def attacked(embedded: Server) -> dict[str, str]:
    """Scans whose photo, file name and store are hostile; the id of the last."""
    fields = {"task": "text_read", "store_id": NASTY, "lang": "zh"}
    ids = []
    for photo in (hostile(), tag(40)):
        answer = httpx.post(
            f"{embedded.url}/v1/scans", files={"photos": (f"{NASTY}.jpg", photo)}, data=fields, timeout=120
        )
        ids.append(str(answer.raise_for_status().json()["scan_id"]))
    return {"id": ids[0], "other": ids[1], "store": NASTY}


def harmless(page: Page) -> None:
    """Nothing of it became an element, and nothing shows its direction signs raw outside of an isolation."""
    assert page.locator("main img[src='x'], main script, main [onerror]").count() == 0
    raw = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const found = [];
            while (walker.nextNode())
                if (/[\\u202A-\\u202E\\u2066-\\u2069\\u0007]/.test(walker.currentNode.data)) found.push(walker.currentNode.data);
            return found;
        }"""
    )
    assert raw == []


@pytest.mark.parametrize("route", VIEWS)
def test_hostile_words_stay_words(
    embedded: Server, attacked: dict[str, str], open_page: OpenPage, screen: Screen, route: str
) -> None:
    visit = open_page(embedded, screen)
    visit.faults.allow("status of 404 .*/v1/compare")  # there is nothing to compare yet
    visit.page.on("dialog", lambda dialog: visit.faults.found.append(f"a dialog opened: {dialog.message}"))
    page = visit.go(route.format(id=attacked["id"], store=httpx.QueryParams({"x": NASTY})["x"]))
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")
    harmless(page)
    assert overflow(page) <= 0


def test_the_sign_is_read_and_shown_as_it_is_written(
    embedded: Server, attacked: dict[str, str], open_page: OpenPage
) -> None:
    page = open_page(embedded).go(f"#/scans/{attacked['id']}")
    read = json.dumps(httpx.get(f"{embedded.url}/v1/scans/{attacked['id']}").json()["reading"]["items"])
    assert "onerror" in read, "the reader did not see the words that this test is about"
    expect(page.locator("main")).to_contain_text("onerror")
    harmless(page)
    assert HOSTILE_SIGN.startswith("<img")


def test_ten_thousand_signs_do_not_break_the_page(embedded: Server, open_page: OpenPage, screen: Screen) -> None:
    correction = {"action": "comment", "comment": "长" * 1900 + NASTY, "by": "人" * 50}
    answer = httpx.post(
        f"{embedded.url}/v1/scans", files={"photos": (f"{LONG}.jpg", tag(41))}, data={"task": "text_read"}, timeout=120
    )
    scan_id = answer.json()["scan_id"]
    httpx.post(f"{embedded.url}/v1/scans/{scan_id}/reviews", json=correction)
    page = open_page(embedded, screen).go(f"#/scans/{scan_id}")
    # What a photo full of text gives: one row of ten thousand signs without a gap.
    page.evaluate(
        """async (words) => {
            const { text } = await import('/app/js/dom.js');
            const { valueNode } = await import('/app/js/rows.js');
            const box = document.createElement('div');
            box.id = 'ten-thousand';
            box.append(text(words), valueNode(words, { field: 'text' }, {}));
            document.querySelector('main').append(box);
        }""",
        "W" * 10_000 + NASTY,
    )
    expect(page.locator("#ten-thousand")).to_contain_text("WWWW")
    harmless(page)
    assert overflow(page) <= 0
