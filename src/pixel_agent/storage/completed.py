"""Inserts scans that have already ended: the synchronous ones. Used by the recorder and the journal recovery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.storage import events, scans
from pixel_agent.storage.records import NewScan, Outcome


class Completed(NamedTuple):
    """A scan and its outcome."""

    new: NewScan
    outcome: Outcome


async def insert(conn: AsyncConnection, ended: Sequence[Completed]) -> None:
    """Insert ended scans and append their events."""
    await scans.insert_many(conn, ended)
    await events.scans_ended(conn, ended)


async def insert_new(conn: AsyncConnection, ended: Sequence[Completed]) -> list[str]:
    """Insert ended scans that were never inserted, so deleted ones do not return; returns their ids."""
    by_id = {each.new.scan_id: each for each in ended}
    known = {*await scans.of_ids(conn, list(by_id)), *await events.told_of(conn, list(by_id))}
    new = [scan_id for scan_id in by_id if scan_id not in known]
    if new:
        await insert(conn, [by_id[scan_id] for scan_id in new])
    return new
