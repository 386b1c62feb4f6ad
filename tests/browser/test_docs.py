"""The API documentation in a browser."""

from __future__ import annotations

from tests.browser.harness import OpenPage
from tests.e2e.conftest import Server


def test_the_docs_show_every_path_without_a_fault(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).page
    page.goto("/docs")
    page.wait_for_selector("[data-path='/v1/scans']")
