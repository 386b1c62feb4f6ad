"""What a recorded scan looks like outside: a line of a list, and the whole record with its reading and its reviews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field, JsonValue

from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.storage.corrections import ReviewRecord, corrections, overlay
from pixel_agent.storage.records import PhotoRecord, ScanRecord, moment


class PhotoOut(BaseModel):
    """The photo of a scan, as far as it is known."""

    sha256: str
    width: int | None
    height: int | None
    media_type: str
    bytes: int
    available: bool = Field(description="False once it was deleted to make room; the reading stays.")

    @classmethod
    def of(cls, photo: PhotoRecord) -> PhotoOut:
        """From the store's noun."""
        return cls(
            sha256=photo.sha256,
            width=photo.width,
            height=photo.height,
            media_type=photo.media_type,
            bytes=photo.bytes,
            available=photo.removed_at is None,
        )


class ErrorOut(BaseModel):
    """Why a scan failed, in short."""

    code: str
    detail: str


class ScanSummary(BaseModel):
    """One line of the history. Times are UTC."""

    scan_id: str
    status: str
    task: str
    store_id: str | None
    batch_id: str | None
    priority: str
    lang: str
    filename: str | None
    received_at: datetime
    finished_at: datetime | None
    captured_at: datetime | None
    summary: str
    items: int
    findings: int
    alerts: int
    severity: str | None = Field(description="The worst of findings and alerts; null where there are none.")
    review: str = Field(description="`none`, `advised`, `confirmed` or `corrected`.")
    simulated: bool
    engine: str | None
    total_ms: float | None
    photo: PhotoOut | None
    error: ErrorOut | None
    rerun_of: str | None

    @classmethod
    def of(cls, record: ScanRecord) -> ScanSummary:
        """From the store's noun."""
        return cls.model_validate(_summary(record))


class CorrectionOut(BaseModel):
    """A value that a person put right; it stands in the reading instead of the model's."""

    review_id: int
    at: datetime
    by: str
    part: str
    row: int | None = Field(description="Null where a carried correction matches no row of the new reading.")
    field: str
    value: JsonValue
    model_value: JsonValue
    carried_from: str | None = Field(description="The scan of the same photo in which it was made, if in another.")

    @classmethod
    def of(cls, review: ReviewRecord) -> CorrectionOut:
        """From the store's noun."""
        return cls(
            review_id=review.id,
            at=moment(review.at),
            by=review.reviewer,
            part=review.part or "",
            row=review.row,
            field=review.field or "",
            value=review.value,
            model_value=review.model_value,
            carried_from=review.carried_from,
        )


class ReviewOut(BaseModel):
    """What a person did, undone ones included, in order."""

    id: int
    at: datetime
    by: str
    action: str = Field(description="`confirm`, `correct` or `comment`.")
    part: str | None = Field(description="`items` or `findings`; null: the whole scan.")
    row: int | None
    field: str | None
    value: JsonValue
    model_value: JsonValue
    comment: str
    undone: bool
    undone_at: datetime | None
    carried_from: str | None

    @classmethod
    def of(cls, review: ReviewRecord) -> ReviewOut:
        """From the store's noun."""
        return cls(
            id=review.id,
            at=moment(review.at),
            by=review.reviewer,
            action=review.action,
            part=review.part,
            row=review.row,
            field=review.field,
            value=review.value,
            model_value=review.model_value,
            comment=review.comment,
            undone=review.undone_at is not None,
            undone_at=_moment(review.undone_at),
            carried_from=review.carried_from,
        )


class LinksOut(BaseModel):
    """Where to find what belongs to a scan; null for what is not there."""

    self: str
    photo: str | None
    thumbnail: str | None
    annotated: str | None
    report: str | None

    @classmethod
    def of(cls, record: ScanRecord) -> LinksOut:
        """Of a recorded scan."""
        here = f"/v1/scans/{record.scan_id}"
        seen = record.photo is not None and record.photo.removed_at is None
        return cls(
            self=here,
            photo=f"{here}/photo" if seen else None,
            thumbnail=f"{here}/thumbnail" if seen else None,
            annotated=f"{here}/annotated" if seen and record.document else None,
            report=f"/v1/exports?format=html&scan_id={record.scan_id}" if record.document else None,
        )


class ScanRecordOut(ScanSummary):
    """All that is kept of one scan."""

    question: str | None
    force: bool
    options: dict[str, JsonValue]
    attempts: int
    reading: Envelope | None = Field(description="The envelope, with what people put right laid over it.")
    corrections: list[CorrectionOut]
    reviews: list[ReviewOut]
    problem: Problem | None
    links: LinksOut

    @classmethod
    def whole(cls, record: ScanRecord, reviews: Sequence[ReviewRecord] = ()) -> ScanRecordOut:
        """From the store's noun, fetched with its document, and all its reviews."""
        reading = reading_of(record, reviews)
        return cls.model_validate(
            {
                **_summary(record),
                "question": record.question,
                "force": record.force,
                "options": dict(record.options),
                "attempts": record.attempts,
                "reading": reading,
                "corrections": [CorrectionOut.of(review) for review in corrections(reviews)],
                "reviews": [ReviewOut.of(review) for review in reviews],
                "problem": None if record.error is None else Problem.model_validate_json(record.error),
                "links": LinksOut.of(record),
            }
        )


class ScanPage(BaseModel):
    """A page of the history, newest first."""

    scans: list[ScanSummary]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


def reading_of(record: ScanRecord, reviews: Sequence[ReviewRecord] = ()) -> Envelope | None:
    """What a scan read, as people have put it right; None where it has not, or the document was not fetched."""
    if record.document is None:
        return None
    return overlay(Envelope.model_validate_json(record.document), reviews)


def _summary(record: ScanRecord) -> dict[str, object]:
    problem = None if record.error is None else Problem.model_validate_json(record.error)
    return {
        "scan_id": record.scan_id,
        "status": record.status.value,
        "task": record.task,
        "store_id": record.store_id,
        "batch_id": record.batch_id,
        "priority": record.priority.value,
        "lang": record.lang,
        "filename": record.filename,
        "received_at": moment(record.received_at),
        "finished_at": _moment(record.finished_at),
        "captured_at": _moment(record.captured_at),
        "summary": record.summary,
        "items": record.items,
        "findings": record.findings,
        "alerts": record.alerts,
        "severity": record.severity,
        "review": record.review,
        "simulated": record.simulated,
        "engine": record.engine,
        "total_ms": record.total_ms,
        "photo": None if record.photo is None else PhotoOut.of(record.photo),
        "error": None if problem is None else ErrorOut(code=record.error_code or problem.code, detail=problem.detail),
        "rerun_of": record.rerun_of,
    }


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)
