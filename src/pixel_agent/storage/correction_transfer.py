"""Copies corrections to a new scan of the same photo as it ends, so that a rerun does not lose them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Status
from pixel_agent.core.envelope import Envelope
from pixel_agent.storage.correction_matching import Carried, carried
from pixel_agent.storage.corrections import ReviewRecord, corrections, review_state
from pixel_agent.storage.records import ScanRecord
from pixel_agent.storage.reviews import index_codes, to_json
from pixel_agent.storage.reviews import of_scan as reviews_of
from pixel_agent.storage.tables import readings, reviews, scans

_earlier = scans.alias("earlier")
_put_right = (
    select(reviews.c.seq)
    .where(
        reviews.c.seq == _earlier.c.seq,
        reviews.c.action == "correct",
        reviews.c.undone_at.is_(None),
        reviews.c.row_index.is_not(None),
    )
    .exists()
)
# Built once: it runs for every scan that ends.
_CORRECTED_BEFORE = (
    select(scans.c.seq, func.max(_earlier.c.seq))
    .join(
        _earlier,
        and_(
            _earlier.c.photo_sha256 == scans.c.photo_sha256,
            _earlier.c.task == scans.c.task,
            _earlier.c.seq < scans.c.seq,
        ),
    )
    .where(scans.c.seq.in_(bindparam("seqs", expanding=True)), _put_right)
    .group_by(scans.c.seq)
)


async def carry_over(conn: AsyncConnection, seqs: Sequence[int]) -> None:
    """Copy the corrections of earlier readings of the same photo and task to scans that have just ended.

    Each scan takes the corrections of the latest earlier corrected scan. A correction that matches no row of the new
    reading is copied without a row.
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
            state = review_state(after, await reviews_of(conn, seq))
            await conn.execute(update(scans).where(scans.c.seq == seq).values(review=state.value))
            await index_codes(conn, seq, after, await reviews_of(conn, seq))


async def _corrected_before(conn: AsyncConnection, seqs: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of a scan and the latest earlier corrected scan of the same photo and task, where one exists."""
    found = await conn.execute(_CORRECTED_BEFORE, {"seqs": list(seqs)})
    return [(int(seq), int(last)) for seq, last in found]


async def _from_origin(conn: AsyncConnection, lost: ReviewRecord, after: Envelope) -> Carried:
    """Match a correction without a row again, from the scan where it was made, if that scan still exists."""
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


async def latest_readings(
    conn: AsyncConnection, records: Sequence[ScanRecord], statuses: Sequence[Status]
) -> dict[str, str]:
    """Map each scan id to the id of its newest rerun for the same task (`rerun_of`), or to itself.

    Only scans in one of the given states count; a scan with none in these states is omitted.
    """
    again = select(scans.c.seq, scans.c.scan_id, scans.c.rerun_of, scans.c.status).where(
        scans.c.photo_sha256.in_({record.photo.sha256 for record in records if record.photo}),
        scans.c.task.in_({record.spec.task for record in records}),
        scans.c.rerun_of.is_not(None),
    )
    reruns = (await conn.execute(again.order_by(scans.c.seq))).all()
    parent = {row.scan_id: row.rerun_of for row in reruns}
    found = {record.scan_id: record.scan_id for record in records if record.status in statuses}
    roots = {record.scan_id for record in records}
    for row in reruns:  # in order of arrival, so that the newest remains
        root = row.rerun_of
        while root not in roots and root in parent:
            root = parent[root]
        if root in roots and row.scan_id not in roots and row.status in statuses:
            found[root] = row.scan_id
    return found
