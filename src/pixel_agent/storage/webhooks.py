"""Stores registered webhooks: URLs, wanted events and secrets. Every function runs in the given transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import NotFound
from pixel_agent.storage.tables import webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """One receiver. `kinds` are the events that it wants, all if empty; `secret` signs what is sent to it."""

    webhook_id: str
    url: str
    kinds: tuple[str, ...]
    secret: str
    created_ms: int


async def create(conn: AsyncConnection, webhook: Webhook) -> None:
    """Insert a webhook."""
    row = {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "kinds": json.dumps(webhook.kinds),
        "secret": webhook.secret,
        "created_at": webhook.created_ms,
    }
    await conn.execute(insert(webhooks), row)


async def get(conn: AsyncConnection, webhook_id: str) -> Webhook:
    """One webhook. Raises NotFound."""
    found = await _matching(conn, webhook_id)
    if not found:
        raise NotFound(f"There is no webhook {webhook_id[:40]}.", "GET /v1/webhooks lists them.")
    return found[0]


async def list_all(conn: AsyncConnection) -> Sequence[Webhook]:
    """All webhooks, the oldest first."""
    return await _matching(conn, None)


async def remove(conn: AsyncConnection, webhook_id: str) -> None:
    """Delete a webhook with its deliveries. Raises NotFound."""
    done = await conn.execute(delete(webhooks).where(webhooks.c.webhook_id == webhook_id))
    if not done.rowcount:
        raise NotFound(f"There is no webhook {webhook_id[:40]}.", "GET /v1/webhooks lists them.")


async def _matching(conn: AsyncConnection, webhook_id: str | None) -> list[Webhook]:
    query = select(webhooks).order_by(webhooks.c.created_at, webhooks.c.webhook_id)
    if webhook_id is not None:
        query = query.where(webhooks.c.webhook_id == webhook_id)
    return [
        Webhook(row.webhook_id, row.url, tuple(json.loads(row.kinds)), row.secret, row.created_at)
        for row in await conn.execute(query)
    ]
