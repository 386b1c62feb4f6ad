"""Idempotency keys: a client that repeats a request with the same Idempotency-Key gets the first answer again.

A key belongs to the first request that sends it. While that request runs, it renews `created_at`; if the renewals stop,
the next request takes the key over, so that a dead process blocks no client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import IdempotencyMismatch
from pixel_agent.core.settings import AsyncSettings
from pixel_agent.storage.database import Database
from pixel_agent.storage.records import now_ms
from pixel_agent.storage.tables import idempotency

FIRST: Final = "first"
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a request, its client, and a fingerprint of the request."""

    value: str
    client: str
    fingerprint: str


class IdempotencyKeys:
    """The keys of requests. Every method raises StoreUnavailable where the database fails."""

    def __init__(self, db: Database, settings: AsyncSettings, clock_ms: Callable[[], int] = now_ms) -> None:
        self._db = db
        self._clock_ms = clock_ms
        self._alive_ms = round(settings.lease_s * 1000)
        self._keep_ms = round(settings.idempotency_hours * 3_600_000)

    async def begin(self, key: Key) -> str:
        """Claim a key. FIRST: this request owns it. RUNNING: another request owns it. Else the first answer, as JSON.

        Raises IdempotencyMismatch if the key was used for a different request.
        """
        async with self._db.write() as conn:
            return await self._begin(conn, key)

    async def once(
        self, key: Key | None, answer: str, work: Callable[[AsyncConnection], Awaitable[None]]
    ) -> str | None:
        """Do the work of a request and store its answer, in one durable transaction; None if the work was done.

        Otherwise nothing is done, and the result is RUNNING or the first answer. Raises IdempotencyMismatch, and what
        the work raises.
        """
        async with self._db.write(durable=True) as conn:
            standing = FIRST if key is None else await self._begin(conn, key)
            if standing != FIRST:
                return standing
            await work(conn)
            if key is not None:
                await complete(conn, key, answer, self._clock_ms())
        return None

    async def renew(self, key: Key) -> None:
        """Renew a key, because its request is still running."""
        async with self._db.write() as conn:
            await conn.execute(update(idempotency).where(_running(key)).values(created_at=self._clock_ms()))

    async def complete(self, key: Key, answer: str) -> None:
        """Store the answer, as JSON, of the request with this key."""
        async with self._db.write() as conn:
            await complete(conn, key, answer, self._clock_ms())

    async def release(self, key: Key) -> None:
        """Release the key of a failed request: the next request with this key is the first again."""
        async with self._db.write() as conn:
            await conn.execute(delete(idempotency).where(_running(key)))

    async def _begin(self, conn: AsyncConnection, key: Key) -> str:
        now, table = self._clock_ms(), idempotency
        insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
        new = insert(table).values(key=key.value, client=key.client, fingerprint=key.fingerprint, created_at=now)
        if (await conn.execute(new.on_conflict_do_nothing())).rowcount == 1:
            return FIRST
        mine = and_(table.c.key == key.value, table.c.client == key.client)
        row = (await conn.execute(select(table).where(mine).with_for_update())).one_or_none()
        if row is None:  # released meanwhile
            return RUNNING
        if now - row.created_at > (self._alive_ms if row.answer is None else self._keep_ms):
            taken = update(table).where(mine).values(fingerprint=key.fingerprint, created_at=now, answer=None)
            await conn.execute(taken)
            return FIRST
        if row.fingerprint != key.fingerprint:
            raise IdempotencyMismatch(
                "This Idempotency-Key came before, with other photos or fields, or with another `Prefer: respond-async`.",
                "Make a new key for each new request; send the same one again as it was.",
            )
        return RUNNING if row.answer is None else str(row.answer)


async def complete(conn: AsyncConnection, key: Key, answer: str, at_ms: int) -> None:
    """Store an answer, as JSON, in the transaction that makes it true."""
    await conn.execute(update(idempotency).where(_running(key)).values(answer=answer, created_at=at_ms))


async def forget(conn: AsyncConnection, before_ms: int) -> int:
    """Delete keys older than `before_ms`; returns their number."""
    return (await conn.execute(delete(idempotency).where(idempotency.c.created_at < before_ms))).rowcount


def _running(key: Key) -> ColumnElement[bool]:
    return and_(idempotency.c.key == key.value, idempotency.c.client == key.client, idempotency.c.answer.is_(None))
