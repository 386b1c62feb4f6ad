"""Converts stored records to the schemas of the API; shared by the API, exports and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.schemas.batches import BatchOut, RefusedPhoto
from pixel_agent.schemas.records import (
    CorrectionOut,
    LinksOut,
    PhotoOut,
    ReviewOut,
    ScanErrorOut,
    ScanRecordOut,
    ScanSummary,
)
from pixel_agent.schemas.webhooks import DeliveryOut, WebhookOut
from pixel_agent.storage.batches import BatchRecord
from pixel_agent.storage.corrections import ReviewRecord, corrections, overlay
from pixel_agent.storage.outbox import Delivery
from pixel_agent.storage.records import PhotoRecord, ScanRecord, moment
from pixel_agent.storage.webhooks import Webhook


def scan_summary(record: ScanRecord) -> ScanSummary:
    """One line of the history."""
    return ScanSummary.model_validate(_summary(record))


def scan_record(record: ScanRecord, reviews: Sequence[ReviewRecord] = ()) -> ScanRecordOut:
    """The whole record with all its reviews; the record must have been fetched with its document."""
    return ScanRecordOut.model_validate(
        {
            **_summary(record),
            "question": record.spec.question,
            "force": record.spec.force,
            "options": dict(record.spec.options),
            "attempts": record.attempts,
            "reading": reading_of(record, reviews),
            "corrections": [_correction(review) for review in corrections(reviews)],
            "reviews": [_review(review) for review in reviews],
            "problem": None if record.error is None else Problem.model_validate_json(record.error),
            "links": _links(record),
        }
    )


def reading_of(record: ScanRecord, reviews: Sequence[ReviewRecord] = ()) -> Envelope | None:
    """The corrected reading of a scan; None if there is no reading, or the document was not fetched."""
    if record.document is None:
        return None
    return overlay(Envelope.model_validate_json(record.document), reviews)


def batch_out(record: BatchRecord, eta_s: float | None, refused: Sequence[RefusedPhoto] = ()) -> BatchOut:
    """A batch; `refused`: the rejected photos of this request."""
    return BatchOut(
        batch_id=record.batch_id,
        name=record.name,
        status=record.state,
        task=record.spec.task,
        priority=record.spec.priority.value,
        store_id=record.spec.store_id,
        total=record.total,
        done=record.done,
        counts=dict(record.counts),
        eta_s=eta_s,
        created_at=moment(record.created_at),
        finished_at=None if record.finished_at is None else moment(record.finished_at),
        refused=list(refused),
    )


def webhook_out(webhook: Webhook) -> WebhookOut:
    """A webhook, without its secret."""
    at = moment(webhook.created_ms)
    return WebhookOut(webhook_id=webhook.webhook_id, url=webhook.url, kinds=list(webhook.kinds), created_at=at)


def delivery_out(delivery: Delivery) -> DeliveryOut:
    """A delivery, as the API lists it."""
    return DeliveryOut(
        delivery_id=delivery.delivery_id,
        webhook_id=delivery.webhook_id,
        event=delivery.event_seq,
        kind=delivery.kind,
        subject=delivery.subject,
        state=delivery.state,
        attempts=delivery.attempts,
        next_at=moment(delivery.next_ms) if delivery.state == "pending" else None,
        delivered_at=None if delivery.delivered_ms is None else moment(delivery.delivered_ms),
        last_error=delivery.last_error,
    )


def _photo(photo: PhotoRecord) -> PhotoOut:
    return PhotoOut(
        sha256=photo.sha256,
        width=photo.width,
        height=photo.height,
        media_type=photo.media_type,
        bytes=photo.bytes,
        available=photo.removed_at is None,
    )


def _correction(review: ReviewRecord) -> CorrectionOut:
    return CorrectionOut(
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


def _review(review: ReviewRecord) -> ReviewOut:
    return ReviewOut(
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


def _links(record: ScanRecord) -> LinksOut:
    here = f"/v1/scans/{record.scan_id}"
    seen = record.photo is not None and record.photo.removed_at is None
    return LinksOut(
        self=here,
        photo=f"{here}/photo" if seen else None,
        thumbnail=f"{here}/thumbnail" if seen else None,
        annotated=f"{here}/annotated" if seen and record.document else None,
        report=f"/v1/exports?format=html&scan_id={record.scan_id}" if record.document else None,
    )


def _summary(record: ScanRecord) -> dict[str, object]:
    problem = None if record.error is None else Problem.model_validate_json(record.error)
    return {
        "scan_id": record.scan_id,
        "status": record.status.value,
        "task": record.spec.task,
        "store_id": record.spec.store_id,
        "batch_id": record.batch_id,
        "priority": record.spec.priority.value,
        "lang": record.spec.lang,
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
        "photo": None if record.photo is None else _photo(record.photo),
        "error": None
        if problem is None
        else ScanErrorOut(code=record.error_code or problem.code, detail=problem.detail),
        "rerun_of": record.rerun_of,
    }


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else moment(at_ms)
