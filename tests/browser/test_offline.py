"""Without a network: the shell opens, photos are stored and sent later, once; a server that is back is detected."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.harness import OpenPage, Visit
from tests.browser.pictures import tag
from tests.e2e.conftest import Server, Start, ready, wait_until

LOST = (  # whatever a connection ends with when its server is killed or its network goes
    "ERR_CONNECTION_REFUSED",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_CONNECTION_RESET",
    "ERR_INCOMPLETE_CHUNKED",
    "ERR_CONTENT_LENGTH_MISMATCH",
    "ERR_EMPTY_RESPONSE",
    "ERR_FAILED",
)
KEEP = """async ([data, fields]) => {
    const { outbox } = await import('/app/js/outbox.js');
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    return (await outbox.keep(new Blob([bytes], { type: 'image/jpeg' }), 'kept.jpg', fields))?.id ?? null;
}"""
LIST = "async () => (await (await import('/app/js/outbox-store.js')).list()).map(({ state, problem }) => ({ state, problem }))"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def restartable(start_servers: Start) -> tuple[Server, Start]:
    """A server, and a way to start it again at the same address with the same data."""
    port = free_port()

    def start() -> Server:
        return start_servers(port=port, data=f"data-{port}", PIXEL_AGENT_SIMULATED__BASE_MS="30")

    return start(), start


def scans(server: Server) -> list[dict[str, object]]:
    """All of them: the server is shared, and a page may be full."""
    found: list[dict[str, object]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = httpx.get(
            f"{server.url}/v1/scans", params={"limit": 200, **({"cursor": cursor} if cursor else {})}
        ).json()
        found += page["scans"]
        cursor = page["next"]
    return found


def posted(answer: Response) -> bool:
    """Whether it answers a scan."""
    return answer.request.method == "POST" and "/v1/scans?" in answer.url


def keep(page: Page, photo: bytes, **fields: str) -> str | None:
    kept: str | None = page.evaluate(
        KEEP, [base64.b64encode(photo).decode(), {"task": "text_read", "lang": "zh", **fields}]
    )
    return kept


@contextmanager
def offline(visit: Visit) -> Iterator[None]:
    visit.faults.allow(*LOST)
    visit.page.evaluate("() => import('/app/js/outbox.js')")  # with all that the page fetches after its first paint
    visit.page.context.set_offline(True)
    yield
    visit.page.context.set_offline(False)


def test_a_server_that_dies_and_comes_back_is_shown(restartable: tuple[Server, Start], open_page: OpenPage) -> None:
    server, start = restartable
    visit = open_page(server)
    visit.faults.allow(*LOST)
    page = visit.go("#/hud")
    expect(page.locator(".hud-state")).to_have_attribute("data-state", "ready")
    server.process.kill()
    server.process.wait()
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("[data-agent]")).to_have_attribute("data-agent", "offline")
    expect(page.locator("#live-assertive")).to_contain_text("连不上服务器")
    expect(page.locator(".hud-state")).to_have_attribute("data-state", "lost")
    start()
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("[data-agent]")).to_have_attribute("data-agent", "idle")
    expect(page.locator(".hud-state")).to_have_attribute("data-state", "ready")


def test_an_upload_that_is_interrupted_is_sent_later_and_once(
    restartable: tuple[Server, Start], open_page: OpenPage
) -> None:
    server, start = restartable
    visit = open_page(server)
    visit.faults.allow(*LOST, "status of 503")
    page = visit.go()
    expect(page.locator("[role=option]").first).to_be_attached()
    page.evaluate("async () => { await import('/app/js/scans.js'); await import('/app/js/outbox.js'); }")
    server.process.kill()
    server.process.wait()
    page.evaluate(
        """(data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], 'tag.jpg', { type: 'image/jpeg' }));
            document.body.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));
        }""",
        base64.b64encode(tag(20)).decode(),
    )
    card = page.locator("article.card")
    expect(card).to_have_attribute("data-state", "kept")
    expect(page.locator(".outbox")).to_contain_text("待发照片 1 张")
    start()
    expect(card).to_have_attribute("data-state", "done")
    expect(page.locator(".outbox")).to_contain_text("已送出")
    assert [(scan["filename"], scan["status"]) for scan in scans(server)] == [("tag.jpg", "completed")]


def test_the_shell_opens_and_photos_wait_without_a_network(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated, workers=True)
    page = visit.go()
    page.evaluate("() => navigator.serviceWorker.ready.then((r) => r.active && true)")
    page.reload()
    assert page.evaluate("() => Boolean(navigator.serviceWorker.controller)")
    before = len(scans(simulated))
    with offline(visit):
        page.reload()
        expect(page.locator("[data-nav=history]")).to_have_text("历史")
        visit.go("#/settings")
        assert keep(page, tag(21)) is not None
        page.goto(f"{visit.url}/#/")
        expect(page.locator(".outbox-row")).to_have_count(1)
        page.reload()  # the photo outlives the page
        expect(page.locator(".outbox-row img")).to_have_js_property("complete", True)
    expect(page.locator(".outbox")).to_contain_text("已送出")
    expect(page.locator(".outbox-row")).to_have_count(0)
    assert len(scans(simulated)) == before + 1


def test_the_cache_holds_the_shell_and_nothing_else(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated, workers=True).go()
    page.evaluate("() => navigator.serviceWorker.ready")
    page.evaluate("() => fetch('/v1/tasks')")
    page.goto(f"{simulated.url}/#/history")
    kept = page.evaluate(
        """async () => {
            const names = await caches.keys();
            const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map((r) => new URL(r.url).pathname)));
            return { names, paths: all.flat() };
        }"""
    )
    assert len(kept["names"]) == 1
    assert "/" in kept["paths"]
    assert "/app/js/main.js" in kept["paths"]
    assert not [
        path for path in kept["paths"] if path not in ("/", "/manifest.webmanifest") and not path.startswith("/app/")
    ]


class NextRelease(BaseHTTPRequestHandler):
    """Passes on what the server answers; once `released`, the service worker is that of a later release."""

    client: httpx.Client
    protocol_version = "HTTP/1.1"
    url = server_url = ""
    released = False

    def do_GET(self) -> None:
        if "/events" in self.path:
            self.send_error(503)
            return
        answer = self.client.get(f"{self.server_url}{self.path}", headers={"Accept": self.headers.get("Accept", "*/*")})
        body = answer.content
        if self.path == "/sw.js" and type(self).released:
            body = body.replace(b'"version": "', b'"version": "next-')
        self.send_response(answer.status_code)
        for name in ("content-type", "content-security-policy", "cache-control"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def next_release(simulated: Server) -> Iterator[type[NextRelease]]:
    with httpx.Client() as shared, ThreadingHTTPServer(("127.0.0.1", 0), NextRelease) as server:

        class Handler(NextRelease):
            client = shared
            server_url = simulated.url
            url = f"http://127.0.0.1:{server.server_port}"

        server.RequestHandlerClass = Handler
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Handler
        server.shutdown()
        thread.join()


def test_a_new_shell_is_offered_and_taken(next_release: type[NextRelease], open_page: OpenPage) -> None:
    visit = open_page(next_release.url, workers=True)
    visit.faults.allow("status of 503")
    page = visit.go("#/settings")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    next_release.released = True
    page.evaluate("() => navigator.serviceWorker.getRegistration().then((r) => r.update()).then(() => true)")
    offer = page.locator(".update-offer")
    expect(offer).to_contain_text("新版本")
    with page.expect_navigation():
        offer.get_by_role("button", name="更新").click()
    names = page.evaluate("() => caches.keys()")
    assert len(names) == 1
    assert "next-" in names[0]


def test_a_kept_photo_can_be_cancelled(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    page = visit.go()
    expect(page.locator("[role=option]").first).to_be_attached()
    before = len(scans(simulated))
    with offline(visit):
        assert keep(page, tag(22)) is not None
        page.locator(".outbox-row").get_by_role("button", name="取消 kept.jpg").click()
        expect(page.locator(".outbox-row")).to_have_count(0)
    page.evaluate("async () => (await import('/app/js/outbox.js')).outbox.send()")
    assert len(scans(simulated)) == before


def test_a_photo_that_is_refused_says_why_and_stays(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    visit.faults.allow("status of 4")
    page = visit.go()
    expect(page.locator("[role=option]").first).to_be_attached()
    keep(page, b"no photo")
    row = page.locator(".outbox-row")
    expect(row).to_contain_text("服务器没有收下")
    assert [entry["state"] for entry in page.evaluate(LIST)] == ["refused"]
    row.get_by_role("button", name="取消 kept.jpg").click()
    expect(row).to_have_count(0)


def test_the_same_photo_is_never_scanned_twice(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    replayed: list[bool] = []
    page.on(
        "response", lambda answer: replayed.append("idempotency-replayed" in answer.headers) if posted(answer) else None
    )
    page.evaluate(
        """async ([data, fields]) => {
            const store = await import('/app/js/outbox-store.js');
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const photo = new Blob([bytes], { type: 'image/jpeg' });
            const key = `test-${data.length}-${fields.lang}`;
            for (let i = 0; i < 3; i++) {
                await store.add(photo, 'same.jpg', fields, key); // the answers of the first two were lost on the way
                await store.flush();
            }
        }""",
        [base64.b64encode(tag(23)).decode(), {"task": "text_read", "lang": "zh"}],
    )
    assert page.evaluate(LIST) == []
    assert replayed == [False, True, True]


def test_a_photo_that_was_answered_unheard_is_not_scanned_again(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    replayed: list[bool] = []
    page.on(
        "response", lambda answer: replayed.append("idempotency-replayed" in answer.headers) if posted(answer) else None
    )
    page.evaluate(
        """async ([data, fields]) => {
            const store = await import('/app/js/outbox-store.js');
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const photo = new Blob([bytes], { type: 'image/jpeg' });
            const form = new FormData();
            for (const [name, value] of Object.entries(fields)) form.append(name, value);
            form.append('photos', photo, 'unheard.jpg');
            const headers = { 'Idempotency-Key': 'test-unheard' };
            await (await fetch('/v1/scans?stream=true&priority=interactive', { method: 'POST', headers, body: form })).text();
            await store.add(photo, 'unheard.jpg', fields, 'test-unheard');
            await store.flush();
        }""",
        [base64.b64encode(tag(29)).decode(), {"task": "text_read", "lang": "zh"}],
    )
    assert page.evaluate(LIST) == []
    assert replayed == [False, True]


def test_a_photo_kept_while_another_is_sent_goes_with_it(simulated: Server, open_page: OpenPage) -> None:
    page = open_page(simulated).go("#/settings")
    sent = """async (data) => {
        const { outbox } = await import('/app/js/outbox.js');
        const { subscribe } = await import('/app/js/outbox-store.js');
        const photos = data.map((one) => new Blob([Uint8Array.from(atob(one), (letter) => letter.charCodeAt(0))], { type: 'image/jpeg' }));
        const fields = { task: 'text_read', lang: 'zh' };
        const names = [];
        const both = new Promise((resolve) => subscribe(({ sent }) => sent && names.push(sent.filename) === 2 && resolve()));
        const send = window.fetch;
        window.fetch = async (...asked) => {
            window.fetch = send; // the first is on its way, and what waits has been looked up
            await outbox.keep(photos[1], 'second.jpg', fields);
            return send(...asked);
        };
        await outbox.keep(photos[0], 'first.jpg', fields);
        await both;
        return names;
    }"""
    assert page.evaluate(sent, [base64.b64encode(tag(number)).decode() for number in (38, 39)]) == [
        "first.jpg",
        "second.jpg",
    ]


def test_no_room_is_told(simulated: Server, open_page: OpenPage) -> None:
    visit = open_page(simulated)
    page = visit.go("#/settings")
    session = page.context.new_cdp_session(page)
    session.send("Storage.overrideQuotaForOrigin", {"origin": simulated.url, "quotaSize": 1000})
    with offline(visit):
        assert keep(page, tag(24)) is None
    expect(page.locator("#toasts")).to_contain_text("空间不够")


def test_a_server_without_a_store_answers_at_once(start_servers: Start, open_page: OpenPage) -> None:
    server = start_servers(PIXEL_AGENT_STORE__ENABLED="false", PIXEL_AGENT_SIMULATED__BASE_MS="30")
    visit = open_page(server)
    visit.faults.allow("status of (503|404)")
    page = visit.go()
    expect(page.locator("[role=option]").first).to_be_attached()
    keep(page, tag(25))
    expect(page.locator(".outbox")).to_contain_text("已送出")
    assert page.evaluate(LIST) == [], json.dumps(page.evaluate(LIST))
    wait_until(lambda: ready(server.url))
