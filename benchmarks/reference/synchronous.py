"""A synchronous model of a page: one thread, one request at a time, decoding and the model call in the handler.

It is not Streamlit: no session, no widgets, no websocket; so it is faster than a real page.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from .device import Device
from .photos import decode_full, file_of


class _Server(HTTPServer):
    request_queue_size = 1024
    device: Device


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer({"status": "alive"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        (text,) = self.server.device.run([decode_full(file_of(body))])
        self._answer({"status": "success", "result": text})

    def log_message(self, format: str, *args: object) -> None:
        """Write no log."""

    def _answer(self, content: dict[str, str]) -> None:
        data = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    server = _Server(("127.0.0.1", int(sys.argv[1])), _Handler)
    server.device = Device()
    server.serve_forever()
