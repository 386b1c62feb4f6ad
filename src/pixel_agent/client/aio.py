"""The asynchronous client: one method per operation of the service."""

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
    """Client of one server; close it, or use it in `async with`.

    Every method raises a PixelAgentError: the server's errors by their code, `ServerUnreachable`, `BadAnswer`. Requests
    are retried if the server asks for it (`Retry-After`) or the connection fails, and never take effect twice.
    `timeout_s` is the longest silence of the server; `http` is an optional connection pool, which the caller closes.
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
        """Close all connections."""
        await self._transport.close()
