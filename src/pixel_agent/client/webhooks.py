"""Webhooks in the client: register receivers, and list or retry their deliveries."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Literal

from pydantic import JsonValue

from pixel_agent.client.options import params_of
from pixel_agent.client.transport import Call, Transport, quoted
from pixel_agent.schemas.webhooks import DeliveryOut, DeliveryPage, Kind, NewWebhookOut, WebhookList, WebhookOut

PAGE = 200
"""Deliveries per page."""


class Webhooks:
    """The methods of the client for webhooks."""

    _transport: Transport

    async def create_webhook(self, url: str, kinds: Sequence[Kind] = (), secret: str | None = None) -> NewWebhookOut:
        """Register a URL for events, of all kinds if `kinds` is empty. Store the secret: it is shown only once."""
        asked: dict[str, JsonValue] = {"url": url, "kinds": list(kinds)}
        if secret is not None:
            asked["secret"] = secret
        return await self._transport.json(Call("POST", "/v1/webhooks", json=asked), NewWebhookOut)

    async def webhooks(self) -> list[WebhookOut]:
        """All webhooks, oldest first."""
        return (await self._transport.json(Call("GET", "/v1/webhooks"), WebhookList)).webhooks

    async def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook."""
        await self._transport.send(Call("DELETE", f"/v1/webhooks/{quoted(webhook_id)}"))

    async def test_webhook(self, webhook_id: str) -> DeliveryOut:
        """Send a test event of the kind `webhook.test`; `deliveries` shows the result."""
        call = Call("POST", f"/v1/webhooks/{quoted(webhook_id)}/test")
        return await self._transport.json(call, DeliveryOut)

    async def deliveries(
        self, state: Literal["pending", "delivered", "dead"] | None = None
    ) -> AsyncGenerator[DeliveryOut, None]:
        """Deliveries, newest first: delivered, pending and dead. Pages are fetched as needed."""
        cursor: str | None = None
        while True:
            params = params_of({"state": state, "limit": PAGE, "cursor": cursor})
            page = await self._transport.json(Call("GET", "/v1/webhooks/deliveries", params), DeliveryPage)
            for delivery in page.deliveries:
                yield delivery
            if (cursor := page.next) is None:
                return

    async def retry_delivery(self, delivery_id: int) -> DeliveryOut:
        """Retry a dead letter."""
        call = Call("POST", f"/v1/webhooks/deliveries/{delivery_id}/retry")
        return await self._transport.json(call, DeliveryOut)
