"""Sends one chat request to one server and reads its answer, whole or as server-sent events. Used by `engine`.

A server's answer is never trusted: its size is bounded, and an invalid answer becomes a `CallFailed` that says what it
means for the server's health and whether a retry can help.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import cast

import httpx
from pydantic import JsonValue

from pixel_agent.core import Output, Tokens
from pixel_agent.core.backoff import retry_after_s
from pixel_agent.core.errors import EngineError, EngineUnavailable, PixelAgentError, ReplicaLost
from pixel_agent.core.sse import read_events
from pixel_agent.engines.openai.health import MAX_RETRY_AFTER_S, HealthEvent

MAX_ANSWER_BYTES = 8 * 2**20
"""Largest answer accepted, whole or as events: 4,096 tokens take about 1 MB as events."""
MAX_COMPLAINT = 300


class CallFailed(Exception):
    """A request without an answer. `error` is for the caller if there is no retry; `event` is for the server's health.

    `again`: a retry can help. `complaint`: the server's words about a request that it does not understand (status 400
    or 422).
    """

    def __init__(
        self,
        error: PixelAgentError,
        event: HealthEvent | None,
        *,
        again: bool = True,
        retry_after: float = 0.0,
        complaint: str = "",
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.event = event
        self.again = again
        self.retry_after = retry_after
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class Call:
    """One request, ready to send. If `on_text` is set, the body requests a stream."""

    url: str
    server: str
    body: bytes
    visual_tokens: int
    on_text: Callable[[str], None] | None = None


async def send(client: httpx.AsyncClient, call: Call) -> Output:
    """Send one request and return its answer. Cancelling closes the connection, which stops the server's work.

    Raises CallFailed.
    """
    headers = {"content-type": "application/json"}
    try:
        async with client.stream("POST", call.url, content=call.body, headers=headers) as response:
            if response.status_code != 200:
                raise _refusal(response, await _read(response, call), call)
            if call.on_text is None:
                return _whole(await _read(response, call), call)
            return await _Pieces(call, call.on_text).read(response)
    except httpx.ConnectError as error:
        raise CallFailed(_down(call, error), HealthEvent.UNREACHABLE) from error
    except httpx.HTTPError as error:
        raise CallFailed(_down(call, error), HealthEvent.FAILED) from error


class _Pieces:
    """Assembles a streamed answer and passes on each new piece."""

    def __init__(self, call: Call, on_text: Callable[[str], None]) -> None:
        self._call = call
        self._on_text = on_text
        self._text: list[str] = []
        self._usage: JsonValue = None
        self._finish_reason = ""

    async def read(self, response: httpx.Response) -> Output:
        """Return the whole answer. After the first piece there is no retry here: the text is already published."""
        try:
            async for event in read_events(_bounded(response, self._call)):
                data = event.data.strip()
                if data == "[DONE]":
                    break
                self._take(_object(data, self._call))
            if not self._finish_reason:
                raise CallFailed(_nonsense(self._call, "its answer broke off"), HealthEvent.FAILED)
        except httpx.HTTPError as error:
            raise self._broken(CallFailed(_down(self._call, error), HealthEvent.FAILED)) from error
        except CallFailed as failure:
            raise self._broken(failure) from failure
        return Output(
            text="".join(self._text),
            tokens=_tokens(self._usage, self._call.visual_tokens),
            finish_reason=self._finish_reason,
        )

    def _take(self, event: Mapping[str, JsonValue]) -> None:
        if event.get("error"):
            raise CallFailed(_nonsense(self._call, _complaint(event)), HealthEvent.FAILED)
        self._usage = event.get("usage") or self._usage
        choice = _first_choice(event)
        delta = choice.get("delta")
        piece = delta.get("content") if isinstance(delta, dict) else None
        if isinstance(piece, str) and piece:
            self._text.append(piece)
            self._on_text(piece)
        reason = choice.get("finish_reason")
        if isinstance(reason, str):
            self._finish_reason = reason

    def _broken(self, failure: CallFailed) -> CallFailed:
        """After the first piece, report the scan as lost: it is requeued once and restarts; see `core.Job.on_text`."""
        if not self._text:
            return failure
        lost = ReplicaLost(failure.error.message, "Send the photo again.")
        return CallFailed(lost, failure.event, again=False)


async def _bounded(response: httpx.Response, call: Call) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise CallFailed(_nonsense(call, "its answer is far too long"), None, again=False)
        yield chunk


async def _read(response: httpx.Response, call: Call) -> bytes:
    return b"".join([chunk async for chunk in _bounded(response, call)])


def _whole(content: bytes, call: Call) -> Output:
    answer = _object(content, call)
    if answer.get("error"):
        raise CallFailed(_nonsense(call, _complaint(answer)), HealthEvent.FAILED)
    choice = _first_choice(answer)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(text, str):
        raise CallFailed(_nonsense(call, "its answer holds no text"), HealthEvent.FAILED)
    reason = choice.get("finish_reason")
    return Output(
        text=text,
        tokens=_tokens(answer.get("usage"), call.visual_tokens),
        finish_reason=reason if isinstance(reason, str) else "stop",
    )


def _refusal(response: httpx.Response, content: bytes, call: Call) -> CallFailed:
    """Convert a status other than 200 into a CallFailed."""
    status = response.status_code
    said = _complaint_of(content)
    message = f"The model server {call.server} answered {status}{f': {said}' if said else ''}."
    if status in (429, 503):
        pause = retry_after_s(response.headers.get("retry-after"), MAX_RETRY_AFTER_S) or 0.0
        return CallFailed(EngineUnavailable(message, "Try again later."), HealthEvent.REFUSED, retry_after=pause)
    if status in (401, 403):
        return CallFailed(EngineError(message, "Set openai.api_key to a key that it accepts."), None, again=False)
    if status == 404:
        return CallFailed(EngineError(message, "Check openai.urls and openai.model."), None, again=False)
    if status < 500:
        return CallFailed(EngineError(message), None, again=False, complaint=said if status in (400, 422) else "")
    return CallFailed(EngineError(message), HealthEvent.FAILED)


def _object(content: bytes | str, call: Call) -> Mapping[str, JsonValue]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise CallFailed(_nonsense(call, "its answer is no JSON"), HealthEvent.FAILED) from None
    if not isinstance(value, dict):
        raise CallFailed(_nonsense(call, "its answer is no JSON object"), HealthEvent.FAILED)
    return cast("dict[str, JsonValue]", value)


def _first_choice(answer: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def _tokens(usage: JsonValue, visual: int) -> Tokens | None:
    """Token counts of the request. Servers count the photo as part of the prompt; here `prompt` counts text only."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
    return Tokens(visual=visual, prompt=max(0, prompt - visual), completion=completion)


def _count(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _complaint_of(content: bytes) -> str:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return _complaint(value) if isinstance(value, dict) else ""


def _complaint(answer: Mapping[str, JsonValue]) -> str:
    """The server's error text, in any of the usual formats, cut to a readable length."""
    found: JsonValue = answer.get("error") or answer.get("message") or answer.get("detail")
    if isinstance(found, dict):
        found = found.get("message")
    words = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False) if found else ""
    return " ".join(words[:MAX_COMPLAINT].split())


def _nonsense(call: Call, what: str) -> EngineError:
    return EngineError(f"The model server {call.server} cannot be understood: {what}.")


def _down(call: Call, error: Exception) -> EngineUnavailable:
    what = str(error) or type(error).__name__
    return EngineUnavailable(f"The model server {call.server} cannot be reached: {what}.", "Try again in a moment.")
