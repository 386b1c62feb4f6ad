"""Stores reviews of scans, separate from the model's reading. Every function runs in the given transaction.

A review locks the scan's row first (`lock`), so that no concurrent review is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue
from sqlalchemy import Row as Found
from sqlalchemy import and_, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Review
from pixel_agent.core.envelope import Envelope
from pixel_agent.core.errors import NotFound
from pixel_agent.schemas.reviews import Part
from pixel_agent.storage import events, search
from pixel_agent.storage.corrections import PARTS, Action, ReviewRecord, corrections, review_state, rows_of, value_of
from pixel_agent.storage.records import ScanRecord, now_ms
from pixel_agent.storage.tables import reviews, scan_codes, scans


@dataclass(frozen=True, slots=True)
class NewReview:
    """A validated review: its row and field exist, and its value fits."""

    reviewer: str
    action: Action
    part: Part | None = None
    row: int | None = None
    field: str | None = None
    value: JsonValue = None
    comment: str = ""


async def of_scan(conn: AsyncConnection, seq: int) -> list[ReviewRecord]:
    """All reviews of a scan in order, undone ones included."""
    return (await of_scans(conn, [seq])).get(seq, [])


async def of_scans(conn: AsyncConnection, seqs: Sequence[int]) -> dict[int, list[ReviewRecord]]:
    """The reviews of several scans by `seq`; scans without reviews are omitted."""
    found: dict[int, list[ReviewRecord]] = {}
    query = select(reviews).where(reviews.c.seq.in_(seqs)).order_by(reviews.c.seq, reviews.c.id)
    for row in await conn.execute(query):
        found.setdefault(row.seq, []).append(_record(row))
    return found


async def lock(conn: AsyncConnection, scan_id: str) -> None:
    """Lock a scan until the transaction ends, against concurrent reviews; read the scan afterwards."""
    await conn.execute(select(scans.c.seq).where(scans.c.scan_id == scan_id).with_for_update())


async def add(conn: AsyncConnection, record: ScanRecord, new: NewReview) -> int:
    """Add a review to a locked scan; returns the review's id."""
    envelope = envelope_of(record)
    said = None
    if envelope is not None and new.action == "correct" and new.part and new.row is not None and new.field:
        said = value_of(rows_of(envelope, new.part)[new.row], new.field)
    values = {
        "seq": record.seq,
        "at": now_ms(),
        "reviewer": new.reviewer,
        "action": new.action,
        "part": new.part,
        "row_index": new.row,
        "field": new.field,
        "value": to_json(new.value) if new.action == "correct" else None,
        "model_value": to_json(said) if new.action == "correct" else None,
        "comment": new.comment,
    }
    number = int((await conn.execute(insert(reviews).values(values).returning(reviews.c.id))).scalar_one())
    await search.add_words(conn, record.seq, search.words_of(_texts(new)))
    await _update_state(conn, record, envelope, {"review_id": number, "action": new.action, "by": new.reviewer})
    return number


async def undo(conn: AsyncConnection, record: ScanRecord, review_id: int) -> None:
    """Undo a review of a locked scan; it stays in the list as undone. Raises NotFound."""
    mine = and_(reviews.c.id == review_id, reviews.c.seq == record.seq)
    row = (await conn.execute(select(reviews).where(mine))).first()
    if row is None:
        raise NotFound(f"This scan has no review {review_id}.", "GET the scan to see its reviews.")
    if row.undone_at is not None:
        return
    await conn.execute(update(reviews).where(mine).values(undone_at=now_ms()))
    await _update_state(
        conn, record, envelope_of(record), {"review_id": review_id, "action": "undo", "by": row.reviewer}
    )


def envelope_of(record: ScanRecord) -> Envelope | None:
    """The model's reading; None if there is none."""
    return None if record.document is None else Envelope.model_validate_json(record.document)


async def _update_state(
    conn: AsyncConnection, record: ScanRecord, envelope: Envelope | None, what: Mapping[str, JsonValue]
) -> None:
    """Update the review state in the list, and append the event."""
    said = await of_scan(conn, record.seq)
    state = Review(record.review)
    if envelope is not None:
        state = review_state(envelope, said)
        await index_codes(conn, record.seq, envelope, said)
        await conn.execute(update(scans).where(scans.c.seq == record.seq).values(review=state.value))
    data: dict[str, JsonValue] = {
        "scan_id": record.scan_id,
        "task": record.spec.task,
        "store_id": record.spec.store_id,
        "review": state.value,
        **what,
    }
    await events.append(conn, events.SCAN_REVIEWED, scan_id=record.scan_id, data=data)


async def index_codes(conn: AsyncConnection, seq: int, envelope: Envelope, said: Sequence[ReviewRecord]) -> None:
    """Index a scan by the GTINs of its reading and of its corrections."""
    stated: list[JsonValue] = [value_of(row, "gtin") for part in PARTS for row in rows_of(envelope, part)]
    written: list[JsonValue] = [c.value for c in corrections(said) if c.field == "gtin" and c.row is not None]
    wanted = {
        gtin.zfill(14) for gtin in (*stated, *written) if isinstance(gtin, str) and gtin.isdigit() and len(gtin) <= 14
    }
    held = set((await conn.execute(select(scan_codes.c.gtin).where(scan_codes.c.seq == seq))).scalars())
    if held - wanted:
        await conn.execute(delete(scan_codes).where(scan_codes.c.seq == seq, scan_codes.c.gtin.in_(held - wanted)))
    if wanted - held:
        await conn.execute(insert(scan_codes), [{"gtin": gtin, "seq": seq} for gtin in sorted(wanted - held)])


def _texts(new: NewReview) -> Iterator[str]:
    yield new.comment
    if isinstance(new.value, str | int | float):
        yield str(new.value)


def to_json(value: JsonValue) -> str:
    """A value as stored JSON; characters that no database accepts are escaped."""
    return json.dumps(value, ensure_ascii=True)


def _record(row: Found[*tuple[object, ...]]) -> ReviewRecord:
    return ReviewRecord(
        id=row.id,
        at=row.at,
        reviewer=row.reviewer,
        action=cast(Action, row.action),
        part=cast("Part | None", row.part),
        row=row.row_index,
        field=row.field,
        value=None if row.value is None else json.loads(row.value),
        model_value=None if row.model_value is None else json.loads(row.model_value),
        comment=row.comment,
        undone_at=row.undone_at,
        carried_from=row.carried_from,
    )
