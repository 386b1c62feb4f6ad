"""Converts a finished or failed scan to the outcome that is stored. Used by the recorder and the worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from pixel_agent.core import Review, Row, Scan, Severity, Status
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import DeadlineExceeded, PixelAgentError, ScanCancelled
from pixel_agent.schemas.records import ReviewState
from pixel_agent.storage.records import Outcome, PhotoRecord, millis, now_ms
from pixel_agent.storage.search import words_of
from pixel_agent.storage.topics import topics_of

_WORST_FIRST = (Severity.CRITICAL.value, Severity.MAJOR.value, Severity.MINOR.value, Severity.INFO.value)


def outcome_of(scan: Scan) -> Outcome:
    """The outcome of a finished scan, with the current time as its end."""
    reading = scan.reading
    rows = (*reading.items, *reading.findings)
    return Outcome(
        status=scan.status,
        finished_at=now_ms(),
        engine=scan.engine.name,
        simulated=scan.engine.simulated,
        captured_at=None if scan.captured_at is None else millis(scan.captured_at),
        summary=reading.summary,
        items=len(reading.items),
        findings=len(reading.findings),
        alerts=len(reading.alerts),
        severity=_worst(scan),
        review=_review(rows),
        total_ms=scan.timings.get("total"),
        document=Envelope.of(scan).model_dump_json(),
        gtins=tuple(dict.fromkeys(_gtins(rows))),
        words=words_of(_texts(scan)),
        topics=topics_of(reading),
        photo=_photo(scan),
    )


def outcome_of_error(error: PixelAgentError) -> Outcome:
    """The outcome of a scan that failed, expired or was cancelled."""
    status = (
        Status.EXPIRED
        if isinstance(error, DeadlineExceeded)
        else Status.CANCELLED
        if isinstance(error, ScanCancelled)
        else Status.FAILED
    )
    problem = Problem.of(error).model_dump_json(exclude_none=True)
    return Outcome(status=status, finished_at=now_ms(), error_code=error.code, error=problem)


def _worst(scan: Scan) -> str | None:
    """The worst severity of findings and alerts."""
    rated = {row.fields.get("severity") for row in scan.reading.findings}
    rated |= {alert.severity.value for alert in scan.reading.alerts}
    return next((severity for severity in _WORST_FIRST if severity in rated), None)


def _review(rows: Iterable[Row]) -> ReviewState:
    return "advised" if any(row.review is Review.ADVISED for row in rows) else "none"


def _gtins(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        gtin = row.fields.get("gtin")
        if isinstance(gtin, str) and gtin.isascii() and gtin.isdigit() and 8 <= len(gtin) <= 14:
            yield gtin.zfill(14)


def _photo(scan: Scan) -> PhotoRecord | None:
    if scan.photo_sha256 is None:
        return None
    return PhotoRecord(scan.photo_sha256, 0, scan.media_type or "", scan.width, scan.height)


def _texts(scan: Scan) -> Iterator[str]:
    """The searchable texts of a reading; the model's raw text only if there are no rows."""
    reading = scan.reading
    yield reading.summary
    for row in (*reading.items, *reading.findings):
        yield from _strings(dict(row.fields), numbers=True)
    for alert in reading.alerts:
        yield alert.message
    yield from _strings(dict(reading.totals))
    if not (reading.items or reading.findings):
        yield reading.raw_text


def _strings(value: JsonValue, *, numbers: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner, numbers=numbers)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, numbers=numbers)
    elif numbers and isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
