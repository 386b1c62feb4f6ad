from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Reading, Row
from pixel_agent.tasks.compare import compare_readings
from tests.tasks.build import COLA, row


def changes(reading: Reading) -> list[str]:
    return [str(found.fields["change"]) for found in reading.findings]


def found(*rows: Row) -> Reading:
    return Reading(findings=rows)


def test_findings_are_resolved_remaining_or_new() -> None:
    before = found(row(rule_id="hat", status="fail"), row(rule_id="mask", status="fail"))
    after = found(row(rule_id="mask", status="fail"), row(rule_id="pests", status="fail"))
    reading = compare_readings(before, after)
    assert changes(reading) == ["resolved", "remaining", "new"]
    assert reading.totals == {"resolved": 1, "remaining": 1, "new": 1}
    assert reading.summary == "1 项已整改，1 项仍存在，1 项新出现"


def test_a_rule_that_passes_now_is_resolved() -> None:
    reading = compare_readings(found(row(rule_id="hat", status="fail")), found(row(rule_id="hat", status="pass")))
    assert changes(reading) == ["resolved"]


def test_one_that_cannot_be_judged_now_remains() -> None:
    reading = compare_readings(found(row(rule_id="hat", status="fail")), found(row(rule_id="hat", status="unclear")))
    assert changes(reading) == ["remaining"]


def test_wording_may_differ() -> None:
    before = found(row(hazard="blocked_exit", evidence="安全出口前堆放纸箱"))
    after = found(row(hazard="blocked_exit", evidence="安全出口前堆放了纸箱"))
    assert changes(compare_readings(before, after)) == ["remaining"]


def test_of_two_alike_the_one_at_the_same_place_remains() -> None:
    left, right = (0, 0, 100, 100), (500, 0, 600, 100)
    before = found(row(left, rule_id="hat"), row(right, rule_id="hat"))
    after = found(row((1000, 0, 1200, 200), rule_id="hat"))
    reading = compare_readings(before, after, "en", before_size=(1000, 500), after_size=(2000, 1000))
    assert [(str(r.fields["change"]), r.bbox) for r in reading.findings] == [
        ("resolved", left),
        ("remaining", (1000, 0, 1200, 200)),
    ]


def test_items_are_compared_where_there_are_no_findings() -> None:
    before = Reading(items=(row(gtin=COLA, name="可乐"), row(name="水")))
    after = Reading(items=(row(gtin=COLA, name="可口可乐"),))
    assert sorted(changes(compare_readings(before, after))) == ["remaining", "resolved"]


def test_an_incomplete_reading_proves_nothing() -> None:
    reading = compare_readings(found(row(rule_id="hat")), Reading(complete=False))
    assert not reading.complete
    assert [notice.code for notice in reading.warnings] == ["compare_incomplete"]


rows = st.lists(
    st.builds(
        row,
        st.none() | st.just((0, 0, 50, 50)) | st.just((20, 20, 70, 70)),
        rule_id=st.sampled_from([None, "hat", "mask"]),
        status=st.sampled_from(["fail", "unclear", None]),
        text=st.text(alphabet="ab门口", max_size=6),
    ),
    max_size=8,
)


@given(rows, rows)
@settings(deadline=None, max_examples=100)
def test_every_row_is_told_exactly_once(old: list[Row], new: list[Row]) -> None:
    totals = compare_readings(found(*old), found(*new), before_size=(100, 100), after_size=(100, 100)).totals
    resolved, remaining, fresh = (int(str(totals[name])) for name in ("resolved", "remaining", "new"))
    assert resolved + remaining == len(old)
    assert fresh + remaining == len(new)


@given(rows)
@settings(deadline=None, max_examples=50)
def test_nothing_changed_means_all_remains_or_cannot_be_matched(same: list[Row]) -> None:
    totals = compare_readings(found(*same), found(*same)).totals
    named = sum(bool(r.fields["rule_id"] or r.fields["text"]) for r in same)
    assert int(str(totals["remaining"])) >= named
