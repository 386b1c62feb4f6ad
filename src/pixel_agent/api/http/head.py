"""HEAD wherever there is GET: the same answer without its body."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware that asks the application with GET, and ends once the head of the answer is known."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; of the answer to HEAD only the head."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def send_head(message: Message) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not ended:
                ended = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                if message.get("more_body", False):
                    asked.cancel()  # the answer may have no end

        asked = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, send_head))
        try:
            await asyncio.wait({asked})
        finally:
            asked.cancel()
            await asyncio.wait({asked})
        if not asked.cancelled():
            asked.result()
