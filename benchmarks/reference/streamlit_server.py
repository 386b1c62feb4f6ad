# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found"
"""A real Streamlit page, driven over its own protocol as a browser does.

This process acts as the browsers: it accepts `POST /scan`, and for each request in progress it opens one session of the
page (websocket), uploads the photo to it (HTTP), lets the script run, and waits for the text on the page.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

HOST = "127.0.0.1"
MARK = "simulated device: "


class Session:
    """One browser tab: one session of the page."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._session_id = ""
        self._uploader = ""

    async def open(self) -> None:
        """Load the page and wait until it has run once."""
        self._socket = await websockets.connect(
            f"ws://{HOST}:{self._port}/_stcore/stream",
            max_size=None,
            subprotocols=[websockets.Subprotocol("streamlit")],
        )
        await self._rerun(BackMsg())
        await self._finished()

    async def scan(self, data: bytes) -> str:
        """Upload a photo into the page's uploader and wait for the page's text."""
        file_id = str(uuid.uuid4())
        await self._upload(file_id, data)
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add()
        state.id = self._uploader
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = file_id, "shelf.jpg", len(data)
        info.file_urls.file_id = file_id
        info.file_urls.upload_url = info.file_urls.delete_url = self._path(file_id)
        await self._rerun(message)
        return await self._finished()

    def _path(self, file_id: str) -> str:
        return f"/_stcore/upload_file/{self._session_id}/{file_id}"

    async def _rerun(self, message: BackMsg) -> None:
        message.rerun_script.query_string = ""
        await self._socket.send(message.SerializeToString())

    async def _finished(self) -> str:
        shown = ""
        while True:
            message = ForwardMsg()
            message.ParseFromString(bytes(await self._socket.recv(decode=False)))
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self._session_id = message.new_session.initialize.session_id
            elif kind == "delta":
                element = message.delta.new_element
                if element.HasField("file_uploader"):
                    self._uploader = element.file_uploader.id
                if MARK in element.code.code_text:
                    shown = element.code.code_text
            elif kind == "script_finished":
                return shown

    async def _upload(self, file_id: str, data: bytes) -> None:
        boundary = "streamlit-upload"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="shelf.jpg"\r\n'
        body = f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + data + f"\r\n--{boundary}--\r\n".encode()
        reader, writer = await asyncio.open_connection(HOST, self._port)
        writer.write(
            f"PUT {self._path(file_id)} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n".encode()
        )
        writer.write(body)
        answer = await reader.read()
        writer.close()
        if b" 204 " not in answer.split(b"\r\n", 1)[0]:
            raise RuntimeError(answer[:300].decode("utf-8", "replace"))


class Browsers:
    """A pool of open tabs, one for each scan in progress."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[Session] = []

    async def scan(self, data: bytes) -> str:
        """Scan one photo in its own tab."""
        if self._free:
            session = self._free.pop()
        else:
            session = Session(self._port)
            await session.open()
        text = await session.scan(data)
        self._free.append(session)
        return text


def start_page(port: int) -> subprocess.Popen[bytes]:
    """Start the page with Streamlit's own command."""
    options = {
        "server.port": port,
        "server.address": HOST,
        "server.headless": "true",
        "global.developmentMode": "false",
    }
    options |= {
        "browser.gatherUsageStats": "false",
        "server.fileWatcherType": "none",
        "server.enableXsrfProtection": "false",
    }
    page = str(Path(__file__).with_name("streamlit_page.py"))
    flags = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.Popen([sys.executable, "-m", "streamlit", "run", page, *flags], env=dict(os.environ))


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Start and stop the page with this application."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    page = start_page(port)
    app.state.browsers = Browsers(port)
    yield
    page.terminate()


async def scan(request: Request) -> Response:
    """Answer one photo with the page's text for it."""
    async with request.form() as form:
        upload = form["file"]
        if not isinstance(upload, UploadFile):
            return JSONResponse({"status": "error"}, 400)
        browsers: Browsers = request.app.state.browsers
        try:
            text = await browsers.scan(await upload.read())
        except OSError as error:
            return JSONResponse({"status": "error", "message": str(error)}, 502)
    return Response(json.dumps({"status": "success", "result": text}), media_type="application/json")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/scan", scan, methods=["POST"])], lifespan=lifespan)
    uvicorn.run(app, host=HOST, port=int(sys.argv[1]), log_level="warning")
