"""Corrections move to the next reading of the same photo: to the same item, or to none."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings

from pixel_agent.core.envelope import Envelope
from pixel_agent.storage.correction_matching import carried
from pixel_agent.storage.corrections import PARTS, ReviewRecord, corrections, rows_of, value_of
from tests.readings import COLA, WATER, envelope, envelopes, reviews, row, said

PRICE = said(1, "correct", "items", 0, "price", 3.5)
HERE, ELSEWHERE = (0, 0, 100, 100), (500, 0, 600, 100)


def landed(before: Envelope, after: Envelope, *fixed: ReviewRecord) -> list[int | None]:
    return [one.row for one in carried(fixed or (PRICE,), before, after)]


def test_the_same_reading_keeps_every_correction_in_its_place() -> None:
    kept = envelope(row(HERE, name="水"), row(HERE, name="水"), row(None, name="水"))
    fixed = [said(n, "correct", "items", n, "price", n) for n in range(3)]
    assert landed(kept, kept, *fixed) == [0, 1, 2]


def test_the_same_gtin_is_the_same_thing_wherever_it_lies() -> None:
    before = envelope(row(HERE, name="可乐", gtin=COLA), row(ELSEWHERE, name="水", gtin=WATER))
    after = envelope(row(HERE, name="矿泉水", gtin=WATER), row(ELSEWHERE, name="可口可乐", gtin=COLA))
    assert landed(before, after) == [1]


def test_another_gtin_is_another_thing_at_the_same_place() -> None:
    assert landed(envelope(row(HERE, name="可乐", gtin=COLA)), envelope(row(HERE, name="可乐", gtin=WATER))) == [None]


def test_a_gtin_that_was_put_right_is_known_by_both() -> None:
    right = said(1, "correct", "items", 0, "gtin", WATER)
    assert landed(envelope(row(HERE, gtin=COLA)), envelope(row(ELSEWHERE, gtin=WATER)), right) == [0]


def test_overlapping_boxes_and_like_names_are_the_same_thing() -> None:
    before = envelope(row(HERE, name="农夫山泉矿泉水 550ml"), row(ELSEWHERE, name="农夫山泉矿泉水 550ml"))
    after = envelope(row((510, 0, 605, 98), name="农夫山泉矿泉水"), row((4, 2, 98, 101), name="农夫山泉 矿泉水"))
    assert landed(before, after) == [1]


def test_at_the_same_place_something_else_takes_nothing_over() -> None:
    assert landed(envelope(row(HERE, name="可乐")), envelope(row(HERE, name="洗发水"))) == [None]


def test_a_name_that_was_put_right_finds_the_row_that_now_reads_right() -> None:
    right = said(1, "correct", "items", 0, "name", "康师傅绿茶")
    after = envelope(row(HERE, name="康师傅绿茶"))
    assert landed(envelope(row(HERE, name="廉帅博")), after, right) == [0]


def test_without_boxes_a_name_that_is_there_once_is_enough() -> None:
    assert landed(envelope(row(name="水"), row(name="茶")), envelope(row(name="茶"), row(name="水", price=1))) == [1]


def test_without_boxes_a_name_that_is_there_twice_says_nothing() -> None:
    before = envelope(row(name="水", price=1), row(name="水", price=2))
    assert landed(before, envelope(row(name="水", price=3), row(name="水", price=4))) == [None]


def test_a_row_that_is_gone_leaves_its_correction_without_a_place() -> None:
    before = envelope(row(HERE, name="水"), row(ELSEWHERE, name="茶"))
    assert landed(before, envelope(row(ELSEWHERE, name="茶"))) == [None]


def test_items_never_become_findings() -> None:
    assert landed(envelope(row(HERE, name="水")), envelope(findings=[row(HERE, name="水")])) == [None]


def test_what_the_model_says_now_is_told() -> None:
    found = carried([PRICE], envelope(row(HERE, name="水", price=2.5)), envelope(row(HERE, name="水", price=9)))
    assert found[0].model_value == 9


@settings(deadline=None, max_examples=100)
@given(envelopes, reviews())
def test_reading_the_same_again_loses_no_correction(kept: Envelope, said_: list[ReviewRecord]) -> None:
    fixed = [c for c in corrections(said_) if c.part and c.row is not None and c.row < len(rows_of(kept, c.part))]
    for one in carried(fixed, kept, kept):
        assert one.row is not None
        assert one.correction.part is not None
        rows = rows_of(kept, one.correction.part)
        # Of rows that say the same in everything, each is as good as the other.
        assert rows[one.row].model_extra == rows[one.correction.row or 0].model_extra


@settings(deadline=None, max_examples=100)
@given(envelopes, envelopes, reviews())
def test_every_correction_comes_out_once_and_no_row_takes_those_of_two(
    before: Envelope, after: Envelope, said_: list[ReviewRecord]
) -> None:
    fixed = corrections(said_)
    found = carried(fixed, before, after)
    assert [one.correction for one in found] == fixed
    for part in PARTS:
        pairs = {(c.correction.row, c.row) for c in found if c.correction.part == part and c.row is not None}
        assert len({new for _, new in pairs}) == len(pairs) == len({old for old, _ in pairs})
        assert all(0 <= new < len(rows_of(after, part)) for _, new in pairs)


@settings(deadline=None, max_examples=100)
@given(envelopes, envelopes, reviews())
def test_what_is_said_of_the_model_is_what_it_says(
    before: Envelope, after: Envelope, said_: list[ReviewRecord]
) -> None:
    for one in carried(corrections(said_), before, after):
        if one.row is not None and one.correction.part and one.correction.field:
            stated = value_of(rows_of(after, one.correction.part)[one.row], one.correction.field)
            assert one.model_value == stated
        else:
            assert one.model_value == one.correction.model_value


def test_a_correction_of_no_row_stays_without_one() -> None:
    assert landed(envelope(row(name="水")), envelope(row(name="水")), replace(PRICE, row=None)) == [None]
