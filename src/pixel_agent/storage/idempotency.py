"""Answers that a client may ask for again by its Idempotency-Key.

A key belongs to the first request that came with it. While that one runs, `created_at` is its sign of life; if it stops,
the key is free for the next request, so that a process that died blocks nobody.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import ColumnElement, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import IdempotencyMismatch
from pixel_agent.storage.tables import idempotency

FIRST: Final = "first"
RUNNING: Final = "running"


async def begin(
    conn: AsyncConnection, key: str, client: str, fingerprint: str, *, now_ms: int, alive_ms: int, kept_ms: int
) -> str:
    """FIRST: the key is this request's now. RUNNING: another one with it is under way. Else the first answer, as JSON.

    `alive_ms` is how old the sign of life of a running request may be, `kept_ms` how long answers are remembered. Raises
    IdempotencyMismatch when the key stands for another request.
    """
    table = idempotency
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    new = insert(table).values(key=key, client=client, fingerprint=fingerprint, created_at=now_ms)
    if (await conn.execute(new.on_conflict_do_nothing())).rowcount == 1:
        return FIRST
    mine = and_(table.c.key == key, table.c.client == client)
    row = (await conn.execute(select(table).where(mine).with_for_update())).one_or_none()
    if row is None:  # it was released in this moment
        return RUNNING
    age_ms = now_ms - row.created_at
    if age_ms > (alive_ms if row.answer is None else kept_ms):
        await conn.execute(update(table).where(mine).values(fingerprint=fingerprint, created_at=now_ms, answer=None))
        return FIRST
    if row.fingerprint != fingerprint:
        raise IdempotencyMismatch(
            "This Idempotency-Key came before, with other photos or fields, or with another `Prefer: respond-async`.",
            "Make a new key for each new request; send the same one again as it was.",
        )
    return RUNNING if row.answer is None else str(row.answer)


async def keep(conn: AsyncConnection, key: str, client: str, now_ms: int) -> None:
    """The first request with this key is still under way."""
    await conn.execute(update(idempotency).where(_running(key, client)).values(created_at=now_ms))


async def settle(conn: AsyncConnection, key: str, client: str, answer: str, now_ms: int) -> None:
    """Remember what the first request with this key was answered, as JSON."""
    await conn.execute(update(idempotency).where(_running(key, client)).values(answer=answer, created_at=now_ms))


async def release(conn: AsyncConnection, key: str, client: str) -> None:
    """The first request failed in a way that may pass: the next one with this key may try."""
    await conn.execute(delete(idempotency).where(_running(key, client)))


async def forget(conn: AsyncConnection, before_ms: int) -> int:
    """Delete what is older; how many."""
    return (await conn.execute(delete(idempotency).where(idempotency.c.created_at < before_ms))).rowcount


def _running(key: str, client: str) -> ColumnElement[bool]:
    return and_(idempotency.c.key == key, idempotency.c.client == client, idempotency.c.answer.is_(None))
