"""Applies reviews to a reading when it is shown; the stored document itself never changes. Pure.

`overlay` gives the reviewed reading, `review_state` its state in the list, and `marks` which of the model's values were
right. `correction_transfer` copies corrections to a rerun of the same photo.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core import Review, Source
from pixel_agent.core.envelope import Envelope, RowOut
from pixel_agent.schemas.reviews import Part

Action: TypeAlias = Literal["confirm", "correct", "comment"]
PARTS: Final[tuple[Part, ...]] = ("items", "findings")

EVIDENCE: Final = frozenset(RowOut.model_fields)
"""Fields that every row has in addition to the task's own fields."""
EMPTY: Final[tuple[JsonValue, ...]] = (None, "", [], {})
"""Values that count as empty."""
UNJUDGED: Final = frozenset({"kind", "change", "gtin_source", "count_is_estimate"})
"""Fields that describe the origin of a row; a confirmation does not cover them."""


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """One action of a reviewer. Times are milliseconds UTC; `row` is None for the whole scan, or if a transferred
    correction matched no row."""

    id: int
    at: int
    reviewer: str
    action: Action
    part: Part | None = None
    row: int | None = None
    field: str | None = None
    value: JsonValue = None
    model_value: JsonValue = None
    comment: str = ""
    undone_at: int | None = None
    carried_from: str | None = None


def in_force(reviews: Sequence[ReviewRecord]) -> list[ReviewRecord]:
    """The reviews that were not undone."""
    return [review for review in reviews if review.undone_at is None]


def corrections(reviews: Sequence[ReviewRecord]) -> list[ReviewRecord]:
    """The corrections in force, in order: per field the last one, plus all that match no row."""
    found: dict[tuple[object, ...], ReviewRecord] = {}
    for review in in_force(reviews):
        if review.action == "correct":
            place = (review.part, review.row, review.field, review.id if review.row is None else None)
            found.pop(place, None)
            found[place] = review
    return list(found.values())


def overlay(envelope: Envelope, reviews: Sequence[ReviewRecord]) -> Envelope:
    """A corrected copy of the envelope; the argument is not changed.

    Rows with a corrected field get `review` corrected, confirmed rows get confirmed, and both get `human` in
    `verified_by`. Reviews that refer to no row of this envelope are ignored.
    """
    fixed = corrections(reviews)
    confirmed = [review for review in in_force(reviews) if review.action == "confirm"]
    if not fixed and not confirmed:
        return envelope
    return envelope.model_copy(
        update={
            part: [_laid(row, part, n, fixed, confirmed) for n, row in enumerate(rows_of(envelope, part))]
            for part in PARTS
        }
    )


def review_state(envelope: Envelope, reviews: Sequence[ReviewRecord]) -> Review:
    """The review state of the whole scan, for lists.

    Advised as long as a row needs a review or a transferred correction matches no row: until these are reviewed, or the
    scan is confirmed as a whole. Then corrected if any value was corrected, else confirmed if anything was confirmed.
    """
    fixed = corrections(reviews)
    confirms = [review for review in in_force(reviews) if review.action == "confirm"]
    whole = any(review.part is None for review in confirms)
    lost = any(correction.row is None for correction in fixed)
    if not whole and (lost or _advised(overlay(envelope, reviews))):
        return Review.ADVISED
    if any(correction.row is not None for correction in fixed):
        return Review.CORRECTED
    return Review.CONFIRMED if confirms else Review.NONE


def marks(envelope: Envelope, reviews: Sequence[ReviewRecord]) -> Iterator[tuple[str, bool]]:
    """Yield the field and whether the model was right, for each value that a reviewer judged.

    A corrected value was wrong (unless the correction equals the model's value); every other value of a confirmed row
    was right. An empty value of the model counts only if it was corrected, and so does a box.
    """
    fixed = {(c.part, c.row, c.field): c for c in corrections(reviews) if c.row is not None}
    confirmed = [review for review in in_force(reviews) if review.action == "confirm"]
    for part in PARTS:
        for number, row in enumerate(rows_of(envelope, part)):
            looked = any(_is_about(review, part, number) for review in confirmed)
            names = [*(row.model_extra or {}), "bbox"]
            names += [str(field) for its, at, field in fixed if (its, at) == (part, number) and field not in names]
            for name in names:
                correction = fixed.get((part, number, name))
                if correction is not None:
                    yield name, correction.value == correction.model_value
                elif looked and name not in EVIDENCE | UNJUDGED and value_of(row, name) not in EMPTY:
                    yield name, True


def rows_of(envelope: Envelope, part: Part) -> list[RowOut]:
    """The rows of one part."""
    return envelope.items if part == "items" else envelope.findings


def value_of(row: RowOut, field: str) -> JsonValue:
    """The value of a field, a box as a list; None if it is empty."""
    if field == "bbox":
        return list(row.bbox) if row.bbox else None
    value: JsonValue = (row.model_extra or {}).get(field)
    return value


def _laid(
    row: RowOut, part: Part, number: int, fixed: Sequence[ReviewRecord], confirmed: Sequence[ReviewRecord]
) -> RowOut:
    values = {c.field: c.value for c in fixed if (c.part, c.row) == (part, number) and c.field}
    if not values and not any(_is_about(review, part, number) for review in confirmed):
        return row
    verified = row.verified_by if Source.HUMAN in row.verified_by else [*row.verified_by, Source.HUMAN.value]
    review = Review.CORRECTED if values else Review.CONFIRMED
    evidence: dict[str, object] = {"verified_by": verified, "review": review.value}
    return RowOut.model_validate({**row.model_dump(), **values, **evidence})


def _is_about(review: ReviewRecord, part: Part, number: int) -> bool:
    return (
        review.part is None
        or (review.part, review.row) == (part, number)
        or (review.part == part and review.row is None)
    )


def _advised(envelope: Envelope) -> bool:
    return any(row.review == Review.ADVISED for part in PARTS for row in rows_of(envelope, part))
