"""HTTP requests with retries: only if a repeat is safe, after the server's Retry-After, a bounded number of times."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from pixel_agent.client.failures import BadAnswer, ServerUnreachable, error_of
from pixel_agent.client.photos import Part
from pixel_agent.core.backoff import Backoff, retry_after_s
from pixel_agent.core.errors import PixelAgentError

T = TypeVar("T")
Params = Sequence[tuple[str, str]]
CONNECT_S = 10.0
"""Timeout for establishing a connection."""
SPREAD = 0.5
"""Relative random variation of the pauses, so that clients do not return at the same moment."""
MAX_RETRY_AFTER_S = 86_400.0
AGAIN = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses worth a retry; 502 and 504 only if a proxy sent them."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Limits and pauses of retries. `chance` returns a random number (0-1), which varies the pauses between clients."""

    attempts: int = 6
    first_s: float = 0.25
    most_s: float = 30.0
    chance: Callable[[], float] = random.random

    def pause_s(self, attempt: int, retry_after_s: float | None) -> float:
        """Pause after failed attempt number `attempt` (from 1): doubles, varies, never shorter than Retry-After."""
        if retry_after_s is None:
            return Backoff(self.first_s, self.most_s, SPREAD).pause_s(attempt, self.chance())
        # Clients with the same Retry-After must not return at the same moment.
        return retry_after_s + self.first_s * self.chance()


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    `key`: its Idempotency-Key; a POST without one is sent only once. `silence_s`: longest pause in its answer.
    """

    method: str
    path: str
    params: Params = ()
    form: Mapping[str, str] = field(default_factory=dict)
    photos: Sequence[Part] = ()
    photo_field: str = "photos"
    json: Mapping[str, JsonValue] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    silence_s: float | None = None

    @property
    def repeatable(self) -> bool:
        """Whether it is safe to send the request twice."""
        return self.method != "POST" or self.key is not None


def new_key() -> str:
    """A new Idempotency-Key."""
    return uuid.uuid4().hex


def quoted(part: str) -> str:
    """A percent-encoded path segment."""
    return quote(part, safe="")


class Transport:
    """Sends requests to one server, with retries."""

    def __init__(
        self, base_url: str, timeout_s: float, retries: Retries, http: httpx.AsyncClient | None = None
    ) -> None:
        self._retries = retries
        self._own = http is None
        self._http = http or httpx.AsyncClient(
            timeout=httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
            limits=httpx.Limits(max_connections=100),
        )
        self._base = base_url.rstrip("/")

    async def close(self) -> None:
        """Close the connections, unless the caller provided the pool."""
        if self._own:
            await self._http.aclose()

    async def json(self, call: Call, kind: type[T]) -> T:
        """The JSON answer, validated as this type. Raises a PixelAgentError."""
        response = await self.send(call)
        try:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                return kind.model_validate_json(response.content)
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            raise BadAnswer(
                f"The answer to {call.method} {call.path} is not a {getattr(kind, '__name__', kind)}.",
                f"Is {self._base} a Pixel Agent server of this version? {error.errors()[0]['msg']}",
            ) from None

    async def send(self, call: Call) -> httpx.Response:
        """The whole answer to a successful request. Raises a PixelAgentError."""
        async with self.open(call) as response:
            await response.aread()
            return response

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncIterator[httpx.Response]:
        """The answer to a successful request, to be read in chunks. Raises a PixelAgentError."""
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._http.send(self._request(call), stream=True)
            except httpx.HTTPError as error:
                failed: PixelAgentError = self._unreachable(error)
                again = call.repeatable or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            except httpx.InvalidURL:
                raise ServerUnreachable(f"{self._base} is not a URL.") from None
            else:
                if response.is_success:
                    break
                failed, again = await self._failure(call, response)
            if not again:
                raise failed
            await self.pause(attempt, failed)
        try:
            yield response
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None
        finally:
            await response.aclose()

    async def pause(self, attempt: int, failed: PixelAgentError) -> None:
        """Wait after failed attempt number `attempt` (from 1); raise `failed` if it was the last."""
        if attempt >= self._retries.attempts:
            raise failed
        await asyncio.sleep(self._retries.pause_s(attempt, failed.retry_after_s))

    async def _failure(self, call: Call, response: httpx.Response) -> tuple[PixelAgentError, bool]:
        """The error in a response, and whether to retry."""
        try:
            await response.aread()
            body = response.content
        except httpx.HTTPError:
            body = b""
        finally:
            await response.aclose()
        status = response.status_code
        failed = error_of(status, body, retry_after_s(response.headers.get("retry-after"), MAX_RETRY_AFTER_S))
        ours = response.headers.get("content-type", "").startswith("application/problem+json")
        passing = status in AGAIN and not (ours and status in (502, 504))
        # The service answers 503 before it does any work; a 409 with Retry-After means that the first
        # request with this key is still running.
        asked_back = status == 409 and failed.retry_after_s is not None
        return failed, (passing and (call.repeatable or status in (429, 503))) or asked_back

    def _request(self, call: Call) -> httpx.Request:
        headers = {"Accept": "application/json, */*", **call.headers}
        if call.key is not None:
            headers["Idempotency-Key"] = call.key
        files = [(call.photo_field, (part.filename, part.data, "application/octet-stream")) for part in call.photos]
        timeout = self._http.timeout
        if call.silence_s is not None:
            timeout = httpx.Timeout(
                connect=timeout.connect, read=call.silence_s, write=timeout.write, pool=timeout.pool
            )
        return self._http.build_request(
            call.method,
            self._base + call.path,
            params=list(call.params) or None,
            data=dict(call.form) if files else None,
            files=files or None,
            json=call.json,
            headers=headers,
            timeout=timeout,
        )

    def _unreachable(self, error: httpx.HTTPError) -> ServerUnreachable:
        what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        return ServerUnreachable(
            f"The server at {self._base} {what} ({type(error).__name__}).", "Is it running, and is the address right?"
        )
