"""Serves the terminal: the page at `/`, its files under `/app/`, the service worker and the manifest at the root."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount, Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

ROOT = Path(__file__).resolve().parents[2] / "web"
"""Folder of the terminal's files in the package."""
SHELL = "no-cache"
"""Revalidated each time, answered with 304 if unchanged: an update takes effect at the next load."""
VENDORED = "public, max-age=86400"
"""For the font and the charts, which change only with a release."""

SHELL_LINE = b'const SHELL = { version: "none", files: [] };'
"""The line of the service worker that is replaced when it is served."""
SHELL_PATHS = MappingProxyType({"index.html": "/", "manifest.webmanifest": "/manifest.webmanifest"})
"""Files served at the root; all others are under /app/."""
PLACES = MappingProxyType(
    {"docs": "/docs", "openapi": "/openapi.json", "tasks": "/v1/tasks", "scans": "/v1/scans", "ready": "/readyz"}
)
"""Entry points of the API, for a program that requests `/`."""

# Types that the machine's own table may lack.
for kind, suffix in (
    ("application/manifest+json", ".webmanifest"),
    ("font/woff2", ".woff2"),
    ("text/javascript", ".js"),
):
    mimetypes.add_type(kind, suffix)


def add_terminal(app: FastAPI) -> None:
    """Add the terminal's routes. Only its own files are compressed; events and exports are sent as they are made."""
    files = TerminalFiles(directory=ROOT)
    app.router.routes.extend(
        [
            Route("/", _packed(_Home(files)), methods=["GET"], include_in_schema=False),
            Route("/sw.js", _packed(_worker), methods=["GET"], include_in_schema=False),
            Route(
                "/manifest.webmanifest",
                _packed(_One(files, "manifest.webmanifest")),
                methods=["GET"],
                include_in_schema=False,
            ),
            Mount("/app", _packed(files)),
        ]
    )


class TerminalFiles(StaticFiles):
    """Starlette's static files with cache rules."""

    def file_response(
        self, full_path: os.PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file, or 304 if the client's copy is current."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        vendored = Path(full_path).is_relative_to(ROOT / "vendor")
        response.headers["Cache-Control"] = VENDORED if vendored else SHELL
        # Weak, since the tag is the same for the plain and the compressed file (RFC 9110, 8.8.1).
        response.headers["ETag"] = f"W/{response.headers['etag']}"
        return response


class _One:
    """ASGI application for one file at its own path."""

    def __init__(self, files: TerminalFiles, name: str) -> None:
        self._files = files
        self._name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._files.get_response(self._name, scope)
        await response(scope, receive, send)


class _Home:
    """The page for browsers; for a program that asks for JSON, the entry points of the API."""

    def __init__(self, files: TerminalFiles) -> None:
        self._files = files

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accept = Headers(scope=scope).get("accept", "")
        response = await self._files.get_response("index.html", scope)
        if "application/json" in accept and "text/html" not in accept:
            response = JSONResponse({"name": "Pixel Agent 像素特工", "version": version("pixel-agent"), **PLACES})
        response.headers.add_vary_header("Accept")
        await response(scope, receive, send)


async def _worker(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the service worker; at the root, since its scope is the path it is served from."""
    data = await run_in_threadpool(_filled_in)
    tag = f'W/"{hashlib.sha256(data).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": SHELL}
    response = Response(data, media_type="text/javascript", headers=headers)
    asked = Headers(scope=scope).get("if-none-match", "")
    if tag.removeprefix("W/") in (one.strip().removeprefix("W/") for one in asked.split(",")):
        response = NotModifiedResponse(response.headers)
    await response(scope, receive, send)


def _filled_in() -> bytes:
    """The worker with the names of all shell files and a hash over them: a changed shell makes a new worker."""
    files = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*") if _is_shell(path)}
    names = sorted(files)
    said = "".join(f"{name} {_digest(files[name], files[name].stat().st_mtime_ns)} " for name in names)
    shell = {
        "version": hashlib.sha256(said.encode()).hexdigest()[:16],
        "files": [SHELL_PATHS.get(name, f"/app/{name}") for name in names],
    }
    return (ROOT / "sw.js").read_bytes().replace(SHELL_LINE, f"const SHELL = {json.dumps(shell)};".encode())


def _is_shell(path: Path) -> bool:
    """Whether the page uses the file: licences and the worker itself are not part of the shell."""
    return path.is_file() and path.suffix != "" and path.name != "sw.js"


@lru_cache(maxsize=256)
def _digest(path: Path, modified_ns: int) -> str:  # noqa: ARG001  # read again once it has changed
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _packed(app: ASGIApp) -> ASGIApp:
    return GZipMiddleware(app, compresslevel=6)
