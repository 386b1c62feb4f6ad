"""Pictures of every screen in both languages, for the guide: `python -m tests.browser.screenshots [FOLDER]`.

What is to be seen is real: a server with the embedded engine reads the repository's own example photos. The monitor shows
a server with the simulated engine under a light load; `--monitor URL` takes one that has been running for a while.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.harness import ADVICE, LAUNCH, SIZES, Screen, chromium
from tests.e2e.conftest import Server, servers, wait_until
from tests.paths import EXAMPLES, ROOT

FOLDER = ROOT / "docs" / "screenshots"
UNREAD = "price_tag_labelled.jpg"
"""Left for the scan view, which would else show the time of an answer that is there already."""
COLOURS = 224
KEPT = 48
TOKENS = """() => {
    const style = getComputedStyle(document.documentElement);
    return [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).flatMap((rule) => [...(rule.style ?? [])])
        .filter((name, at, all) => name.startsWith('--') && all.indexOf(name) === at)
        .map((name) => style.getPropertyValue(name).trim()).filter((value) => /^#[0-9a-f]{6}$/i.test(value))
        .flatMap((value) => [1, 3, 5].map((at) => parseInt(value.slice(at, at + 2), 16)));
}"""
"""The colours of the palette in force, three numbers each."""
STORE = {"zh": "人民路店", "en": "High Street"}
Act = Callable[[Page], None]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: which view, how it is dressed, what must be there, and what is done before."""

    name: str
    route: str
    screen: Screen = "desktop"
    palette: str = "day"
    ready: str = "main h1"
    act: Act = lambda page: None
    clear: bool = False
    monitor: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands on the server."""

    reading: str
    shelf: str
    before: str
    after: str
    batch: str


def shots(filled: Filled) -> list[Shot]:
    """Every screen."""
    tags, shelf = f"#/scans/{filled.reading}", f"#/scans/{filled.shelf}"
    compare = f"#/compare?before={filled.before}&after={filled.after}"
    box = ".viewer img, .viewer canvas"
    return [
        Shot("scan", "#/", ready="[role=option]"),
        Shot("scan_phone", "#/", "phone", ready=".task-now"),
        Shot("menu_phone", "#/", "phone", "night", "[role=option]", _unfold),
        Shot("scan_done", "#/", ready="[role=option]", act=_scan),
        Shot("camera_phone", "#/", "phone", ready=".task-now", act=_camera),
        Shot("reading", shelf, ready=box, act=_settled),
        Shot("reading_phone", tags, "phone", "night", box, _settled),
        Shot("history", "#/history", ready=".thumb img", act=_settled),
        Shot("history_phone", "#/history", "phone", ready=".thumb img", act=_settled),
        Shot("batches", "#/batches", ready="main a[href^='#/batches/']", act=_settled),
        Shot("batch", f"#/batches/{filled.batch}", ready="main img", act=_settled),
        Shot("compare", compare, ready="main img", act=_settled),
        Shot("monitor", "#/hud", palette="night", ready=".chart canvas", act=_counted, monitor=True),
        Shot("monitor_phone", "#/hud", "phone", ready=".chart canvas", act=_counted, monitor=True),
        Shot("operator", "#/operator", ready=".operator-list", act=_settled, monitor=True),
        Shot("settings", "#/settings", palette="contrast"),
        Shot("clear", "#/history", palette="day", ready=".thumb img", act=_settled, clear=True),
    ]


def main() -> None:
    """Take them all, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--monitor", default="", help="a server that has been at work for a while")
    parser.add_argument("--lang", default="zh,en", help="languages, separated by commas")
    parser.add_argument("--only", default="", help="names, separated by commas")
    asked = parser.parse_args()
    path = chromium()
    if path is None:
        sys.exit(ADVICE)
    asked.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, servers(Path(home)) as start, sync_playwright() as playwright:
        video = Path(home) / "tag.mjpeg"
        video.write_bytes(_jpeg("price_tag_promotion.jpg", (960, 1280)) * 4)
        browser = playwright.chromium.launch(
            executable_path=path, args=[*LAUNCH, f"--use-file-for-fake-video-capture={video}"]
        )
        for lang in asked.lang.split(","):
            (Path(home) / lang).mkdir()
            server = start("embedded", PIXEL_AGENT_DATA_DIR=lang)
            filled = _fill(server, lang)
            watched = asked.monitor or start(PIXEL_AGENT_DATA_DIR=f"monitor-{lang}").url
            with _load(watched, busy=not asked.monitor):
                for shot in shots(filled):
                    if not asked.only or shot.name in asked.only.split(","):
                        _take(browser, watched if shot.monitor else server.url, shot, lang, asked.folder)
            server.stop()
        browser.close()


def _take(browser: Browser, url: str, shot: Shot, lang: str, folder: Path) -> None:
    width, height = SIZES[shot.screen]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        has_touch=shot.screen == "phone",
        is_mobile=shot.screen == "phone",
        locale={"zh": "zh-CN", "en": "en-GB"}[lang],
        reduced_motion="reduce",
        service_workers="block",
        permissions=["camera"],
    )
    prefs = {"lang": lang, "palette": shot.palette, "clear": shot.clear, "storeId": STORE[lang], "reviewer": "Lin"}
    context.add_init_script(
        f"try {{ localStorage.setItem('pixel-agent.prefs', {json.dumps(json.dumps(prefs))}); }} catch {{}}"
    )
    page = context.new_page()
    page.goto(f"{url}/{shot.route}")
    page.wait_for_selector(shot.ready, state="attached")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    shot.act(page)
    page.wait_for_selector(".strip-cell:last-child b:not(:text('–'))", state="attached")
    path = folder / f"{shot.name}.{lang}.png"
    path.write_bytes(_small(page.screenshot(), page.evaluate(TOKENS)))
    print(f"{path.name}: {path.stat().st_size // 1024} kB")
    context.close()


def _small(png: bytes, tokens: Sequence[int]) -> bytes:
    """The same picture with few colours: the palette's own and the most frequent as they are, the rest nearly so."""
    image = Image.open(BytesIO(png)).convert("RGB")
    pixels, counts = np.unique(np.asarray(image).reshape(-1, 3), axis=0, return_counts=True)
    kept: list[int] = pixels[np.argsort(-counts)[:KEPT]].ravel().tolist()
    exact = [*tokens, *kept]
    left = COLOURS - len(exact) // 3
    rest = image.quantize(left, Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*exact, *rest[: 3 * left]])
    few = image.quantize(palette=palette, dither=Image.Dither.NONE)
    out = BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def _jpeg(name: str, size: tuple[int, int]) -> bytes:
    image = Image.open(EXAMPLES / name).convert("RGB")
    image.thumbnail(size)
    ground = Image.new("RGB", size, "#d8d2c4")
    ground.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    out = BytesIO()
    ground.save(out, "JPEG", quality=90)
    return out.getvalue()


def _fill(server: Server, lang: str) -> Filled:
    """Readings, two visits to compare, a batch."""

    def scan(name: str, task: str, **fields: str) -> str:
        photo = (EXAMPLES / name).read_bytes()
        data = {"task": task, "lang": lang, "store_id": STORE[lang], **fields}
        answer = httpx.post(f"{server.url}/v1/scans", files={"photos": (name, photo)}, data=data, timeout=180)
        return str(answer.raise_for_status().json()["scan_id"])

    scan("storefront.jpg", "storefront_check")
    scan("expiry_label.jpg", "expiry_check")
    before = scan("price_tag_promotion.jpg", "price_tag", options='{"expected_price": 9.9}')
    after = scan("price_tag_member.jpg", "price_tag", options='{"expected_price": 9.9}')
    reading = scan("price_tag_produce.jpg", "price_tag")
    shelf = scan("shelf_strip.jpg", "price_tag")
    return Filled(reading, shelf, before, after, _batch(server, lang))


def _batch(server: Server, lang: str) -> str:
    photos = [path for path in sorted(EXAMPLES.glob("price_tag_*.jpg")) if path.name != UNREAD]
    files = [("photos", (path.name, path.read_bytes())) for path in photos]
    name = {"zh": "晚班巡店", "en": "Evening round"}[lang]
    data = {"task": "price_tag", "name": name, "lang": lang, "store_id": STORE[lang]}
    answer = httpx.post(f"{server.url}/v1/batches", files=files, data=data, timeout=60)
    number = str(answer.raise_for_status().json()["batch_id"])
    place = f"{server.url}/v1/batches/{number}"
    wait_until(lambda: bool(httpx.get(place).json()["status"] == "completed"), timeout_s=300)
    return number


@contextmanager
def _load(url: str, *, busy: bool) -> Iterator[None]:
    """Keep a server lightly at work."""
    stop = threading.Event()
    photo = (EXAMPLES / "price_tag_plain.jpg").read_bytes()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.wait(chance.random()):
            data = {"priority": chance.choice(["interactive", "normal", "bulk"])}
            files = {"photos": photo + chance.randbytes(8)}
            httpx.post(f"{url}/v1/scans", files=files, data=data, timeout=60)

    threads = [threading.Thread(target=work, args=(seed,), daemon=True) for seed in range(3 if busy else 0)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _settled(page: Page) -> None:
    """Every picture in the window has come, those too that come only when they are about to be seen."""
    page.wait_for_load_state("load")
    page.evaluate(
        """() => Promise.all([...document.images].filter((one) => one.checkVisibility() && one.getBoundingClientRect().top < innerHeight)
            .map((one) => one.complete || new Promise((done) => ['load', 'error'].forEach((kind) => one.addEventListener(kind, done)))))
            .then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))"""
    )


def _unfold(page: Page) -> None:
    page.locator(".task-now").click()
    page.locator("#task-price_tag").scroll_into_view_if_needed()


def _scan(page: Page) -> None:
    page.locator("#task-price_tag").click()
    page.locator("#photo-input").set_input_files(EXAMPLES / UNREAD)
    page.wait_for_selector("article.card[data-state=done][data-open]", timeout=120_000)
    _settled(page)


def _camera(page: Page) -> None:
    page.locator(".photo-buttons button").first.click()
    page.wait_for_selector(".camera.live")
    page.evaluate(
        "() => new Promise((done) => document.querySelector('.camera-video').requestVideoFrameCallback(done))"
    )


def _counted(page: Page) -> None:
    page.wait_for_selector(".hud-rate b:not(:text('–'))")


if __name__ == "__main__":
    main()
