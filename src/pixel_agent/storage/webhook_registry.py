"""Manages webhooks and their deliveries for the API: each method is one transaction; changes wake the dispatcher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pixel_agent.core.errors import InvalidRequest
from pixel_agent.storage import outbox, webhooks
from pixel_agent.storage.database import Database
from pixel_agent.storage.notifier import Notifier
from pixel_agent.storage.outbox import Delivery, State
from pixel_agent.storage.records import now_ms
from pixel_agent.storage.webhooks import Webhook

MAX_WEBHOOKS: Final = 100
"""Maximum number of webhooks: each event is inserted once for every webhook that wants it."""


class WebhookRegistry:
    """Webhooks and their deliveries. Every method raises StoreUnavailable if the database fails."""

    def __init__(self, db: Database, notifier: Notifier) -> None:
        self._db = db
        self._notifier = notifier

    async def create(self, webhook: Webhook) -> None:
        """Add a webhook. Raises InvalidRequest if there are too many."""
        async with self._db.write() as conn:
            if len(await webhooks.list_all(conn)) >= MAX_WEBHOOKS:
                raise InvalidRequest(f"There are {MAX_WEBHOOKS} webhooks already.", "Delete one first.")
            await webhooks.create(conn, webhook)

    async def list_all(self) -> Sequence[Webhook]:
        """All webhooks, the oldest first."""
        async with self._db.read() as conn:
            return await webhooks.list_all(conn)

    async def remove(self, webhook_id: str) -> None:
        """Delete a webhook with its deliveries. Raises NotFound."""
        async with self._db.write() as conn:
            await webhooks.remove(conn, webhook_id)

    async def ping(self, webhook_id: str) -> Delivery:
        """Send an event of the kind `webhook.test` to a webhook. Raises NotFound."""
        async with self._db.write() as conn:
            await webhooks.get(conn, webhook_id)
            delivery = await outbox.ping(conn, webhook_id, now_ms())
        self._notifier.notify(webhook_id)
        return delivery

    async def deliveries(self, state: State | None, before: int | None, limit: int) -> list[Delivery]:
        """Deliveries in a state (None: any) with an id below `before`, the newest first."""
        async with self._db.read() as conn:
            return await outbox.page(conn, state, before, limit)

    async def revive(self, delivery_id: int) -> Delivery:
        """Retry a dead delivery, with its attempts reset. Raises NotFound, Conflict."""
        async with self._db.write() as conn:
            delivery = await outbox.revive(conn, delivery_id, now_ms())
        self._notifier.notify(delivery.webhook_id)
        return delivery
