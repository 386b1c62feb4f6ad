"""uvicorn's HTTP protocol plus limits: request heads (bytes, time), connections, pipelining, rejected bodies."""

from __future__ import annotations

import asyncio
import resource
from collections import Counter
from collections.abc import Callable, Sequence
from typing import ClassVar, Final
from urllib.parse import quote_from_bytes

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pixel_agent.api.http.proxies import Network, networks, within
from pixel_agent.core.settings import ServerSettings

TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Type: application/problem+json\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
PIPELINED: Final = 32
"""Maximum number of pipelined requests that wait on one connection."""
REFUSED_BYTES: Final = 32 * 2**20
"""Bytes of a body that are still read after its request was answered: the client sees the answer, not a reset."""
LINGER_S: Final = 2.0
"""Time such a client has to read the answer after that."""
STALL_S: Final = 60.0
"""A client that reads nothing of its answer for this long is disconnected: it would occupy an export slot for ever."""
MAX_FILES: Final = 65_536
PRINTABLE: Final = bytes(range(32, 127)).decode()
FRAMING: Final = (b"content-length", b"transfer-encoding")


def limited(settings: ServerSettings) -> type[asyncio.Protocol]:
    """Create a protocol class with these limits; connections are counted across all its instances."""

    class Limited(_Connection):
        limits = settings
        proxies = networks(settings.trusted_proxies)
        open: ClassVar[Counter[str]] = Counter()

    return Limited


def raise_open_files() -> None:
    """Raise this process's limit of open files, and so of connections, up to the hard limit or `MAX_FILES`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Flow(FlowControl):
    """Reads from the client only while it reads its answers and no request is queued on the connection."""

    def __init__(self, transport: asyncio.Transport, may_read: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._may_read = may_read
        self._stall_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self.pause_reading()
        self._watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self.write_paused and self._may_read():
            super().resume_reading()

    def _watch(self) -> None:
        left = self._transport.get_write_buffer_size()
        self._stall_timer = asyncio.get_running_loop().call_later(STALL_S, self._leave_if_stalled, left)

    def _leave_if_stalled(self, before: int) -> None:
        if self._transport.get_write_buffer_size() >= before:
            self._transport.abort()
        else:
            self._watch()


class _Connection(HttpToolsProtocol):
    limits: ClassVar[ServerSettings]
    proxies: ClassVar[Sequence[Network]]
    open: ClassVar[Counter[str]]

    def __init__(self, config: Config, *args: object, **kwargs: object) -> None:
        super().__init__(config, *args, **kwargs)  # type: ignore[arg-type]  # uvicorn passes them through
        self._address = ""
        self._head_bytes = 0
        self._in_head = True
        self._moved_on = False
        self._skipping_head = False
        self._refused_bytes = 0
        self._lingering = False
        self._head_timer: asyncio.TimerHandle | None = None

    # Connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection; answer 503 and close it if there are too many."""
        super().connection_made(transport)
        self.flow = _Flow(transport, lambda: not self.pipeline and not self._lingering)
        self._address = self.client[0] if self.client else ""
        self.open[self._address] += 1
        if self._is_too_many():
            transport.write(TOO_MANY)
            transport.close()
        else:
            self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop counting the connection, and drop its queued requests."""
        super().connection_lost(exc)
        self._stop_head_timer()
        self.open[self._address] -= 1
        if not self.open[self._address]:
            del self.open[self._address]
        self.pipeline.clear()

    def _is_too_many(self) -> bool:
        if len(self.connections) > self.limits.max_connections:
            return True
        own = self.open[self._address] > self.limits.max_client_connections
        return own and not within(self._address, self.proxies)

    # Heads

    def data_received(self, data: bytes) -> None:
        """Feed the parser; answer 431 if a head exceeds `max_header_bytes`."""
        in_head, self._moved_on = self._in_head, False
        if in_head and not self._head_bytes:
            data = _with_ascii_path(data)
        if in_head and self._head_timer is None and self._is_idle():
            self._time_head()
        self._feed(data)
        if not in_head or self._moved_on or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.limits.max_header_bytes:
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _time_head(self) -> None:
        self._head_timer = self.loop.call_later(self.limits.head_timeout_s, self._on_slow_head)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_slow_head(self) -> None:
        self._head_timer = None
        if self._is_idle() and not self.transport.is_closing():
            if self._head_bytes:
                self.transport.write(TOO_SLOW)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Handle the end of a head: stop its timer; abort the connection if too many requests are pipelined."""
        if self._skipping_head:
            return
        self._in_head, self._moved_on, self._head_bytes = False, True, 0
        self._refused_bytes = 0
        self._stop_head_timer()
        super().on_headers_complete()
        if len(self.pipeline) > PIPELINED:
            self.transport.abort()
            raise ValueError("too many requests wait on this connection")  # stops the parser in the middle of its bytes

    # Bodies

    def on_body(self, body: bytes) -> None:
        """Pass body bytes on; drop them if the request was already answered, and stop reading after `REFUSED_BYTES`."""
        super().on_body(body)
        if self.cycle.response_complete:
            self._refused_bytes += len(body)
            if self._refused_bytes > REFUSED_BYTES:
                self._linger()

    def on_message_complete(self) -> None:
        """Handle the end of a request; the connection accepts the next one."""
        if self.parser.should_upgrade() and not self._skipping_head:
            return  # the parser takes the body of an upgrade for another protocol's
        super().on_message_complete()
        self._in_head = True

    def _linger(self) -> None:
        """Stop reading, and leave the client `LINGER_S` to read its answer."""
        if not self._lingering and not self.transport.is_closing():
            self._lingering = True
            self.flow.pause_reading()
            self.transport.write_eof()
            self.loop.call_later(LINGER_S, self.transport.abort)

    # Upgrades

    def on_message_begin(self) -> None:
        """Start a request, unless the head is synthetic (see `_read_on`)."""
        if not self._skipping_head:
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Collect a piece of the URL, unless the head is synthetic (see `_read_on`)."""
        if not self._skipping_head:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header, unless the head is synthetic (see `_read_on`)."""
        if not self._skipping_head:
            super().on_header(name, value)

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_on(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self.send_400_response("Invalid HTTP request received.")

    def _read_on(self, rest: bytes) -> None:
        """Ignore a request to upgrade (RFC 9110, 7.8): the old parser stops at the body, a new one parses the rest."""
        framing = b"".join(name + b": " + value + b"\r\n" for name, value in self.headers if name in FRAMING)
        self.parser = httptools.HttpRequestParser(self)
        self._skipping_head = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        self._skipping_head = False
        if rest:
            self._feed(rest)


def _with_ascii_path(data: bytes) -> bytes:
    """Percent-encode non-ASCII bytes in the first line of a request; curl and scripts often send them raw."""
    line, end, rest = data.partition(b"\r\n")
    return data if line.isascii() else quote_from_bytes(line, safe=PRINTABLE).encode() + end + rest
