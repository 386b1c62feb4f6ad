"""`Idempotency-Key`: a client that does not know whether its request arrived repeats it, and gets the first answer.

A key is bound to its client and to the photos and fields of its first request. A synchronous request locks its key
while it runs; an asynchronous one records its key in the transaction that stores the scans. If the storage fails, a
synchronous scan is answered without its key: a scan only reads, so running it twice does no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Final, Literal

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.api.http.clients import client_of
from pixel_agent.core.errors import Conflict, InvalidRequest, StoreError
from pixel_agent.service.service import ScanService
from pixel_agent.storage import idempotency

log = logging.getLogger("pixel_agent.api")

HEADER: Final = "idempotency-key"
REPLAYED: Final = {"Idempotency-Replayed": "true"}
MAX_KEY: Final = 255
WAIT_S: Final = 30.0
"""How long a request waits for the first one with the same key before it is rejected."""
LOOK_S: Final = 0.25
RETRY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to the first request: its body as sent, or the scans or the batch that it created."""

    form: Literal["body", "scans", "batch"]
    status: int
    ids: tuple[str, ...] = ()
    body: str = ""

    def response(self) -> Response:
        """The stored synchronous answer as a response."""
        return Response(self.body, self.status, {**REPLAYED}, media_type="application/json")


_ANSWER: Final = TypeAdapter(StoredAnswer)


class Key(idempotency.Key):
    """A request's key, its client, and a fingerprint of its path, fields and photos."""

    __slots__ = ()

    @classmethod
    def of(cls, request: Request, fields: BaseModel, photos: Sequence[str], *, later: bool = False) -> Key | None:
        """The key of a request with these fields and photos (by SHA-256); None without a key. Raises InvalidRequest.

        `later` marks an asynchronous request: the same path can also answer at once, and one must not be replayed for
        the other.
        """
        value = request.headers.get(HEADER)
        if value is None:
            return None
        if not 0 < len(value) <= MAX_KEY or not value.isprintable():
            raise InvalidRequest(
                f"Idempotency-Key has {len(value)} characters; 1 to {MAX_KEY} printable ones are taken.", "Send a UUID."
            )
        said = [request.url.path, fields.model_dump(mode="json"), list(photos), *(["later"] if later else [])]
        fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return cls(value, client_of(request), fingerprint)


class Slot:
    """The lock of a synchronous request on its key. `answer` is set if the request was already answered."""

    def __init__(self, service: ScanService, key: Key | None) -> None:
        self._service = service
        self._key = key
        self.answer: StoredAnswer | None = None
        self.completed = False

    async def complete(self, body: str, status: int = 200) -> None:
        """Record the answer; if the storage fails, the key is released."""
        if self._key is None:
            return
        with suppress(StoreError):
            await self._service.storage.keys.complete(self._key, _json(StoredAnswer("body", status, body=body)))
            self.completed = True


@asynccontextmanager
async def held(service: ScanService, key: Key | None) -> AsyncIterator[Slot]:
    """Lock a key while the request runs; if the request does not complete, the next one with this key can run.

    Waits for the first request with this key. Raises IdempotencyMismatch; Conflict if that request runs for too long.
    """
    slot = Slot(service, key)
    if key is None or not service.persistent:
        yield slot
        return
    try:
        slot.answer = await _first_answer(service, key)
    except StoreError as error:
        log.warning("the key of a request is not held, because the store fails: %s", error.message)
        yield Slot(service, None)
        return
    if slot.answer is not None:
        yield slot
        return
    done = asyncio.Event()
    alive = asyncio.create_task(_keep_alive(service, key, done))
    try:
        yield slot
    finally:
        done.set()
        await asyncio.wait({alive})
        if not slot.completed:
            with suppress(StoreError):
                await service.storage.keys.release(key)


async def once(
    service: ScanService, key: Key | None, answer: StoredAnswer, work: Callable[[AsyncConnection], Awaitable[None]]
) -> StoredAnswer | None:
    """Do the work and record its answer in one durable transaction; returns None if the work was done now.

    Returns the stored answer, and does nothing, if the request was answered before. Raises IdempotencyMismatch;
    Conflict while the first request runs; and whatever `work` raises.
    """
    standing = await service.storage.keys.once(key, _json(answer), work)
    if standing == idempotency.RUNNING:
        raise _running()
    return None if standing is None else _ANSWER.validate_json(standing)


async def _first_answer(service: ScanService, key: Key) -> StoredAnswer | None:
    end = asyncio.get_running_loop().time() + WAIT_S
    while True:
        standing = await service.storage.keys.begin(key)
        if standing == idempotency.FIRST:
            return None
        if standing != idempotency.RUNNING:
            return _ANSWER.validate_json(standing)
        if asyncio.get_running_loop().time() >= end:
            raise _running()
        await asyncio.sleep(LOOK_S)


async def _keep_alive(service: ScanService, key: Key, done: asyncio.Event) -> None:
    """Renew the lock until `done`. Never cancelled: cancellation could break a transaction in the middle."""
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(service.settings.asynchronous.lease_s / 3):
                await done.wait()
        if done.is_set():
            return
        with suppress(StoreError):
            await service.storage.keys.renew(key)


def _json(answer: StoredAnswer) -> str:
    return json.dumps(asdict(answer), ensure_ascii=False)


def _running() -> Conflict:
    error = Conflict("The first request with this Idempotency-Key is still under way.", "Send it again in a moment.")
    error.retry_after_s = RETRY_S
    return error
