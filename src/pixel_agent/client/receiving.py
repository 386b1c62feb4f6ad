"""For receivers of webhooks: verify the signature and parse the event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, JsonValue, ValidationError

from pixel_agent.core.errors import PixelAgentError
from pixel_agent.schemas.signing import is_signed


class WebhookRefused(PixelAgentError):
    """The signature is invalid or too old: ignore the request and answer 400."""

    status = 400
    code = "webhook_refused"
    title = "The webhook is not genuine"


class WebhookEvent(BaseModel):
    """An event. A repeated delivery has the same `id`: process each id only once."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, JsonValue]


def verify_webhook(
    headers: Mapping[str, str], body: bytes, secret: str, tolerance_s: float = 300.0, now_s: float | None = None
) -> WebhookEvent:
    """Verify the signature of a request and return its event.

    `headers`: names in any case; `body`: the bytes exactly as received; `secret`: as shown when the webhook was
    created. A request whose timestamp differs from now by more than `tolerance_s` seconds is rejected, which stops
    replays. Raises WebhookRefused; ValueError if the secret is malformed.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")
    if not (message_id and stamp and signatures):
        raise WebhookRefused("The headers webhook-id, webhook-timestamp and webhook-signature are not all there.")
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 15):
        raise WebhookRefused("webhook-timestamp is not a number of seconds.")
    if not is_signed(secret, message_id, int(stamp), body, signatures):
        raise WebhookRefused("The signature is not that of this secret, or the body was changed.")
    if abs((time.time() if now_s is None else now_s) - int(stamp)) > tolerance_s:
        raise WebhookRefused(
            f"It was sent more than {tolerance_s:g} s ago, or in the future.", "Are the clocks of both machines right?"
        )
    try:
        return _event(message_id, body)
    except ValidationError:
        raise WebhookRefused("The body is not an event.") from None


def _event(message_id: str, body: bytes) -> WebhookEvent:
    class Body(BaseModel):
        type: str
        timestamp: datetime
        data: dict[str, JsonValue]

    body_in = Body.model_validate_json(body)
    return WebhookEvent(id=message_id, type=body_in.type, timestamp=body_in.timestamp, data=body_in.data)
