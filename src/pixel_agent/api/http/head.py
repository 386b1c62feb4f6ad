"""HEAD for every GET route: the same answer without its body."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """ASGI middleware that runs HEAD as GET, and stops the application once the head of its answer is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; for HEAD, send only the head of the answer."""
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
                    asked.cancel()  # the answer can be endless

        asked = asyncio.ensure_future(self._app({**scope, "method": "GET"}, receive, send_head))
        try:
            await asyncio.wait({asked})
        finally:
            asked.cancel()
            await asyncio.wait({asked})
        if not asked.cancelled():
            asked.result()
