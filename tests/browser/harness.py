"""Shared tools of the browser tests: finding Chromium, a page that reports every error, and accessibility checks."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

from playwright.sync_api import BrowserContext, ConsoleMessage, Error, Page, Request, WebError

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE = "no Chromium was found: install Debian's package `chromium`, or Google Chrome"
LAUNCH = (
    "--no-sandbox",  # CI runs as root
    "--use-fake-device-for-media-stream",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # no other host, whatever asks for it
    "--disable-background-networking",
    "--disable-component-update",
    "--mute-audio",
)
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WATCH_CSP = """addEventListener('securitypolicyviolation', (e) =>
    console.error(`CSP: ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber} ${e.sample}`))"""

Screen = Literal["phone", "desktop"]
SIZES: dict[Screen, tuple[int, int]] = {"phone": (360, 740), "desktop": (1440, 900)}


def chromium() -> str | None:
    """Where a Chromium is on this machine."""
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


@dataclass
class Faults:
    """What a page must not do: log errors, throw, break its policy, ask another host. `allow` names what a test causes."""

    url: str
    found: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        """Messages that match are expected."""
        self.allowed += [re.compile(pattern) for pattern in patterns]

    def watch(self, context: BrowserContext) -> None:
        """Look at everything that any page of the context does."""
        context.add_init_script(WATCH_CSP)
        context.on("console", self._console)
        context.on("weberror", self._thrown)
        context.on("request", self._request)

    def check(self) -> None:
        """Fail if anything happened that was not expected."""
        bad = [fault for fault in self.found if not any(pattern.search(fault) for pattern in self.allowed)]
        assert not bad, "the page had faults:\n" + "\n".join(bad)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _thrown(self, error: WebError) -> None:
        self.found.append(f"thrown: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.found.append(f"other host: {request.url}")


@dataclass(frozen=True, slots=True)
class Visit:
    """One browser context with one page of the terminal, as a test uses it."""

    page: Page
    url: str
    faults: Faults
    screen: Screen

    def go(self, route: str = "#/") -> Page:
        """Open a view and wait until it stands."""
        self.page.goto(f"{self.url}/{route}")
        self.page.wait_for_selector("main:not([aria-busy=true]) h1, main:not([aria-busy=true]) h2", state="attached")
        return self.page


OpenPage = Callable[..., Visit]


@cache
def _axe() -> str:
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


def barriers(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds against WCAG 2.2 AA (or single rules), one line an element. It comes in beside the page's policy."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_axe())
    wanted = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(WCAG)}
    options = {"runOnly": wanted, "resultTypes": ["violations"]}
    found = page.evaluate(f"() => axe.run(document, {json.dumps(options)}).then((r) => r.violations)")
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']} {node['html'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def no_barriers(page: Page) -> None:
    """Assert that axe finds nothing."""
    found = barriers(page)
    assert not found, "\n".join(found)


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth")
    return width


def closed(page: Page) -> bool:
    """Whether the page has gone."""
    try:
        return page.is_closed()
    except Error:
        return True
