"""Wire types of webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """A webhook to register."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Events are posted here; the operator must allow its host.")
    kinds: list[Kind] = Field([], fail_fast=True, description="Kinds of events to send; empty: all.")
    secret: str | None = Field(None, description="`whsec_` and 24 to 64 bytes in base64; made if not given.")


class WebhookOut(BaseModel):
    """A webhook, without its secret."""

    webhook_id: str
    url: str
    kinds: list[str] = Field(description="Empty: all.")
    created_at: datetime


class NewWebhookOut(WebhookOut):
    """A new webhook with its secret, which is shown only once."""

    secret: str


class WebhookList(BaseModel):
    """All webhooks, the oldest first."""

    webhooks: list[WebhookOut]


class DeliveryOut(BaseModel):
    """One event to be delivered to one webhook."""

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


class DeliveryPage(BaseModel):
    """A page of deliveries, newest first."""

    deliveries: list[DeliveryOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")
