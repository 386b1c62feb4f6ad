"""The terminal's files: the page at `/`, its parts under `/app/`, the service worker and the manifest at the root.

Only names that a pattern knows reach the disk, so no path leads out of the folder. Files are read again when they change.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)

ROOT = Path(__file__).resolve().parents[2] / "web"
"""Where the files lie in the package."""
NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]*/)*[A-Za-z0-9][A-Za-z0-9_.-]*")
"""Names that are looked up: no part begins with a dot, and no folder holds one."""
TYPES = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".webmanifest": "application/manifest+json",
        ".svg": "image/svg+xml",
        ".png": "image/png",
        ".woff2": "font/woff2",
    }
)
"""Kinds of files that are served; everything else is not found."""
PACKED = (".html", ".css", ".js", ".json", ".webmanifest", ".svg")
"""Kinds that are worth compressing."""
SHELL = "no-cache"
"""Asked again each time, answered with 304 while nothing changed: an update is in force at the next look."""
VENDORED = "public, max-age=86400"
"""For the font and the charts, which change only with a release."""

SHELL_LINE = b'const SHELL = { version: "none", files: [] };'
"""The line of the service worker that is filled in here."""
SHELL_PATHS = MappingProxyType({"index.html": "/", "manifest.webmanifest": "/manifest.webmanifest"})
"""Files that live at the root; all others live under /app/."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file in memory; `packed` is its gzip form, None where that saves nothing."""

    data: bytes
    packed: bytes | None
    media_type: str
    etag: str
    modified: str


def find(name: str) -> Asset:
    """The file of this name below the folder. Raises HTTPException 404 for everything that is none."""
    path = ROOT / name
    if NAME.fullmatch(name) is None or path.suffix not in TYPES:
        raise HTTPException(404, "There is no such file.")
    try:
        inside = path.resolve(strict=True)
        stat = inside.stat()
    except OSError:
        raise HTTPException(404, "There is no such file.") from None
    if not inside.is_relative_to(ROOT) or not inside.is_file():
        raise HTTPException(404, "There is no such file.")
    return _read(inside, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, modified_ns: int, size: int) -> Asset:  # noqa: ARG001  # the size tells versions apart, too
    data = path.read_bytes()
    packed = gzip.compress(data, 6, mtime=0) if path.suffix in PACKED else None
    return Asset(
        data=data,
        packed=packed if packed is not None and len(packed) < len(data) else None,
        media_type=TYPES[path.suffix],
        etag=hashlib.sha256(data).hexdigest()[:24],
        modified=formatdate(modified_ns / 1e9, usegmt=True),
    )


@router.head("/")
@router.get("/")
def home(request: Request) -> Response:
    """The terminal for browsers; for a program that asks for JSON, where everything else is."""
    accept = request.headers.get("accept", "")
    if "application/json" in accept and "text/html" not in accept:
        places = {
            "docs": "/docs",
            "openapi": "/openapi.json",
            "tasks": "/v1/tasks",
            "scans": "/v1/scans",
            "ready": "/readyz",
        }
        body = {"name": "Pixel Agent 像素特工", "version": version("pixel-agent"), **places}
        return JSONResponse(body, headers={"Vary": "Accept"})
    return _answer(request, find("index.html"), SHELL, vary="Accept, Accept-Encoding")


@router.head("/app/{name:path}")
@router.get("/app/{name:path}")
def part(request: Request, name: str) -> Response:
    """A style, a script, a picture or the font."""
    return _answer(request, find(name), VENDORED if name.startswith("vendor/") else SHELL)


@router.head("/sw.js")
@router.get("/sw.js")
def service_worker(request: Request) -> Response:
    """At the root, since a service worker governs only what lies below it."""
    return _answer(request, _worker(), SHELL)


@router.head("/manifest.webmanifest")
@router.get("/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """What makes the terminal installable."""
    return _answer(request, find("manifest.webmanifest"), SHELL)


def _worker() -> Asset:
    """The worker, told every file of the shell and a hash of them all: a new shell is a new worker."""
    names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.suffix in TYPES]
    names = sorted(name for name in names if name != "sw.js")
    shell = hashlib.sha256("".join(f"{name} {find(name).etag} " for name in names).encode()).hexdigest()[:16]
    files = [SHELL_PATHS.get(name, f"/app/{name}") for name in names]
    plain = find("sw.js").data
    data = plain.replace(SHELL_LINE, f"const SHELL = {json.dumps({'version': shell, 'files': files})};".encode())
    return Asset(
        data,
        gzip.compress(data, 6, mtime=0),
        TYPES[".js"],
        hashlib.sha256(data).hexdigest()[:24],
        find("sw.js").modified,
    )


def _answer(request: Request, asset: Asset, caching: str, vary: str = "Accept-Encoding") -> Response:
    packed = asset.packed if "gzip" in request.headers.get("accept-encoding", "") else None
    # Each form has a tag of its own, so that no cache takes one for the other.
    etag = f'"{asset.etag}{"-gzip" if packed is not None else ""}"'
    headers = {"ETag": etag, "Cache-Control": caching, "Vary": vary, "Last-Modified": asset.modified}
    if etag in (tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    body = asset.data if packed is None else packed
    if request.method == "HEAD":
        headers["Content-Length"] = str(len(body))
        body = b""
    return Response(body, media_type=asset.media_type, headers=headers)
