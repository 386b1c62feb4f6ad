"""The client, asynchronous: one method for each thing that the service does."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from pixel_agent.client.batches import Batches
from pixel_agent.client.history import History
from pixel_agent.client.scanning import Scanning
from pixel_agent.client.transport import Retries, Transport
from pixel_agent.client.webhooks import Webhooks

DEFAULT_URL = "http://127.0.0.1:8000"


class AsyncClient(Scanning, Batches, History, Webhooks):
    """Talks to one server; close it, or use it in `async with`.

    Every method raises a PixelAgentError: those of the server by their code, `ServerUnreachable`, `BadAnswer`. Requests are
    tried again where the server asks for it (`Retry-After`) or the connection fails, and never done twice.
    `timeout_s` is the longest silence of the server; `http` a connection pool of your own, which you close yourself.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        timeout_s: float = 120.0,
        retries: Retries | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._transport = Transport(base_url, timeout_s, retries or Retries(), http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections."""
        await self._transport.close()
