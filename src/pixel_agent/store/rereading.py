"""A photo that is read again keeps what people put right in it: corrections are copied to the new scan as it ends."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Review
from pixel_agent.envelope import Envelope
from pixel_agent.store.carrying import Carried, carried
from pixel_agent.store.corrections import ReviewRecord, corrections, settled
from pixel_agent.store.reviews import index_codes, to_json
from pixel_agent.store.reviews import of_scan as reviews_of
from pixel_agent.store.tables import readings, reviews, scans


async def carry_over(conn: AsyncConnection, seqs: Sequence[int]) -> None:
    """Copy the corrections of earlier readings of the same photo and task to scans that have just ended.

    Each takes those of the latest earlier scan that was corrected; what matches no row of the new reading is copied
    without a place.
    """
    for seq, earlier in await _corrected_before(conn, seqs):
        before, after = await _document(conn, earlier), await _document(conn, seq)
        if before is None or after is None:
            continue
        fixed = corrections(await reviews_of(conn, earlier))
        landed = carried([c for c in fixed if c.row is not None], before, after)
        landed += [await _from_origin(conn, lost, after) for lost in fixed if lost.row is None]
        rows = [_copied(seq, one, before.scan_id) for one in landed]
        if rows:
            await conn.execute(insert(reviews), rows)
            state = settled(after, await reviews_of(conn, seq))
            await conn.execute(update(scans).where(scans.c.seq == seq).values(review=state.value))
            await index_codes(conn, seq, after, await reviews_of(conn, seq))


async def _corrected_before(conn: AsyncConnection, seqs: Sequence[int]) -> list[tuple[int, int]]:
    """For each scan the latest earlier one of the same photo and task that was corrected, where there is one."""
    earlier = scans.alias("earlier")
    same = and_(
        earlier.c.photo_sha256 == scans.c.photo_sha256,
        earlier.c.task == scans.c.task,
        earlier.c.review == Review.CORRECTED.value,
        earlier.c.seq < scans.c.seq,
    )
    query = select(scans.c.seq, func.max(earlier.c.seq)).join(earlier, same).where(scans.c.seq.in_(seqs))
    return [(int(seq), int(last)) for seq, last in await conn.execute(query.group_by(scans.c.seq))]


async def _from_origin(conn: AsyncConnection, lost: ReviewRecord, after: Envelope) -> Carried:
    """A correction that found no place the last time is tried again from where it was made, while that is there."""
    nowhere = Carried(lost, None, lost.model_value)
    query = select(scans.c.seq).where(scans.c.scan_id == lost.carried_from)
    seq = (await conn.execute(query)).scalar()
    before = None if seq is None else await _document(conn, seq)
    if seq is None or before is None:
        return nowhere
    made = [c for c in corrections(await reviews_of(conn, seq)) if _same(c, lost)]
    landed = carried(made[:1], before, after)
    return Carried(lost, landed[0].row, landed[0].model_value) if landed else nowhere


def _same(one: ReviewRecord, other: ReviewRecord) -> bool:
    return (one.at, one.part, one.field, one.value) == (other.at, other.part, other.field, other.value)


def _copied(seq: int, one: Carried, scan_id: str) -> dict[str, object]:
    made = one.correction
    return {
        "seq": seq,
        "at": made.at,
        "reviewer": made.reviewer,
        "action": made.action,
        "part": made.part,
        "row_index": one.row,
        "field": made.field,
        "value": to_json(made.value),
        "model_value": to_json(one.model_value),
        "comment": made.comment,
        "carried_from": made.carried_from or scan_id,
    }


async def _document(conn: AsyncConnection, seq: int) -> Envelope | None:
    text = (await conn.execute(select(readings.c.document).where(readings.c.seq == seq))).scalar()
    return None if text is None else Envelope.model_validate_json(text)
