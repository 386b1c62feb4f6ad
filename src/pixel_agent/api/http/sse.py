"""Server-sent events: progress of running work, which is cancelled when the client disconnects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack

from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from pixel_agent.api.http.uploads import disconnected
from pixel_agent.core.envelope import Problem
from pixel_agent.core.errors import PixelAgentError, ScanCancelled, StoreUnavailable

log = logging.getLogger("pixel_agent.api")

HEARTBEAT_S = 10.0
"""Silence after which a comment is sent, so that proxies do not close the connection as idle."""
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Write = Callable[[str], None]
"""Queues text for the client; call it on the event loop. It does not block."""


def event(name: str, data: str, seq: int | None = None) -> str:
    """One event; `data` must be one line. `seq` is its id: a reconnecting client sends the last as `Last-Event-ID`."""
    number = "" if seq is None else f"id: {seq}\n"
    return f"{number}event: {name}\ndata: {data}\n\n"


def error_event(error: PixelAgentError) -> str:
    """An `error` event with the problem that an ordinary response would contain."""
    return event("error", Problem.of(error).model_dump_json(exclude_none=True))


def comment(text: str) -> str:
    """A comment, which clients of events skip; `text` must be one line."""
    return f": {text}\n\n"


def known(error: BaseException) -> PixelAgentError:
    """The error itself if it is a PixelAgentError; any other is logged, and answered without details."""
    if isinstance(error, PixelAgentError):
        return error
    log.error("unexpected error", exc_info=error)
    if isinstance(error, SQLAlchemyError):
        return StoreUnavailable(
            "The database refused this request; the reason is in the log.", "Try again in a moment."
        )
    return PixelAgentError("An unexpected error happened; it has been logged.", "Try again; if it stays, report it.")


class EventStream(Response):
    """Runs `work` and sends what it writes; a disconnect cancels the work. `held` is closed at the end.

    The response begins with the first event. An error before that is raised, and so answered with its own status; a
    later one is sent in the form that `on_error` gives it. The request's body must have been read.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        work: Callable[[Write], Coroutine[object, object, None]],
        on_error: Callable[[PixelAgentError], str],
        held: AsyncExitStack | None = None,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._work = work
        self._on_error = on_error
        self._held = held or AsyncExitStack()
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # as ASGI has it
        """Run the work and send its events to the end."""
        try:
            async with self._held:
                await self._run(receive, send)
        except ScanCancelled:
            return  # the client has disconnected
        except Exception as error:
            if not self._begun:
                raise
            await self._send(send, self._on_error(known(error)))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _run(self, receive: Receive, send: Send) -> None:
        chunks: asyncio.Queue[str | None] = asyncio.Queue()
        work = asyncio.ensure_future(self._work(chunks.put_nowait))
        work.add_done_callback(lambda _: chunks.put_nowait(None))
        gone = asyncio.ensure_future(disconnected(receive))
        gone.add_done_callback(lambda _: work.cancel())
        try:
            await self._write_all(chunks, send)
            if work.cancelled():
                raise ScanCancelled("The client left before the answer was ready.")
            work.result()
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.wait({work})

    async def _write_all(self, chunks: asyncio.Queue[str | None], send: Send) -> None:
        """Send chunks until the work ends; after `HEARTBEAT_S` of silence, send a comment."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_S):
                    chunk = await chunks.get()
            except TimeoutError:
                chunk = comment("still here")
            if chunk is None:
                return
            await self._send(send, chunk)

    async def _send(self, send: Send, text: str) -> None:
        if not self._begun:
            self._begun = True
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": text.encode(), "more_body": True})
