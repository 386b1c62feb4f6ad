"""Reviews: confirm, correct, comment, undo; and the model's accuracy measured from them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import JsonValue

from pixel_agent.api.http.clients import client_of
from pixel_agent.api.http.ids import ScanId
from pixel_agent.api.http.json_body import parse_model
from pixel_agent.api.http.problems import json_body
from pixel_agent.api.http.uploads import read_body
from pixel_agent.api.routes.filters import scan_filter
from pixel_agent.api.routes.history import PROBLEMS, record_answer, whole
from pixel_agent.core import Task
from pixel_agent.core.envelope import Envelope, RowOut
from pixel_agent.core.errors import Conflict, InvalidRequest, UnknownTask
from pixel_agent.schemas.queries import PeriodQuery
from pixel_agent.schemas.records import ScanRecordOut
from pixel_agent.schemas.reviews import AccuracyOut, FieldAccuracy, Part, ReviewIn, TaskAccuracy
from pixel_agent.service.service import ScanService
from pixel_agent.storage import accuracy, reviews
from pixel_agent.storage.corrections import rows_of
from pixel_agent.storage.records import ScanRecord
from pixel_agent.storage.reviews import NewReview
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.amending import check_value
from pixel_agent.tasks.options import INNER

_ADVICE = 'Send for example {"action": "correct", "part": "items", "row": 0, "field": "price", "value": 12.5}.'

router = APIRouter(tags=["review"], responses=PROBLEMS)


@router.post(
    "/v1/scans/{scan_id}/reviews",
    status_code=201,
    summary="Confirm, correct or comment",
    response_model=ScanRecordOut,
    openapi_extra=json_body(ReviewIn),
)
async def add_review(request: Request, scan_id: ScanId) -> Response:
    """`confirm` a row or the whole scan, `correct` one field of one row, or leave a `comment`.

    The model's value is stored next to the correction; running the scan again does not overwrite the review.
    """
    service: ScanService = request.app.state.service
    said = await parse_model(ReviewIn, await read_body(request, service.settings, most=0), _ADVICE)
    client = client_of(request)
    await service.storage.history.review(scan_id, lambda record: _checked(said, record, service.catalogue, client))
    return record_answer(await whole(service, scan_id), 201)


@router.delete("/v1/scans/{scan_id}/reviews/{review_id}", summary="Take a review back", response_model=ScanRecordOut)
async def undo_review(request: Request, scan_id: ScanId, review_id: Annotated[int, Path(ge=0, le=2**53)]) -> Response:
    """The review stays in the list, marked as undone; the value that it replaced is shown again."""
    service: ScanService = request.app.state.service
    await service.storage.history.undo_review(scan_id, review_id)
    return record_answer(await whole(service, scan_id))


@router.get("/v1/accuracy", summary="How often the model was right")
async def get_accuracy(request: Request, query: Annotated[PeriodQuery, Query()]) -> AccuracyOut:
    """Accuracy by task and field, over reviewed scans.

    A corrected value counts as wrong, every other value of a confirmed row as right. A value that the model left empty
    counts only if a reviewer filled it in.
    """
    service: ScanService = request.app.state.service
    measured = await service.storage.history.accuracy(scan_filter(query, service.catalogue))
    return AccuracyOut(tasks=[_task_accuracy(one) for one in measured])


def _task_accuracy(measured: accuracy.Accuracy) -> TaskAccuracy:
    return TaskAccuracy(
        task=measured.task,
        scans_reviewed=measured.scans,
        fields=[
            FieldAccuracy(
                field=field,
                reviewed=number,
                correct=measured.right[field],
                accuracy=round(measured.right[field] / number, 4),
            )
            for field, number in measured.judged.most_common()
        ],
    )


def _checked(said: ReviewIn, record: ScanRecord, catalogue: Catalogue, client: str) -> NewReview:
    """The review to record. Raises InvalidRequest, and Conflict if there is nothing to review."""
    reviewer = (said.by or "").strip() or client or "unknown"
    comment = said.comment.strip()
    if said.action != "correct" and (said.field is not None or said.value is not None):
        raise InvalidRequest(f"`{said.action}` takes no field and no value.", "Use `correct` to put a value right.")
    if said.row is not None and said.part is None:
        raise InvalidRequest("`row` needs `part`.", "Say whether it is a row of items or of findings.")
    if said.action == "comment" and not comment:
        raise InvalidRequest("The comment is empty.", "Say something in `comment`.")
    envelope = reviews.envelope_of(record)
    if envelope is None and (said.action != "comment" or said.part is not None):
        raise Conflict(
            f"The scan is {record.status.value} and has no reading to review.", "Only its comment can be written."
        )
    row = None if envelope is None else _row(envelope, said.part, said.row)
    value = None
    if said.action == "correct":
        if row is None or said.field is None or "value" not in said.model_fields_set:
            raise InvalidRequest("`correct` needs part, row, field and value.", "A value that nobody can read is null.")
        value = _value(said.field, said.value, row, record, envelope, catalogue)
    return NewReview(reviewer, said.action, said.part, said.row, said.field, value, comment)


def _row(envelope: Envelope, part: Part | None, number: int | None) -> RowOut | None:
    if part is None or number is None:
        return None
    rows = rows_of(envelope, part)
    if number >= len(rows):
        raise InvalidRequest(
            f"There is no row {number} in {part}.",
            f"It has {len(rows)} rows, counted from 0." if rows else f"{part} has no rows.",
        )
    return rows[number]


def _value(
    field: str, value: JsonValue, row: RowOut, record: ScanRecord, envelope: Envelope | None, catalogue: Catalogue
) -> JsonValue:
    image = envelope.image if envelope else None
    task = _task(catalogue, record.spec.task)
    inner = (
        _task(catalogue, str(record.spec.options.get(INNER) or task.options[INNER]))
        if task and task.photos > 1
        else None
    )
    size = (image.width, image.height) if image else None
    return check_value(row.model_extra or {}, field, value, task, inner, size)


def _task(catalogue: Catalogue, name: str) -> Task | None:
    """The task; None if it is no longer in the catalogue."""
    try:
        return catalogue.find(name)
    except UnknownTask:
        return None
