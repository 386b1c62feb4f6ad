"""uvicorn's HTTP protocol with a limit on the size of a request's head, which its parser lacks."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Type: application/problem+json\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


def bounded(most: int) -> type[asyncio.Protocol]:
    """The protocol class that closes connections whose request head passes `most` bytes and still goes on."""

    class Bounded(_BoundedHead):
        max_head_bytes = most

    return Bounded


class _BoundedHead(HttpToolsProtocol):
    max_head_bytes: ClassVar[int]

    def __init__(self, config: Config, *args: object, **kwargs: object) -> None:
        super().__init__(config, *args, **kwargs)  # type: ignore[arg-type]  # uvicorn passes them through
        self._head_bytes = 0
        self._in_head = True
        self._moved_on = False

    def data_received(self, data: bytes) -> None:
        """Feed the parser; count what it takes without a head coming to its end."""
        in_head, self._moved_on = self._in_head, False
        super().data_received(data)
        if not in_head or self._moved_on:
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.max_head_bytes and not self.transport.is_closing():
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """The head has ended; what follows is body."""
        self._in_head, self._moved_on, self._head_bytes = False, True, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The next request may begin."""
        super().on_message_complete()
        self._in_head = True
