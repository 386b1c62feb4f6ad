from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from httpx import URL, ASGITransport, AsyncClient, Request
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_agent.api.http.head import HeadAsGet
from pixel_agent.api.routes import terminal
from pixel_agent.core.errors import PixelAgentError
from scripts.draw_icons import SIZES, agent, draw

FIRST_PAINT_BYTES = 100 * 1024
"""What the page may load before the font, as it lies on the disk: what goes over the wire is packed, and less."""
LANGUAGES = ("zh", "en")
FROM_ENGLISH = ("kind.", "total.", "why.")
"""Words that only put the server's own English into Chinese: field names, and the scheduler's reasons."""
SCRIPTS = sorted((terminal.ROOT / "js").rglob("*.js"))


@pytest.fixture
async def client() -> AsyncClient:
    app = FastAPI()
    app.add_middleware(HeadAsGet)
    terminal.add_terminal(app)
    return AsyncClient(transport=ASGITransport(app), base_url="http://localhost")


async def test_the_root_is_the_terminal(client: AsyncClient) -> None:
    answer = await client.get("/", headers={"Accept": "text/html,application/json;q=0.9"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert '<main id="main"' in answer.text


async def test_a_program_that_asks_for_json_is_told_where_things_are(client: AsyncClient) -> None:
    answer = await client.get("/", headers={"Accept": "application/json"})
    assert answer.json()["openapi"] == "/openapi.json"
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/", "/app/js/main.js", "/app/vendor/fusion-pixel/fusion-pixel-12px.woff2", "/sw.js"])
async def test_head_says_the_same_as_get_without_a_body(client: AsyncClient, path: str) -> None:
    get, head = await client.get(path), await client.head(path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    same = ("etag", "content-type", "content-length", "cache-control")
    assert [head.headers[name] for name in same] == [get.headers[name] for name in same]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/app/css/tokens.css", "text/css; charset=utf-8"),
        ("/app/js/main.js", "text/javascript; charset=utf-8"),
        ("/app/icons/icon-192.png", "image/png"),
        ("/app/vendor/fusion-pixel/fusion-pixel-12px.woff2", "font/woff2"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
    ],
)
async def test_each_kind_has_its_type(client: AsyncClient, path: str, kind: str) -> None:
    assert (await client.get(path)).headers["content-type"] == kind


async def test_what_has_not_changed_is_not_sent_again(client: AsyncClient) -> None:
    first = await client.get("/app/js/main.js")
    again = await client.get("/app/js/main.js", headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == "no-cache"


async def test_text_is_packed_for_those_who_can_unpack_it(client: AsyncClient) -> None:
    plain = await client.get("/app/css/base.css", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/app/css/base.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.headers["etag"] == plain.headers["etag"]
    assert packed.headers["etag"].startswith("W/"), (
        "both forms share a tag, so it says no more than that they mean the same"
    )
    assert "Accept-Encoding" in packed.headers["vary"]


OUTSIDE = ["../app.py", "js/../../api/web.py", "%2e%2e/app.py", "..%2fapp.py", "/etc/passwd", "js/", "", "js"]


@pytest.mark.parametrize("name", [*OUTSIDE, ".hidden.js", "js/.main.js", "js\\main.js", "js/main.js\0.png", "a" * 5000])
async def test_nothing_but_the_files_of_the_terminal_is_found(client: AsyncClient, name: str) -> None:
    assert (await client.get(f"/app/{name.replace(chr(0), '%00')}")).status_code == 404


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(["..", ".", "", "js", "api", "web", "main.js", "web.py", "~", "\0"])), st.text(max_size=8)
)
async def test_no_name_leads_out_of_the_folder(parts: list[str], end: str) -> None:
    app = FastAPI()
    terminal.add_terminal(app)
    path = quote("/app/" + "/".join([*parts, end]), safe="/")
    async with AsyncClient(transport=ASGITransport(app), base_url="http://localhost") as client:
        answer = await client.send(Request("GET", URL("http://localhost", raw_path=path.encode())))
    assert answer.status_code == 404 or answer.content in ours()


@cache
def ours() -> set[bytes]:
    """Every file of the terminal."""
    return {path.read_bytes() for path in terminal.ROOT.rglob("*") if path.is_file()}


async def test_a_link_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    inside, secret = tmp_path / "web", tmp_path / "secret.js"
    inside.mkdir()
    secret.write_text("secret")
    (inside / "leak.js").symlink_to(secret)
    (inside / "a.js").write_text("a")
    transport = ASGITransport(terminal.TerminalFiles(directory=inside), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/a.js")).status_code == 200
        assert (await client.get("/leak.js")).text != "secret"


async def test_a_changed_file_is_sent_again(tmp_path: Path) -> None:
    transport = ASGITransport(terminal.TerminalFiles(directory=tmp_path))
    async with AsyncClient(transport=transport, base_url="http://localhost") as client:
        (tmp_path / "a.js").write_text("one")
        before = await client.get("/a.js")
        (tmp_path / "a.js").write_text("another")
        after = await client.get("/a.js", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.text) == (200, "another")


async def test_a_changed_shell_is_a_new_worker(
    client: AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(terminal.ROOT, tmp_path / "web")
    monkeypatch.setattr(terminal, "ROOT", tmp_path / "web")
    before = await client.get("/sw.js")
    same = await client.get("/sw.js", headers={"If-None-Match": before.headers["etag"]})
    with (tmp_path / "web" / "js" / "main.js").open("a") as script:
        script.write("//")
    after = await client.get("/sw.js", headers={"If-None-Match": before.headers["etag"]})
    assert (same.status_code, after.status_code) == (304, 200)
    assert '"/app/js/main.js"' in after.text
    assert "LICENSE" not in after.text
    assert after.text != before.text


def test_the_first_paint_takes_little() -> None:
    sizes = {name: (terminal.ROOT / name).stat().st_size for name in first_paint()}
    assert {"index.html", "css/tokens.css", "js/main.js", "js/views/scan.js", "js/sprite-maps.js"} <= sizes.keys()
    assert sum(sizes.values()) <= FIRST_PAINT_BYTES, sizes
    assert sum(len(gzip.compress((terminal.ROOT / name).read_bytes())) for name in sizes) <= FIRST_PAINT_BYTES // 2


def test_the_page_names_every_module_of_the_first_paint_at_once() -> None:
    page = (terminal.ROOT / "index.html").read_text("utf-8")
    named = set(re.findall(r'<link rel="modulepreload" href="/app/([^"]+)">', page))
    wanted = {name for name in first_paint() if name.endswith(".js")}
    assert named | {"js/theme-boot.js", "js/main.js"} == wanted


def first_paint() -> set[str]:
    """What the page names, the scan view, and whatever those import at once, without the font."""
    page = (terminal.ROOT / "index.html").read_text("utf-8")
    named = re.findall(r'(?:<script[^>]*src|<link rel="(?:stylesheet|icon)"[^>]*href)="/app/([^"]+)"', page)
    seen: set[str] = set()
    waiting = ["index.html", *named, "js/views/scan.js", "css/scan.css"]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += imports(name)
    return seen


def imports(name: str) -> Iterator[str]:
    """The modules that a module cannot begin without."""
    path = terminal.ROOT / name
    if path.suffix == ".js":
        for found in re.findall(r'^(?:import|export)\b[^;]*?"(\.{1,2}/[^"]+)";', path.read_text("utf-8"), re.MULTILINE):
            yield (path.parent / found).resolve().relative_to(terminal.ROOT).as_posix()


def test_every_module_that_is_imported_exists() -> None:
    for script in SCRIPTS:
        words = script.read_text("utf-8")
        for found in re.findall(r'(?:from|import)\s*\(?"(\.{1,2}/[^"]+)"', words):
            assert (script.parent / found).is_file(), f"{script.name} imports {found}"


def test_nothing_in_the_page_breaks_the_policy() -> None:
    page = (terminal.ROOT / "index.html").read_text("utf-8")
    assert re.findall(r"\son\w+=|\sstyle=|<style|javascript:|https?://", page) == []
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_no_script_makes_markup_from_text() -> None:
    unsafe = r"\.(?:inner|outer)HTML\s*[+]?=[^=]|insertAdjacentHTML|document\.write|\beval\(|new Function|setAttribute\(\"style\""
    assert [script.name for script in SCRIPTS if re.search(unsafe, script.read_text("utf-8"))] == []


def strings() -> dict[str, dict[str, str]]:
    """Every key and its words, by language."""
    found: dict[str, dict[str, str]] = {lang: {} for lang in LANGUAGES}
    for path in sorted((terminal.ROOT / "js" / "strings").glob("*.js")):
        lang = ""
        for line in path.read_text("utf-8").splitlines():
            if opened := re.match(r"\s*(?:export const )?(zh|en)\b\s*[:=]\s*\{", line):
                lang = opened[1]
            for key, words in re.findall(r'"([\w.-]+)":\s*(?:\n\s*)?"((?:[^"\\]|\\.)*)"', line):
                assert lang, f"{path.name}: {key} stands in no language"
                assert key not in found[lang], f"{path.name}: {key} stands twice"
                found[lang][key] = words
    return found


def test_both_languages_say_the_same_things() -> None:
    zh, en = strings().values()
    assert len(en) > 100
    assert {key for key in zh if not key.startswith(FROM_ENGLISH)} == en.keys()
    assert [key for words in (zh, en) for key in words if not words[key].strip()] == []


def test_every_error_of_the_server_has_words_and_advice() -> None:
    kinds: list[type[PixelAgentError]] = [PixelAgentError, *_below(PixelAgentError)]
    codes = {kind.code for kind in kinds}
    wanted = {f"error.{code}{end}" for code in codes for end in ("", ".do")}
    assert [wanted - words.keys() for words in strings().values()] == [set(), set()]


def _below(kind: type[PixelAgentError]) -> Iterator[type[PixelAgentError]]:
    """The errors that `errors.py` derives from one."""
    for error in kind.__subclasses__():
        if error.__module__ == PixelAgentError.__module__:
            yield error
        yield from _below(error)


def test_both_languages_fill_in_the_same_values() -> None:
    def values(words: str) -> set[str]:
        return set(re.findall(r"\{(\w+)[}?]", words))

    zh, en = strings().values()
    assert {key: (zh[key], en[key]) for key in en if values(zh[key]) != values(en[key])} == {}


def test_every_key_that_is_used_exists() -> None:
    known = strings()["zh"].keys()
    families = {key.split(".")[0] for key in known}
    missing = []
    for path in chain(SCRIPTS, [terminal.ROOT / "index.html"]):
        if path.parent.name == "strings":
            continue
        words = path.read_text("utf-8")
        used = set(re.findall(r"\b(?:t|say)\(\s*(?:\w+,\s*)?\[?\"([a-z_]+\.[\w.]+)\"", words))
        used |= set(re.findall(r"\bt(?:Label|Title|Placeholder|Alt)?:\s*\[?\"([a-z_]+\.[\w.]+)\"", words))
        used |= set(re.findall(r'data-t(?:-\w+)?="([\w.]+)"', words))
        used |= {key for key in re.findall(r'"([a-z_]+(?:\.\w+)+)"', words) if key.split(".")[0] in families}
        missing += [f"{path.name}: {key}" for key in sorted(used - known) if not key.endswith(".js")]
        for start in re.findall(r"`([a-z_]+(?:\.\w+)*\.)\$\{", words):
            if start.split(".")[0] in families and not any(key.startswith(start) for key in known):
                missing.append(f"{path.name}: {start}…")
    assert missing == []


def test_every_pixel_map_is_a_square() -> None:
    source = "".join((terminal.ROOT / "js" / f"sprite-{part}.js").read_text("utf-8") for part in ("maps", "tools"))
    maps = [found.split(" ") for found in re.findall(r'"([.a-z]{12,24}(?: [.a-z]{12,24}){11,23})"', source)]
    assert len(maps) > 60
    for rows in maps:
        assert {len(row) for row in rows} == {len(rows)}, rows
        assert len(rows) in (12, 16, 24)
        assert set("".join(rows)) <= set(".kwadgyrsln")


def palettes() -> dict[str, dict[str, str]]:
    """The colours of each palette, by name."""
    tokens = (terminal.ROOT / "css" / "tokens.css").read_text("utf-8")
    blocks = re.findall(r'data-palette="(\w+)"\] \{([^}]*)\}', tokens)
    return {name: dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block)) for name, block in blocks}


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 defines it, from 1 to 21."""

    def light(colour: str) -> float:
        shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["day", "night", "contrast"])
def test_every_palette_can_be_read(name: str) -> None:
    colours = palettes()[name]
    grounds = [colours[ground] for ground in ("paper", "panel", "well", "accent-well")]
    for ink in ("ink", "soft", "accent", "ok", "warn", "bad"):
        assert min(contrast(colours[ink], ground) for ground in grounds) >= 4.5, ink
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["panel"], colours["bad"]) >= 4.5
    for sign in ("focus", "line"):
        assert min(contrast(colours[sign], ground) for ground in grounds[:3]) >= 3, sign


@pytest.mark.parametrize("name", SIZES)
def test_the_icons_are_what_the_script_draws(name: str) -> None:
    image = Image.open(terminal.ROOT / "icons" / f"{name}.png").convert("RGB")
    side, scale, frame = SIZES[name]
    assert image.size == (side, side)
    assert (draw(agent(), side, scale, frame) == image).all()
