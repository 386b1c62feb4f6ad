"""A real Chromium against real servers, which live as long as this folder's tests; a new context is cheap."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.harness import ADVICE, LAUNCH, SIZES, Faults, OpenPage, Screen, Visit, chromium
from tests.e2e.conftest import Server, Start, servers

WAIT_MS = 30_000
"""Longest wait for a condition; machines that run tests are slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if "/tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests; without one they skip, and in CI they fail.

    Of the package, not of the session: Playwright's loop must have ended before other tests start theirs.
    """
    path = chromium()
    if path is None:
        if os.environ.get("CI", "") not in ("", "0", "false"):
            pytest.fail(ADVICE)
        pytest.skip(ADVICE)
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(LAUNCH))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def start_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start servers that end after the last browser test; each has a data folder of its own."""
    folder = tmp_path_factory.mktemp("servers")
    with servers(folder) as start:

        def run(engine: str = "simulated", *, port: int = 0, data: str = "", **environment: str) -> Server:
            home = folder / data if data else tmp_path_factory.mktemp("data")
            return start(engine, port=port, PIXEL_AGENT_DATA_DIR=str(home), **environment)

        yield run


@pytest.fixture(scope="package")
def simulated(start_servers: Start) -> Server:
    """A quick server with the simulated engine."""
    return start_servers(
        PIXEL_AGENT_SIMULATED__BASE_MS="30",
        PIXEL_AGENT_SIMULATED__PIECES="6",
    )


@pytest.fixture(scope="package")
def embedded(start_servers: Start) -> Server:
    """A server that really reads."""
    return start_servers("embedded")


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open a page of a server in a context of its own; afterwards every page must have been without fault."""
    visits: list[Visit] = []

    def run(server: Server | str, screen: Screen = "desktop", *, workers: bool = False, **options: object) -> Visit:
        url = server if isinstance(server, str) else server.url
        width, height = SIZES[screen]
        settings: dict[str, object] = {
            "viewport": {"width": width, "height": height},
            "has_touch": screen == "phone",
            "is_mobile": screen == "phone",
            "locale": "zh-CN",
            "reduced_motion": "reduce",
            "service_workers": "allow" if workers else "block",
            "base_url": url,
            **options,
        }
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(WAIT_MS)
        faults = Faults(url)
        faults.watch(context)
        page = context.new_page()
        # From the start: a key press can reach the page before an interception that begins only where a test waits for one.
        page.on("filechooser", lambda _: None)
        visits.append(Visit(page, url, faults, screen))
        return visits[-1]

    yield run
    for visit in visits:
        visit.page.context.close()
    for visit in visits:
        visit.faults.check()


@pytest.fixture(params=list(SIZES))
def screen(request: pytest.FixtureRequest) -> Screen:
    """A phone with touch, and a wide screen."""
    size: Screen = request.param
    return size
