"""The monitor and the operator's page: live, also directly after opening."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.harness import OpenPage, Screen
from tests.browser.pictures import tag
from tests.e2e.conftest import Server, Start, wait_until


@pytest.fixture(scope="module")
def worked(start_servers: Start) -> Server:
    """A server that has answered, and refused, and has a setting of its own."""
    server = start_servers(
        PIXEL_AGENT_SIMULATED__BASE_MS="30",
        PIXEL_AGENT_ADMISSION__MAX_BYTES="1000000",
        PIXEL_AGENT_OPENAI__API_KEY="sk-1",
    )
    for number in range(3):
        httpx.post(f"{server.url}/v1/scans", files={"photos": tag(number)}).raise_for_status()
    assert httpx.post(f"{server.url}/v1/scans", files={"photos": tag() + bytes(1_000_000)}).status_code == 503

    def sampled() -> bool:
        points = httpx.get(f"{server.url}/v1/stats/history").json()["points"]
        return bool(sum(points["answered_per_s"]) > 0)

    wait_until(sampled)
    return server


def test_the_monitor_begins_with_what_has_been(worked: Server, open_page: OpenPage, screen: Screen) -> None:
    page = open_page(worked, screen).go("#/hud")
    expect(page.locator(".hud-sheds b")).to_have_text("1")
    expect(page.locator(".hud-replicas b")).to_have_text("1")
    expect(page.locator(".chart canvas")).to_have_count(6)
    expect(page.locator(".chart-box").first).to_have_attribute("aria-label", re.compile("完成：现在 .+，最高 "))


def test_charts_are_tables_too(worked: Server, open_page: OpenPage) -> None:
    page = open_page(worked).go("#/hud")
    expect(page.locator(".chart canvas")).to_have_count(6)
    page.locator(".chart-more summary").first.click()
    rows = page.locator(".chart-table").first.locator("tbody tr")
    expect(rows).to_have_count(15)
    expect(rows.first).to_contain_text(re.compile(r"\d\d:\d\d"))


def test_figures_move_when_scans_come(worked: Server, open_page: OpenPage) -> None:
    page = open_page(worked).go("#/hud")
    expect(page.locator(".hud-state")).to_contain_text("就绪")
    before = httpx.get(f"{worked.url}/v1/stats").json()["scans"]["refused"]["queue_full"]
    httpx.post(f"{worked.url}/v1/scans", files={"photos": tag() + bytes(1_000_001)})
    expect(page.locator(".hud-sheds b")).to_have_text(str(before + 1))


def test_operators_see_why(worked: Server, open_page: OpenPage) -> None:
    page = open_page(worked).go("#/operator")
    expect(page.locator("#operator-decision + div")).to_contain_text("等着的全在里面")
    expect(page.locator("#operator-tuning + div")).to_contain_text(re.compile(r"t = [\d.,]+ ms \+"))
    expect(page.locator("#operator-refusals + div")).to_contain_text("queue_full")
    expect(page.locator("#operator-store + div")).to_contain_text("正常")
    expect(page.locator("#operator-replicas + div tbody tr")).to_have_count(1)
    page.locator("#switch-language").click()
    expect(page.locator("#operator-decision + div")).to_contain_text("led by interactive: all that wait")


def test_settings_in_force_are_shown_without_secrets(worked: Server, open_page: OpenPage) -> None:
    page = open_page(worked).go("#/operator")
    settings = page.locator(".operator-settings")
    expect(settings).to_contain_text("1000000")
    expect(settings).not_to_contain_text("sk-1")
    changed = settings.locator("tbody tr").count()
    settings.locator("input[type=checkbox]").click()
    expect(settings.locator("tbody tr").nth(changed)).to_be_visible()
