"""Webhooks and deliveries as they go over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from pixel_agent.storage.records import moment

if TYPE_CHECKING:  # clients import this module, and have no use for a database
    from pixel_agent.storage.outbox import Delivery
    from pixel_agent.storage.webhooks import Webhook

Kind = Literal[
    "scan.completed",
    "scan.failed",
    "scan.cancelled",
    "scan.alert",
    "scan.reviewed",
    "batch.completed",
    "batch.cancelled",
]


class WebhookIn(BaseModel):
    """What a new webhook is to be."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Where events are posted to; its host must be one that the operator allows.")
    kinds: list[Kind] = Field([], description="Events that it wants; none named: all.")
    secret: str | None = Field(None, description="`whsec_` and 24 to 64 bytes in base64; made if not given.")


class WebhookOut(BaseModel):
    """A webhook, without its secret."""

    webhook_id: str
    url: str
    kinds: list[str] = Field(description="Empty: all.")
    created_at: datetime

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookOut:
        """From the store's noun."""
        at = moment(webhook.created_ms)
        return cls(webhook_id=webhook.webhook_id, url=webhook.url, kinds=list(webhook.kinds), created_at=at)


class NewWebhookOut(WebhookOut):
    """A webhook that was just made: the one time that its secret is shown."""

    secret: str


class WebhookList(BaseModel):
    """All webhooks, the oldest first."""

    webhooks: list[WebhookOut]


class DeliveryOut(BaseModel):
    """One event on its way to one webhook."""

    delivery_id: int
    webhook_id: str
    event: int = Field(description="The number of the event; it ends the `webhook-id` that the receiver sees.")
    kind: str
    subject: str = Field(description="The scan or batch that the event is about.")
    state: str = Field(description="`pending`, `delivered` or `dead`.")
    attempts: int
    next_at: datetime | None = Field(description="Not tried again before; null unless pending.")
    delivered_at: datetime | None
    last_error: str

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryOut:
        """From the store's noun."""
        return cls(
            delivery_id=delivery.delivery_id,
            webhook_id=delivery.webhook_id,
            event=delivery.event_seq,
            kind=delivery.kind,
            subject=delivery.subject,
            state=delivery.state,
            attempts=delivery.attempts,
            next_at=moment(delivery.next_ms) if delivery.state == "pending" else None,
            delivered_at=None if delivery.delivered_ms is None else moment(delivery.delivered_ms),
            last_error=delivery.last_error,
        )


class DeliveryPage(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[DeliveryOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")
