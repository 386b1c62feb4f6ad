"""Finds the visits to a shop: which scans belong to a visit, and which reading of each photo counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Status
from pixel_agent.storage import correction_transfer, reviews, scans
from pixel_agent.storage.corrections import ReviewRecord
from pixel_agent.storage.records import ScanFilter, ScanRecord

READ: Final = (Status.COMPLETED, Status.PARTIAL)
"""States of scans that have a reading to compare."""


class ReadScan(NamedTuple):
    """The scan with which a photo was uploaded (not a rerun), and the id of the latest scan of this photo."""

    record: ScanRecord
    reading_id: str


class Visit(NamedTuple):
    """Scans with documents, the newest first, and their reviews by `seq`."""

    records: Sequence[ScanRecord]
    reviews: dict[int, list[ReviewRecord]]


async def read_scans(conn: AsyncConnection, wanted: ScanFilter, limit: int) -> list[ReadScan]:
    """Of the newest matching scans, those whose photos have a reading; the newest first.

    A photo belongs to the visit in which it was first received, even if it was read again later.
    """
    records = [one for one in await scans.page(conn, wanted, limit=limit) if one.rerun_of is None]
    latest = await correction_transfer.latest_readings(conn, records, READ)
    return [ReadScan(one, latest[one.scan_id]) for one in records if one.scan_id in latest]


async def load(conn: AsyncConnection, scan_ids: Sequence[str]) -> Visit:
    """These scans with documents and reviews; deleted ones are omitted."""
    records = await scans.page(conn, ScanFilter(scan_ids=tuple(scan_ids)), limit=len(scan_ids), documents=True)
    return Visit(records, await reviews.of_scans(conn, [record.seq for record in records]))
