"""Corrections applied to a reading: nothing else changes, and nothing is lost."""

from __future__ import annotations

from hypothesis import given, settings

from pixel_agent.core import Review
from pixel_agent.core.envelope import Envelope
from pixel_agent.storage.corrections import (
    PARTS,
    ReviewRecord,
    corrections,
    marks,
    overlay,
    review_state,
    rows_of,
    value_of,
)
from tests.readings import FIELDS, envelope, envelopes, reviews, row, said

TAGS = envelope(
    row((0, 0, 10, 10), Review.ADVISED, name="水", price=2.5, unit=None), row(None, Review.ADVISED, name="茶", price=4)
)


def test_a_corrected_value_stands_in_the_row_with_who_says_so() -> None:
    tag = overlay(TAGS, [said(1, "correct", "items", 0, "price", 3.5)]).items[0]
    assert value_of(tag, "price") == 3.5
    assert (tag.review, tag.verified_by, value_of(tag, "name")) == ("corrected", ["human"], "水")


def test_other_rows_stay_as_they_are() -> None:
    assert overlay(TAGS, [said(1, "correct", "items", 0, "price", 3.5)]).items[1] == TAGS.items[1]


def test_a_box_can_be_put_right() -> None:
    assert overlay(TAGS, [said(1, "correct", "items", 0, "bbox", [1, 2, 3, 4])]).items[0].bbox == (1, 2, 3, 4)


def test_a_field_that_the_model_left_out_can_be_filled_in() -> None:
    assert value_of(overlay(TAGS, [said(1, "correct", "items", 1, "spec", "500ml")]).items[1], "spec") == "500ml"


def test_confirming_the_whole_scan_confirms_every_row_that_is_not_corrected() -> None:
    laid = overlay(TAGS, [said(1, "correct", "items", 0, "price", 3.5), said(2, "confirm")])
    assert [tag.review for tag in laid.items] == ["corrected", "confirmed"]


def test_the_last_correction_of_a_field_holds_and_undoing_it_brings_the_one_before() -> None:
    first = said(1, "correct", "items", 0, "price", 3.5)
    assert value_of(overlay(TAGS, [first, said(2, "correct", "items", 0, "price", 9)]).items[0], "price") == 9
    undone = said(2, "correct", "items", 0, "price", 9, undone=True)
    assert value_of(overlay(TAGS, [first, undone]).items[0], "price") == 3.5


def test_null_is_a_correction_too() -> None:
    tag = overlay(TAGS, [said(1, "correct", "items", 0, "price", None)]).items[0]
    assert (value_of(tag, "price"), tag.review) == (None, "corrected")


def test_comments_change_nothing() -> None:
    assert overlay(TAGS, [said(1, "comment", "items", 0)]) == TAGS


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_the_overlay_changes_what_was_corrected_and_nothing_else(kept: Envelope, said_: list[ReviewRecord]) -> None:
    before = kept.model_dump_json()
    laid = overlay(kept, said_)
    fixed = {(c.part, c.row, c.field): c.value for c in corrections(said_)}
    for part in PARTS:
        assert len(rows_of(laid, part)) == len(rows_of(kept, part))
        for number, (now, was) in enumerate(zip(rows_of(laid, part), rows_of(kept, part), strict=True)):
            assert (now.bbox, now.source, now.confidence) == (was.bbox, was.source, was.confidence)
            for field in FIELDS:
                assert value_of(now, field) == fixed.get((part, number, field), value_of(was, field))
    assert laid.model_copy(update={part: rows_of(kept, part) for part in PARTS}) == kept
    assert kept.model_dump_json() == before


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_what_is_laid_over_reads_back_as_it_is_written(kept: Envelope, said_: list[ReviewRecord]) -> None:
    laid = overlay(kept, said_)
    assert Envelope.model_validate_json(laid.model_dump_json()) == laid


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_undoing_everything_brings_back_what_was_read(kept: Envelope, said_: list[ReviewRecord]) -> None:
    undone = [
        ReviewRecord(r.id, r.at, r.reviewer, r.action, r.part, r.row, r.field, r.value, undone_at=1) for r in said_
    ]
    assert overlay(kept, undone) == kept
    assert review_state(kept, undone) == review_state(kept, [])


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_corrections_of_different_fields_may_come_in_any_order(kept: Envelope, said_: list[ReviewRecord]) -> None:
    distinct = corrections(said_)
    shuffled = sorted(distinct, key=lambda one: (str(one.field), one.row or 0, str(one.part)))
    assert overlay(kept, distinct) == overlay(kept, shuffled)


def test_a_scan_stays_on_the_work_list_while_a_row_of_it_wants_a_look() -> None:
    fixed = said(1, "correct", "items", 0, "price", 3.5)
    assert review_state(TAGS, [fixed]) is Review.ADVISED
    assert [tag.review for tag in overlay(TAGS, [fixed]).items] == ["corrected", "advised"]


def test_a_scan_with_a_corrected_value_is_corrected_once_no_row_wants_a_look() -> None:
    fixed = said(1, "correct", "items", 0, "price", 3.5)
    assert review_state(TAGS, [fixed, said(2, "correct", "items", 1, "price", 5)]) is Review.CORRECTED
    assert review_state(TAGS, [fixed, said(2, "confirm", "items", 1)]) is Review.CORRECTED
    assert review_state(TAGS, [fixed, said(2, "confirm")]) is Review.CORRECTED


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_no_row_wants_a_look_in_a_scan_that_has_left_the_work_list(kept: Envelope, said_: list[ReviewRecord]) -> None:
    rows = [row for part in PARTS for row in rows_of(overlay(kept, said_), part)]
    assert review_state(kept, said_) is Review.ADVISED or all(row.review != "advised" for row in rows)


def test_a_scan_is_confirmed_as_a_whole_or_with_its_last_row_that_wanted_a_look() -> None:
    assert review_state(TAGS, []) is Review.ADVISED
    assert review_state(TAGS, [said(1, "confirm", "items", 0)]) is Review.ADVISED
    assert review_state(TAGS, [said(1, "confirm", "items", 0), said(2, "confirm", "items", 1)]) is Review.CONFIRMED
    assert review_state(TAGS, [said(1, "confirm")]) is Review.CONFIRMED


def test_comments_leave_a_scan_where_it_is() -> None:
    assert review_state(TAGS, [said(1, "comment")]) is Review.ADVISED
    assert review_state(envelope(row(name="水")), [said(1, "comment")]) is Review.NONE


def test_a_carried_correction_without_a_place_wants_a_look() -> None:
    assert review_state(envelope(row(name="水")), [said(1, "correct", "items", None, "price", 3)]) is Review.ADVISED


def test_of_a_confirmed_row_each_stated_value_was_right() -> None:
    assert dict(marks(TAGS, [said(1, "confirm", "items", 0)])) == {"name": True, "price": True}


def test_a_corrected_value_was_wrong_and_the_rest_of_its_row_is_not_judged() -> None:
    assert list(marks(TAGS, [said(1, "correct", "items", 0, "price", 3.5, model_value=2.5)])) == [("price", False)]


def test_a_value_that_the_model_left_empty_counts_once_somebody_fills_it_in() -> None:
    judged = [said(1, "confirm"), said(2, "correct", "items", 0, "unit", "瓶")]
    assert list(marks(TAGS, judged)).count(("unit", False)) == 1
    assert "unit" not in dict(marks(TAGS, judged[:1]))


def test_writing_what_stood_there_says_that_it_was_right() -> None:
    assert list(marks(TAGS, [said(1, "correct", "items", 0, "price", 2.5, model_value=2.5)])) == [("price", True)]


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_each_value_is_judged_at_most_once(kept: Envelope, said_: list[ReviewRecord]) -> None:
    stated = len(FIELDS) * (len(kept.items) + len(kept.findings))
    judged = list(marks(kept, said_))
    assert len(judged) <= stated
    confirmed = [one for one in said_ if one.action == "confirm" and one.undone_at is None]
    assert confirmed or len(judged) <= len(corrections(said_))
