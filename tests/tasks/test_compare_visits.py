"""Comparison of two stored visits: the same meaning of resolved, remaining and new for any number of photos."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Row
from pixel_agent.core.envelope import Envelope
from pixel_agent.storage.corrections import overlay, value_of
from pixel_agent.tasks.compare_visits import CHANGES, VISIT_GAP_MS, Difference, compare_visits, latest_visits
from tests.readings import COLA, envelope, envelopes, row, said

HAT, MASK, PESTS = (row(rule_id=rule, status="fail") for rule in ("hat", "mask", "pests"))


def kitchen(*findings: Row, scan_id: str = "a" * 32) -> Envelope:
    return envelope(findings=findings, task="kitchen_hygiene", scan_id=scan_id)


def rules(rows: tuple[Row, ...]) -> list[object]:
    return [one.fields["rule_id"] for one in rows]


def named(difference: Difference) -> tuple[list[object], list[object], list[object]]:
    return rules(difference.resolved), rules(difference.remaining), rules(difference.new)


def test_findings_are_resolved_remaining_or_new() -> None:
    found = compare_visits([kitchen(HAT, MASK)], [kitchen(MASK, PESTS)])
    assert named(found) == (["hat"], ["mask"], ["pests"])
    assert found.counts == {"resolved": 1, "remaining": 1, "new": 1}
    assert found.summary == "1 项已整改，1 项仍存在，1 项新出现。"


def test_the_summary_comes_in_english() -> None:
    assert compare_visits([kitchen(HAT)], [kitchen()], "en").summary == "1 resolved, 0 remaining, 0 new."


def test_nothing_before_and_after_is_said_so() -> None:
    assert compare_visits([kitchen()], [kitchen()], "en").summary == "Nothing was found before or after."


def test_each_row_says_whose_photo_shows_it() -> None:
    found = compare_visits([kitchen(HAT, scan_id="one")], [kitchen(MASK, scan_id="two")])
    assert [one.fields["scan_id"] for one in (*found.resolved, *found.new)] == ["one", "two"]


def test_several_photos_are_matched_as_a_whole() -> None:
    before = [kitchen(HAT, scan_id="a1"), kitchen(MASK, scan_id="a2")]
    after = [kitchen(MASK, scan_id="b1"), kitchen(scan_id="b2"), kitchen(PESTS, scan_id="b3")]
    assert named(compare_visits(before, after)) == (["hat"], ["mask"], ["pests"])


def test_a_product_in_two_photos_of_a_visit_is_there_once() -> None:
    cola = row(gtin=COLA, name="可乐")
    before = [envelope(cola, task="product_full_scan", scan_id="a")]
    after = [envelope(cola, task="product_full_scan", scan_id=name) for name in ("b", "c")]
    assert compare_visits(before, after).counts == {"resolved": 0, "remaining": 1, "new": 0}


def test_two_facings_of_a_product_in_one_photo_stay_two() -> None:
    cola = row(gtin=COLA, name="可乐")
    twice = [envelope(cola, cola, task="product_full_scan")]
    assert compare_visits(twice, twice).counts["remaining"] == 2


def test_corrected_values_win() -> None:
    wrong = overlay(kitchen(HAT), [said(1, "correct", "findings", 0, "status", "pass")])
    assert named(compare_visits([kitchen(HAT)], [wrong])) == (["hat"], [], [])


def test_an_incomplete_reading_proves_nothing() -> None:
    partial = kitchen().model_copy(update={"status": "partial"})
    assert "compare_incomplete" in {notice.code for notice in compare_visits([kitchen(HAT)], [partial]).warnings}


@settings(deadline=None, max_examples=60)
@given(st.lists(envelopes, min_size=1, max_size=3), st.lists(envelopes, min_size=1, max_size=3))
def test_every_row_of_either_side_is_told_once(before: list[Envelope], after: list[Envelope]) -> None:
    def numbered(visit: list[Envelope]) -> list[Envelope]:
        return [one.model_copy(update={"scan_id": str(n)}) for n, one in enumerate(visit)]

    found = compare_visits(numbered(before), numbered(after))
    counts = found.counts
    part = "findings" if any(one.findings for one in (*before, *after)) else "items"
    gone, come = (sum(len(getattr(one, part)) for one in visit) for visit in (before, after))
    assert counts["resolved"] + counts["remaining"] <= gone
    assert counts["new"] + counts["remaining"] <= come
    assert all(one.fields["change"] == change for change in CHANGES for one in getattr(found, change))


@settings(deadline=None, max_examples=60)
@given(envelopes)
def test_nothing_changes_between_a_reading_and_itself(kept: Envelope) -> None:
    counts = compare_visits([kept], [kept]).counts
    named_ = [value_of(one, "name") for one in (kept.findings or kept.items)]
    # Rows that say nothing can be told from no other.
    assert counts["remaining"] >= sum(isinstance(name, str) for name in named_)
    assert counts["resolved"] == counts["new"]


def test_an_hour_without_photos_parts_two_visits() -> None:
    times = [10 * VISIT_GAP_MS, 10 * VISIT_GAP_MS - 5, 8 * VISIT_GAP_MS, 7 * VISIT_GAP_MS, 0]
    assert latest_visits(times, int) == [times[:2], times[2:4]]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 20 * VISIT_GAP_MS)).map(lambda times: sorted(times, reverse=True)), st.integers(1, 4))
def test_visits_are_the_newest_scans_in_order(times: list[int], number: int) -> None:
    visits = latest_visits(times, int, number)
    together = [at for visit in visits for at in visit]
    assert together == times[: len(together)]
    assert len(visits) <= number
    assert all(one[-1] - other[0] > VISIT_GAP_MS for one, other in pairwise(visits))
