"""The outbox: the pending deliveries of events to webhooks. The dispatcher claims them.

A delivery is inserted in the transaction of its event, so that neither exists without the other. It is claimed with a
lease, so that several processes share the work, and the claims of a dead process expire. Per webhook and subject (a
scan or a batch), only the oldest pending delivery can be claimed: this preserves the order.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import Conflict, NotFound
from pixel_agent.storage.tables import deliveries, events, webhooks

PING = "webhook.test"
"""The kind of a test event, sent on request."""
State = Literal["pending", "delivered", "dead"]
ERROR_CHARACTERS = 500
"""Maximum length of a stored error, in characters."""


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery that this process has leased."""

    delivery_id: int
    webhook_id: str
    event_seq: int
    kind: str
    at_ms: int
    data: str
    attempts: int


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """Result of an attempt: delivered if `error` is None; else retried at `again_ms`, or dead if that is None."""

    claim: DeliveryClaim
    error: str | None = None
    again_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as listed by the API."""

    delivery_id: int
    webhook_id: str
    event_seq: int
    kind: str
    subject: str
    state: State
    attempts: int
    next_ms: int
    last_error: str
    delivered_ms: int | None


async def enqueue(conn: AsyncConnection, event_seq: int, kind: str, subject: str) -> None:
    """Enqueue an event for every webhook that wants its kind, in the transaction that wrote the event."""
    wanted = or_(webhooks.c.kinds == "[]", webhooks.c.kinds.contains(f'"{kind}"', autoescape=True))
    await _enqueue(conn, event_seq, subject, wanted)


async def enqueue_all(conn: AsyncConnection, event_seqs: Sequence[int]) -> None:
    """Enqueue many events at once; kind and subject come from the event rows."""
    if event_seqs:
        await conn.execute(_ENQUEUE_ALL, {"seqs": list(event_seqs)})


async def due(conn: AsyncConnection, webhook_id: str, now_ms: int) -> int | None:
    """When the next delivery to this webhook can be claimed, in milliseconds; None if no unclaimed delivery waits."""
    query = (
        select(deliveries.c.next_at)
        .where(deliveries.c.webhook_id == webhook_id, deliveries.c.state == "pending", _unclaimed(now_ms), _first())
        .order_by(deliveries.c.next_at)
        .limit(1)
    )
    return (await conn.execute(query)).scalar_one_or_none()


async def claim(
    conn: AsyncConnection, webhook_id: str, owner: str, *, now_ms: int, lease_ms: int, limit: int
) -> list[DeliveryClaim]:
    """Claim up to `limit` due deliveries, the longest due first."""
    picked = (
        select(deliveries.c.id)
        .where(
            deliveries.c.webhook_id == webhook_id,
            deliveries.c.state == "pending",
            deliveries.c.next_at <= now_ms,
            _unclaimed(now_ms),
            _first(),
        )
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list((await conn.execute(picked)).scalars())
    if not ids:
        return []
    await conn.execute(
        update(deliveries).where(deliveries.c.id.in_(ids)).values(owner=owner, lease_until=now_ms + lease_ms)
    )
    found = await conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.webhook_id,
            deliveries.c.event_seq,
            events.c.kind,
            events.c.at,
            events.c.data,
            deliveries.c.attempts,
        )
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(deliveries.c.id.in_(ids))
        .order_by(deliveries.c.id)
    )
    return [DeliveryClaim(*row) for row in found]


async def finish(conn: AsyncConnection, owner: str, ended: DeliveryOutcome, now_ms: int) -> bool:
    """Record the result of an attempt; False if another process has taken the claim over."""
    values: dict[str, object] = {"attempts": deliveries.c.attempts + 1, "owner": None, "lease_until": None}
    if ended.error is None:
        values |= {"state": "delivered", "delivered_at": now_ms, "last_error": ""}
    else:
        values["last_error"] = ended.error[:ERROR_CHARACTERS]
        values |= {"state": "dead"} if ended.again_ms is None else {"next_at": ended.again_ms}
    mine = and_(
        deliveries.c.id == ended.claim.delivery_id, deliveries.c.owner == owner, deliveries.c.state == "pending"
    )
    return (await conn.execute(update(deliveries).where(mine).values(values))).rowcount == 1


async def give_back(conn: AsyncConnection, owner: str) -> None:
    """Release all leases of this process, so that the next one does not wait for them."""
    mine = and_(deliveries.c.owner == owner, deliveries.c.state == "pending")
    await conn.execute(update(deliveries).where(mine).values(owner=None, lease_until=None))


async def expire(conn: AsyncConnection, before_ms: int) -> int:
    """Mark pending deliveries of events before then as dead; returns their number. Leased ones are not changed."""
    old = select(events.c.seq).where(events.c.at < before_ms)
    stale = and_(deliveries.c.state == "pending", deliveries.c.owner.is_(None), deliveries.c.event_seq.in_(old))
    values = {"state": "dead", "last_error": "It could not be delivered in time."}
    return (await conn.execute(update(deliveries).where(stale).values(values))).rowcount


async def forget(conn: AsyncConnection, before_ms: int) -> int:
    """Delete delivered and dead deliveries of events before then; returns their number."""
    old = select(events.c.seq).where(events.c.at < before_ms)
    done = and_(deliveries.c.state != "pending", deliveries.c.event_seq.in_(old))
    return (await conn.execute(delete(deliveries).where(done))).rowcount


async def ping(conn: AsyncConnection, webhook_id: str, now_ms: int) -> Delivery:
    """Enqueue a test event for one webhook, whatever kinds it wants."""
    event = {"at": now_ms, "kind": PING, "data": json.dumps({"webhook_id": webhook_id})}
    seq = (await conn.execute(insert(events).values(event).returning(events.c.seq))).scalar_one()
    await _enqueue(conn, seq, webhook_id, webhooks.c.webhook_id == webhook_id)
    return (await _listed(conn, deliveries.c.event_seq == seq, 1))[0]


async def revive(conn: AsyncConnection, delivery_id: int, now_ms: int) -> Delivery:
    """Retry a dead delivery, with its attempts reset. Raises NotFound; Conflict if it is not dead."""
    dead = and_(deliveries.c.id == delivery_id, deliveries.c.state == "dead")
    values = {"state": "pending", "attempts": 0, "next_at": now_ms}
    done = await conn.execute(update(deliveries).where(dead).values(values))
    found = await _listed(conn, deliveries.c.id == delivery_id, 1)
    if not found:
        raise NotFound(f"There is no delivery {delivery_id}.", "GET /v1/webhooks/deliveries lists them.")
    if not done.rowcount:
        raise Conflict(f"This delivery is {found[0].state}.", "Only dead ones can be tried again.")
    return found[0]


async def page(conn: AsyncConnection, state: State | None, before: int | None, limit: int) -> list[Delivery]:
    """Deliveries in a state (None: any) with an id below `before`, the newest first."""
    wanted: list[ColumnElement[bool]] = []
    if state is not None:
        wanted.append(deliveries.c.state == state)
    if before is not None:
        wanted.append(deliveries.c.id < before)
    return await _listed(conn, and_(literal(True), *wanted), limit)


async def _enqueue(conn: AsyncConnection, event_seq: int, subject: str, whom: ColumnElement[bool]) -> None:
    """Insert deliveries in one statement, which also selects the webhooks."""
    number = literal(event_seq, BigInteger)
    row = (
        select(webhooks.c.webhook_id, number, literal(subject), literal("pending"), events.c.at)
        .select_from(webhooks.join(events, events.c.seq == number))
        .where(whom)
    )
    columns = ["webhook_id", "event_seq", "subject", "state", "next_at"]
    await conn.execute(insert(deliveries).from_select(columns, row, include_defaults=False))


def _unclaimed(now_ms: int) -> ColumnElement[bool]:
    return or_(deliveries.c.lease_until.is_(None), deliveries.c.lease_until <= now_ms)


def _first() -> ColumnElement[bool]:
    """Condition: no older event of the same subject is pending for this webhook."""
    older = deliveries.alias("older")
    return ~exists().where(
        older.c.webhook_id == deliveries.c.webhook_id,
        older.c.subject == deliveries.c.subject,
        older.c.state == "pending",
        older.c.id < deliveries.c.id,
    )


async def _listed(conn: AsyncConnection, wanted: ColumnElement[bool], limit: int) -> list[Delivery]:
    found = await conn.execute(
        select(
            deliveries.c.id,
            deliveries.c.webhook_id,
            deliveries.c.event_seq,
            events.c.kind,
            deliveries.c.subject,
            deliveries.c.state,
            deliveries.c.attempts,
            deliveries.c.next_at,
            deliveries.c.last_error,
            deliveries.c.delivered_at,
        )
        .join(events, events.c.seq == deliveries.c.event_seq)
        .where(wanted)
        .order_by(deliveries.c.id.desc())
        .limit(limit)
    )
    return [Delivery(*tuple(row)) for row in found]


# Built once: it runs for every scan that ends.
_ENQUEUE_ALL = insert(deliveries).from_select(
    ["webhook_id", "event_seq", "subject", "state", "next_at"],
    select(
        webhooks.c.webhook_id,
        events.c.seq,
        func.coalesce(events.c.scan_id, events.c.batch_id, ""),
        literal("pending"),
        events.c.at,
    )
    .join(webhooks, or_(webhooks.c.kinds == "[]", webhooks.c.kinds.contains(literal('"') + events.c.kind + '"')))
    .where(events.c.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(events.c.seq),
    include_defaults=False,
)
