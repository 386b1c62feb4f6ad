"""Routes of webhooks: register receivers, and list or retry their deliveries."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pixel_agent.api.http.ids import WebhookId
from pixel_agent.api.http.json_body import parse_model
from pixel_agent.api.http.problems import json_body, problems
from pixel_agent.api.http.uploads import read_body
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.jobs.webhooks.delivery import check_receiver
from pixel_agent.schemas.signing import key_of, new_secret
from pixel_agent.schemas.webhooks import DeliveryOut, DeliveryPage, NewWebhookOut, WebhookIn, WebhookList
from pixel_agent.service.service import ScanService
from pixel_agent.storage.outbox import State
from pixel_agent.storage.records import now_ms
from pixel_agent.storage.views import delivery_out, webhook_out
from pixel_agent.storage.webhooks import Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses=problems(400, 404, 409, 503))


@router.post("", status_code=201, summary="Send events to an address", openapi_extra=json_body(WebhookIn))
async def create_webhook(request: Request) -> NewWebhookOut:
    """The response contains the secret that signs all deliveries; it is not shown again."""
    service: ScanService = request.app.state.service
    wanted = await parse_model(
        WebhookIn, await read_body(request, service.settings, most=0), "See /docs for the JSON body of a webhook."
    )
    await check_receiver(wanted.url, service.settings.webhooks)
    secret = _checked(wanted.secret) if wanted.secret is not None else new_secret()
    webhook = Webhook(uuid.uuid4().hex, wanted.url, tuple(dict.fromkeys(wanted.kinds)), secret, now_ms())
    await service.storage.webhooks.create(webhook)
    return NewWebhookOut(**webhook_out(webhook).model_dump(), secret=secret)


@router.get("", summary="All webhooks")
async def list_webhooks(request: Request) -> WebhookList:
    """Webhooks, oldest first, without their secrets."""
    service: ScanService = request.app.state.service
    return WebhookList(webhooks=[webhook_out(webhook) for webhook in await service.storage.webhooks.list_all()])


@router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook", response_class=Response)
async def delete_webhook(request: Request, webhook_id: WebhookId) -> Response:
    """Delete a webhook; its pending deliveries are dropped."""
    service: ScanService = request.app.state.service
    await service.storage.webhooks.remove(webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/test", status_code=202, summary="Send it an event of the kind `webhook.test`")
async def test_webhook(request: Request, webhook_id: WebhookId) -> DeliveryOut:
    """The test event is signed and retried like any other; the list of deliveries shows its result."""
    service: ScanService = request.app.state.service
    delivery = await service.storage.webhooks.ping(webhook_id)
    return delivery_out(delivery)


@router.get("/deliveries", summary="Deliveries: pending, delivered and dead")
async def list_deliveries(
    request: Request,
    state: Annotated[State | None, Query(description="Only these; `dead` are the dead letters.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next` of the page before.", max_length=20)] = None,
) -> DeliveryPage:
    """Deliveries, newest first."""
    service: ScanService = request.app.state.service
    found = await service.storage.webhooks.deliveries(state, _before(cursor), limit + 1)
    more = str(found[limit - 1].delivery_id) if len(found) > limit else None
    return DeliveryPage(deliveries=[delivery_out(delivery) for delivery in found[:limit]], next=more)


@router.post("/deliveries/{delivery_id}/retry", summary="Try a dead letter again")
async def retry_delivery(request: Request, delivery_id: int) -> DeliveryOut:
    """Reset its number of attempts and send it again. Later events of the same scan can already be delivered."""
    service: ScanService = request.app.state.service
    if not 0 < delivery_id < 2**63:
        raise InvalidRequest("This is not the number of a delivery.", "GET /v1/webhooks/deliveries lists them.")
    delivery = await service.storage.webhooks.revive(delivery_id)
    return delivery_out(delivery)


def _checked(secret: str) -> str:
    try:
        key_of(secret)
    except ValueError as error:
        raise InvalidRequest(f"secret: {error}", "Leave it out, and one is made.") from None
    return secret


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdecimal() or int(cursor) >= 2**63:
        raise InvalidRequest("This cursor is not valid.", "Send `next` of the page before, unchanged.")
    return int(cursor)
