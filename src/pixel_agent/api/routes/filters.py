"""Conversion of query parameters to the filter of the storage."""

from __future__ import annotations

from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.queries import FilterQuery, PeriodQuery
from pixel_agent.storage.records import ScanFilter, millis
from pixel_agent.tasks import Catalogue


def scan_filter(query: PeriodQuery, catalogue: Catalogue) -> ScanFilter:
    """Convert a query. Raises UnknownTask, and InvalidRequest if `until` is not after `since`."""
    if query.since and query.until and query.until <= query.since:
        raise InvalidRequest("`until` is not after `since`.", "Give a later `until`, or leave it out.")
    wanted = ScanFilter(
        task=catalogue.find(query.task).id if query.task else None,
        store_id=query.store_id,
        since=millis(query.since) if query.since else None,
        until=millis(query.until) if query.until else None,
    )
    if not isinstance(query, FilterQuery):
        return wanted
    return ScanFilter(
        task=wanted.task,
        statuses=tuple(query.status),
        store_id=wanted.store_id,
        batch_id=query.batch_id,
        since=wanted.since,
        until=wanted.until,
        text=query.q,
        gtin=query.gtin,
        review=query.review,
        severity=query.severity,
        scan_ids=tuple(query.scan_id),
    )
