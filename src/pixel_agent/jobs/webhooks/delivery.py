"""Sends one delivery over HTTP for the dispatcher: checked address, signed, bounded in time and bytes, no redirects."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from pixel_agent.core.backoff import retry_after_s
from pixel_agent.core.errors import Conflict, InvalidRequest
from pixel_agent.core.settings import WebhookSettings
from pixel_agent.jobs.webhooks.addresses import Target, resolve
from pixel_agent.schemas.signing import sign
from pixel_agent.storage.outbox import DeliveryClaim
from pixel_agent.storage.webhooks import Webhook

MAX_URL = 2000
"""Longest URL of a receiver, in characters."""
ANSWER_BYTES = 16 * 1024
"""Maximum bytes read from a response; only its status counts."""
KEEP_ALIVE_S = 2.0
"""How long an idle connection stays open; short, because receivers close theirs without notice."""
BUSY = frozenset({408, 425, 429})
"""Statuses below 500 that mean the receiver is busy, not that it rejects the event."""
MAX_RETRY_AFTER_S = 3600.0
AGENT = "Pixel-Agent-Webhooks"


@dataclass(frozen=True, slots=True)
class CallResult:
    """Result of a call; `error` is None on success. `down`: the receiver seems down; the next call will likely fail."""

    error: str | None = None
    down: bool = False
    retry_after_s: float = 0.0


class NotAllowed(Exception):  # as the other errors here
    """The URL is not allowed; the message says why."""


async def check_receiver(url: str, settings: WebhookSettings) -> None:
    """Check the URL of a new webhook. Raises Conflict if webhooks are off, InvalidRequest if the URL is not allowed."""
    if not settings.hosts.strip():
        raise Conflict(
            "Webhooks are off on this server.",
            "The operator allows hosts by the setting webhooks.hosts (PIXEL_AGENT_WEBHOOKS__HOSTS).",
        )
    try:
        async with asyncio.timeout(settings.timeout_s):
            await _allowed(url, settings)
    except NotAllowed as error:
        raise InvalidRequest(f"url: {error}", "See docs/api.md, Webhooks, for what is accepted.") from None
    except (OSError, UnicodeError):
        raise InvalidRequest("url: its host has no address.", "Check the name.") from None


class Caller:
    """Calls receivers. One connection pool per receiver, so that no receiver gets a request for another one."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def call(self, webhook: Webhook, claim: DeliveryClaim, now_ms: int) -> CallResult:
        """Deliver one event; errors of the receiver are returned, never raised."""
        body = body_of(claim)
        headers = signed_headers(webhook, claim, body, now_ms)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                target = await _allowed(webhook.url, self._settings)
                return await self._post(webhook.webhook_id, target, headers, body)
        except NotAllowed as error:
            return CallResult(f"Not allowed: {error}", down=True)
        except TimeoutError:
            return CallResult(f"No answer within {self._settings.timeout_s:g} s.", down=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return CallResult(f"No answer: {type(error).__name__}.", down=True)

    async def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def _post(self, name: str, target: Target, headers: dict[str, str], body: bytes) -> CallResult:
        client = self._clients.get(name)
        if client is None:
            limits = httpx.Limits(keepalive_expiry=KEEP_ALIVE_S)
            # No proxy from the environment: it would resolve the name itself and bypass the address check.
            client = httpx.AsyncClient(
                verify=self._tls,
                trust_env=False,
                follow_redirects=False,
                limits=limits,
                timeout=self._settings.timeout_s,
            )
            self._clients[name] = client
        *others, last = target.addresses
        for address in others:
            try:
                return await _answered(client, target.request(client, "POST", address, headers, body))
            except httpx.ConnectError:
                continue  # nothing was sent; the host has another address
        return await _answered(client, target.request(client, "POST", last, headers, body))


def body_of(claim: DeliveryClaim) -> bytes:
    """The body of a delivery; the same at every attempt."""
    at = datetime.fromtimestamp(claim.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {"type": claim.kind, "timestamp": at, "data": json.loads(claim.data)}
    return json.dumps(body, ensure_ascii=False).encode()


def signed_headers(webhook: Webhook, claim: DeliveryClaim, body: bytes, now_ms: int) -> dict[str, str]:
    """The headers of Standard Webhooks. The id is the same at every attempt, so receivers can detect duplicates."""
    message_id, timestamp_s = f"msg_{webhook.webhook_id}_{claim.event_seq}", now_ms // 1000
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Accept-Encoding": "identity",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": sign(webhook.secret, message_id, timestamp_s, body),
    }


async def _allowed(text: str, settings: WebhookSettings) -> Target:
    """Check a URL and resolve its host. Raises NotAllowed, OSError, UnicodeError."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        raise NotAllowed("this is not a URL.") from None
    if url.scheme not in ("https", "http") or not url.host or len(text) > MAX_URL:
        raise NotAllowed("it must begin with https:// and a host.")
    if url.userinfo or url.fragment:
        raise NotAllowed("it must hold neither a user nor a fragment.")
    if not host_allowed(url.raw_host.decode("ascii"), settings.hosts):
        raise NotAllowed(f"the host {url.host} is not among those that the operator allows (webhooks.hosts).")
    if url.scheme == "http" and not settings.allow_private:
        raise NotAllowed("it must begin with https://.")
    target = await resolve(url)
    if not settings.allow_private and not target.public:
        raise NotAllowed("its host has an address that is not public.")
    if url.scheme == "http" and not target.private:
        raise NotAllowed("plain http is for private addresses only; use https://.")
    return target


def host_allowed(host: str, allowed: str) -> bool:
    """Whether a host is in the operator's comma-separated list: exactly, or as a subdomain of `*.example.com`."""
    patterns = [pattern.strip().lower().rstrip(".") for pattern in allowed.split(",")]
    name = host.lower().rstrip(".").strip("[]")
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern.strip("[]")
        for pattern in patterns
        if pattern
    )


async def _answered(client: httpx.AsyncClient, request: httpx.Request) -> CallResult:
    response = await client.send(request, stream=True)
    try:
        read = 0
        async for piece in response.aiter_raw():
            read += len(piece)
            if read > ANSWER_BYTES:
                break
    except httpx.HTTPError:
        pass  # the status is known already
    finally:
        await response.aclose()
    status = response.status_code
    if response.is_success:
        return CallResult()
    down = status >= 500 or status in BUSY
    pause_s = retry_after_s(response.headers.get("retry-after"), MAX_RETRY_AFTER_S) if down else None
    return CallResult(f"The receiver answered {status}.", down, pause_s or 0.0)
