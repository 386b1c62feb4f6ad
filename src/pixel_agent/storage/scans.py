"""Records of scans: insert, finish, find, list, delete. Every function runs in the given transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import (
    delete as delete_from,
)
from sqlalchemy import (
    insert as insert_into,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Priority, Status
from pixel_agent.core.errors import NotFound
from pixel_agent.core.text import storable
from pixel_agent.schemas.records import ReviewState
from pixel_agent.storage import correction_transfer, search, topics
from pixel_agent.storage import photos as photo_rows
from pixel_agent.storage.records import (
    NewScan,
    Origin,
    Outcome,
    PhotoRecord,
    Position,
    ScanFilter,
    ScanRecord,
)
from pixel_agent.storage.specs import columns_of, spec_of
from pixel_agent.storage.tables import photos, readings, scan_codes, scan_words, scans

RANK = {Priority.INTERACTIVE: 0, Priority.NORMAL: 1, Priority.BULK: 2}
"""The order in which waiting scans are claimed."""
MOST = 2**31 - 1
"""A number above any possible count of scans."""
FEW = 2000
"""Up to this many scans found by a word or a code are filtered one by one. Above it, the history is read from its
newest end instead, because then every other page of it has matches."""


_WAITING = Outcome(Status.QUEUED, finished_at=0)


class NewEntry(NamedTuple):
    """A scan to insert, and its outcome if it has ended."""

    new: NewScan
    outcome: Outcome | None


class Deleted(NamedTuple):
    """Result of a deletion. `orphan` is the photo that no scan refers to any more: remove its file before the
    transaction ends, while its row is locked.
    """

    found: bool
    orphan: str | None


async def insert(conn: AsyncConnection, new: NewScan, outcome: Outcome | None = None) -> int:
    """Insert a scan, queued or already ended; returns its `seq`."""
    return (await insert_many(conn, [NewEntry(new, outcome)]))[0]


async def insert_many(conn: AsyncConnection, entries: Sequence[tuple[NewScan, Outcome | None]]) -> list[int]:
    """Insert many scans at once; returns their `seq` in the same order."""
    await photo_rows.upsert(conn, [photo for entry in entries if (photo := _photo_of(*entry)) is not None])
    rows = [{**_new_columns(new), **_outcome_columns(outcome or _WAITING)} for new, outcome in entries]
    found = await conn.execute(insert_into(scans).returning(scans.c.scan_id, scans.c.seq), rows)
    seqs = {row.scan_id: row.seq for row in found}
    numbers = [int(seqs[new.scan_id]) for new, _ in entries]
    words = [
        {"seq": seq, "words": _searched(new) + (outcome.words if outcome else "")}
        for seq, (new, outcome) in zip(numbers, entries, strict=True)
    ]
    await conn.execute(insert_into(scan_words), words)
    await _add_results(conn, [(seq, outcome) for seq, (_, outcome) in zip(numbers, entries, strict=True) if outcome])
    return numbers


async def finish(conn: AsyncConnection, seq: int, outcome: Outcome, *, owner: str | None = None) -> bool:
    """End a scan. False, without a change, if it is deleted, has ended already, or belongs to another owner."""
    mine = and_(
        scans.c.seq == seq,
        scans.c.status.in_([Status.QUEUED.value, Status.RUNNING.value]),
        true() if owner is None else scans.c.owner == owner,
    )
    values = {**_outcome_columns(outcome), "owner": None, "lease_until": None}
    if (await conn.execute(update(scans).where(mine).values(values))).rowcount != 1:
        return False
    await _add_results(conn, [(seq, outcome)])
    await search.add_words(conn, seq, outcome.words)
    if outcome.photo is not None:
        await photo_rows.learn(conn, outcome.photo)
    return True


async def finish_many(conn: AsyncConnection, ended: Sequence[tuple[int, Outcome]]) -> None:
    """End unfinished scans that the transaction has locked, in a constant number of statements."""
    freed = {"owner": None, "lease_until": None, "available_at": None}
    rows = [{"this": seq, **_outcome_columns(outcome), **freed} for seq, outcome in ended]
    await conn.execute(update(scans).where(scans.c.seq == bindparam("this")), rows)
    await _add_results(conn, ended)
    await search.add_words_of(conn, {seq: outcome.words for seq, outcome in ended})


async def of_ids(conn: AsyncConnection, scan_ids: Sequence[str]) -> dict[str, ScanRecord]:
    """The existing scans among these ids, by id, without documents."""
    rows = await conn.execute(_records(False).where(scans.c.scan_id.in_(scan_ids)))
    return {row["scan_id"]: _record(row) for row in rows.mappings()}


async def get(conn: AsyncConnection, scan_id: str, *, document: bool = True) -> ScanRecord | None:
    """One scan, None if the id is unknown."""
    query = _records(document).where(scans.c.scan_id == scan_id)
    row = (await conn.execute(query)).mappings().first()
    return None if row is None else _record(row)


async def page(
    conn: AsyncConnection,
    wanted: ScanFilter,
    after: Position | None = None,
    limit: int = 50,
    *,
    documents: bool = False,
) -> list[ScanRecord]:
    """The newest matching scans older than `after`; fewer than `limit` only at the end."""
    picked = await _picked(conn, wanted, after, limit)
    if picked is None:
        return []
    chosen = picked.subquery("picked")
    query = _records(documents).join(chosen, chosen.c.seq == scans.c.seq)
    rows = await conn.execute(query.order_by(scans.c.received_at.desc(), scans.c.seq.desc()))
    return [_record(row) for row in rows.mappings()]


async def count(conn: AsyncConnection, wanted: ScanFilter) -> int:
    """How many scans match."""
    picked = await _picked(conn, wanted, None, MOST)
    if picked is None:
        return 0
    return int((await conn.execute(select(func.count()).select_from(picked.subquery()))).scalar_one())


def not_found(scan_id: str) -> NotFound:
    """The error for an unknown scan id."""
    shown = scan_id[:32].encode("unicode_escape").decode("ascii")
    return NotFound(f"There is no scan {shown!r}.", "It may have been deleted; GET /v1/scans lists all that are kept.")


async def delete(conn: AsyncConnection, scan_id: str) -> Deleted:
    """Delete a scan and its dependent rows; see `Deleted`."""
    gone = await conn.execute(delete_from(scans).where(scans.c.scan_id == scan_id).returning(scans.c.photo_sha256))
    row = gone.first()
    if row is None:
        return Deleted(found=False, orphan=None)
    sha256 = row.photo_sha256
    unused = sha256 is not None and await photo_rows.drop_unused(conn, sha256)
    return Deleted(found=True, orphan=sha256 if unused else None)


def kept_name(filename: str | None) -> str | None:
    """A file name as stored: at most 400 characters, without characters that no database accepts. Pure."""
    return _cut(filename, 400)


def _photo_of(new: NewScan, outcome: Outcome | None) -> PhotoRecord | None:
    """The photo, with the values found by decoding it."""
    shown = outcome.photo if outcome else None
    if new.photo is None or shown is None:
        return new.photo
    return replace(new.photo, media_type=shown.media_type, width=shown.width, height=shown.height)


def _new_columns(new: NewScan) -> dict[str, object]:
    return {
        "scan_id": new.scan_id,
        "origin": new.origin,
        **columns_of(new.spec, scans),
        "rank": RANK[new.spec.priority],
        "filename": kept_name(new.filename),
        "photo_sha256": new.photo.sha256 if new.photo else None,
        "batch_id": new.batch_id,
        "batch_index": new.batch_index,
        "rerun_of": new.rerun_of,
        "received_at": new.received_at,
        "deadline_at": new.deadline_at,
    }


def _outcome_columns(outcome: Outcome) -> dict[str, object]:
    return {
        "status": outcome.status.value,
        "finished_at": outcome.finished_at or None,
        "engine": _cut(outcome.engine, 40),
        "simulated": outcome.simulated,
        "captured_at": outcome.captured_at,
        "summary": _cut(outcome.summary),
        "items": outcome.items,
        "findings": outcome.findings,
        "alerts": outcome.alerts,
        "severity": outcome.severity,
        "review": outcome.review,
        "total_ms": outcome.total_ms,
        "error_code": outcome.error_code,
        "error": _cut(outcome.error),
    }


async def _add_results(conn: AsyncConnection, ended: Sequence[tuple[int, Outcome]]) -> None:
    documents = [{"seq": seq, "document": _cut(outcome.document)} for seq, outcome in ended if outcome.document]
    if documents:
        await conn.execute(insert_into(readings), documents)
    codes = [{"gtin": gtin, "seq": seq} for seq, outcome in ended for gtin in dict.fromkeys(outcome.gtins)]
    if codes:
        await conn.execute(insert_into(scan_codes), codes)
    await topics.add(conn, [(seq, outcome.topics) for seq, outcome in ended])
    await correction_transfer.carry_over(conn, [seq for seq, outcome in ended if outcome.document])


def _searched(new: NewScan) -> str:
    said = search.words_of(text for text in (new.filename, new.spec.store_id, new.spec.question) if text)
    return f"{said} {search.task_word(new.spec.task)} "


def _cut(text: str | None, most: int | None = None) -> str | None:
    """A text that a database accepts: no NUL, no lone surrogate, not longer than the column."""
    return None if text is None else storable(text, most)


# Search


async def _picked(
    conn: AsyncConnection, wanted: ScanFilter, after: Position | None, limit: int
) -> Select[tuple[int, int]] | None:
    """The query for `seq` and `received_at` of a page; None if nothing can match."""
    conditions = _conditions(wanted)
    if after is not None:
        conditions.append(tuple_(scans.c.received_at, scans.c.seq) < tuple_(after.received_at, after.seq))
    few, sqlite = False, conn.dialect.name == "sqlite"
    if wanted.gtin:
        found = select(scan_codes.c.seq).where(scan_codes.c.gtin == wanted.gtin.zfill(14))
        few = await _few(conn, found)
        of_scan = and_(scan_codes.c.gtin == wanted.gtin.zfill(14), scan_codes.c.seq == scans.c.seq)
        here = _each(select(scan_codes.c.seq).where(of_scan), sqlite=sqlite)
        conditions.append(_among(found, sqlite=sqlite) if few else here)
    if wanted.text and wanted.text.strip():
        asked = search.tokens(wanted.text, query=True)[: search.MAX_QUERY_TOKENS]
        if not asked:
            return None
        of_task = [search.task_word(wanted.task)] if wanted.task else []
        if not sqlite:
            await conn.execute(search.BY_INDEX)
        found = search.matching([*asked, *of_task], sqlite=sqlite)
        rare = not few and await _few(conn, found)
        few = few or rare
        of_scan = and_(scan_words.c.seq == scans.c.seq, search.has_all(asked))
        here = _each(select(scan_words.c.seq).where(of_scan), sqlite=sqlite)
        conditions.append(_among(found, sqlite=sqlite) if rare else here)
    return _ordered(conditions, wanted.statuses, limit, few=few)


async def _few(conn: AsyncConnection, found: Select[tuple[int]]) -> bool:
    number = select(func.count()).select_from(found.limit(FEW + 1).subquery())
    return (await conn.execute(number)).scalar_one() <= FEW


def _among(found: Select[tuple[int]], *, sqlite: bool) -> ColumnElement[bool]:
    """Condition: one of the few found scans. On PostgreSQL they are found first, or it may scan all others instead."""
    if sqlite:
        return scans.c.seq.in_(found)
    first = found.cte(nesting=True).prefix_with("MATERIALIZED")
    return scans.c.seq.in_(select(first.c.seq))


def _each(held: Select[tuple[int]], *, sqlite: bool) -> ColumnElement[bool]:
    """Condition checked per scan while reading; the offset stops PostgreSQL from turning it into one join over all."""
    return (held if sqlite else held.offset(0)).correlate(scans).exists()


def _conditions(wanted: ScanFilter) -> list[ColumnElement[bool]]:
    equal = {
        "task": wanted.task,
        "store_id": wanted.store_id,
        "batch_id": wanted.batch_id,
        "review": wanted.review,
        "severity": wanted.severity,
    }
    conditions: list[ColumnElement[bool]] = [
        scans.c[name] == value for name, value in equal.items() if value is not None
    ]
    if wanted.since is not None:
        conditions.append(scans.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(scans.c.received_at < wanted.until)
    if wanted.scan_ids:
        conditions.append(scans.c.scan_id.in_(wanted.scan_ids))
    return conditions


def _ordered(
    conditions: Sequence[ColumnElement[bool]], statuses: Sequence[Status], limit: int, *, few: bool
) -> Select[tuple[int, int]]:
    """The first scans that match the conditions.

    If there are few, they are sorted; else an index gives the order (the plus sign takes this choice from the planner).
    Each status has its own index order, so several statuses are merged from one list each.
    """
    at = literal_column("+scans.received_at") if few else scans.c.received_at

    def one(*more: ColumnElement[bool]) -> Select[tuple[int, int]]:
        chosen = select(scans.c.seq, scans.c.received_at).where(true(), *conditions, *more)
        return chosen.order_by(at.desc(), scans.c.seq.desc()).limit(limit)

    states = [status.value for status in dict.fromkeys(statuses)]
    if len(states) < 2 or few:
        return one(*([scans.c.status.in_(states)] if states else []))
    lists = [one(scans.c.status == state).subquery() for state in states]
    merged = union_all(*(select(part.c.seq, part.c.received_at) for part in lists)).subquery("merged")
    return (
        select(merged.c.seq, merged.c.received_at)
        .order_by(merged.c.received_at.desc(), merged.c.seq.desc())
        .limit(limit)
    )


_PHOTO = ("bytes", "media_type", "width", "height", "removed_at")


def _records(document: bool) -> Select[tuple[object, ...]]:
    columns = [*scans.c, *(photos.c[name].label(f"photo_{name}") for name in _PHOTO)]
    joined = scans.outerjoin(photos, photos.c.sha256 == scans.c.photo_sha256)
    if document:
        columns.append(readings.c.document)
        joined = joined.outerjoin(readings, readings.c.seq == scans.c.seq)
    return select(*columns).select_from(joined)


def _record(row: RowMapping) -> ScanRecord:
    sha256 = row["photo_sha256"]
    return ScanRecord(
        seq=row["seq"],
        scan_id=row["scan_id"],
        origin=cast(Origin, row["origin"]),
        status=Status(row["status"]),
        spec=spec_of(row),
        filename=row["filename"],
        photo=None if sha256 is None else PhotoRecord(sha256, *(row[f"photo_{name}"] for name in _PHOTO)),
        batch_id=row["batch_id"],
        batch_index=row["batch_index"],
        rerun_of=row["rerun_of"],
        received_at=row["received_at"],
        deadline_at=row["deadline_at"],
        finished_at=row["finished_at"],
        attempts=row["attempts"],
        engine=row["engine"],
        simulated=row["simulated"],
        captured_at=row["captured_at"],
        summary=row["summary"],
        items=row["items"],
        findings=row["findings"],
        alerts=row["alerts"],
        severity=row["severity"],
        review=cast(ReviewState, row["review"]),
        total_ms=row["total_ms"],
        error_code=row["error_code"],
        error=row["error"],
        document=row.get("document"),
    )
