from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Review, Source
from tests.tasks.build import COLA, WATER, alerted, code, finish, row, warned


def test_a_code_inside_a_product_sets_its_gtin() -> None:
    reading = finish(
        "product_full_scan",
        row((0, 0, 100, 100), name="可乐"),
        row((500, 0, 600, 100), name="水"),
        codes=(code(COLA, (40, 80, 60, 95)), code(WATER, (540, 80, 560, 95))),
    )
    assert [item.fields["gtin"] for item in reading.items] == [COLA, WATER]
    assert [item.fields["gtin_source"] for item in reading.items] == ["barcode", "barcode"]


def test_an_equal_gtin_is_verified() -> None:
    reading = finish("product_full_scan", row((0, 0, 100, 100), gtin=COLA), codes=(code(COLA),))
    assert reading.items[0].verified_by == (Source.BARCODE,)


def test_a_different_gtin_is_neither() -> None:
    reading = finish("product_full_scan", row((0, 0, 100, 100), gtin=WATER), codes=(code(COLA),))
    assert reading.items[0].fields["gtin"] is None
    assert warned(reading) == ["gtin_conflict"]


def test_two_codes_on_one_product_are_never_picked_from() -> None:
    codes = (code(COLA), code(WATER, (30, 30, 40, 40)))
    reading = finish("product_full_scan", row((0, 0, 100, 100), name="x"), row((500, 0, 600, 100)), codes=codes)
    assert reading.items[0].fields["gtin"] is None
    assert warned(reading) == ["gtin_conflict"]


def test_a_gtin_that_fails_its_check_digit_is_not_kept() -> None:
    reading = finish("product_full_scan", row(gtin="6901234567890"))
    assert reading.items[0].fields["gtin"] is None
    assert warned(reading) == ["gtin_invalid"]


def test_a_name_and_the_only_gtin_are_one_product_though_a_qr_code_stands_there_too() -> None:
    codes = (code(COLA, (800, 800, 850, 850)), code(None, (900, 100, 950, 150), symbology="QR Code"))
    (found,) = finish("product_full_scan", row((0, 0, 10, 10), name="可乐"), codes=codes).items
    assert (found.fields["name"], found.fields["gtin"]) == ("可乐", COLA)


def test_codes_of_no_product_become_rows_of_their_own_once() -> None:
    codes = (code(COLA, (800, 800, 850, 850)), code(COLA, (900, 900, 950, 950)))
    reading = finish("product_full_scan", row((0, 0, 10, 10), name="水"), codes=codes)
    added = reading.items[1:]
    assert [(item.fields["gtin"], item.source, item.confidence) for item in added] == [(COLA, Source.BARCODE, None)]


def test_the_only_code_belongs_to_the_only_product() -> None:
    reading = finish("product_full_scan", row((0, 0, 10, 10), name="水"), codes=(code(COLA, (900, 900, 950, 950)),))
    assert [item.fields["gtin"] for item in reading.items] == [COLA]


def test_counts_want_a_look_and_are_added_in_code() -> None:
    reading = finish("product_full_scan", row(name="a", facings=3), row(name="b", facings=4), row(name="c"))
    assert reading.totals["facings"] == 7
    assert [item.review for item in reading.items] == [Review.ADVISED, Review.ADVISED, Review.NONE]
    assert reading.items[0].fields["count_is_estimate"] is True


def test_a_barcode_does_not_confirm_a_count() -> None:
    reading = finish("product_full_scan", row(gtin=COLA, facings=3), codes=(code(COLA),))
    assert reading.items[0].review is Review.ADVISED


def test_fill_rates_and_shares_are_computed() -> None:
    reading = finish(
        "shelf_audit",
        row(kind="level", level=1, facings=8, empty_slots=2, fill_rate=0.1),
        row(kind="level", level=2, facings=3, empty_slots=3),
        row(kind="product", brand="甲", facings=3),
        row(kind="product", brand="乙", facings=6),
        row(kind="product", brand="甲", facings=3),
        findings=(row(kind="gap", level=2),),
    )
    assert reading.totals["fill_rate"] == 0.65
    assert reading.items[0].fields["fill_rate"] == 0.8
    assert reading.totals["share_of_shelf"] == [
        {"brand": "乙", "facings": 6, "share": 0.5},
        {"brand": "甲", "facings": 6, "share": 0.5},
    ]
    assert all(found.review is Review.ADVISED for found in (*reading.items, *reading.findings))


def test_the_out_of_stock_rate_counts_tags_without_goods_only() -> None:
    reading = finish(
        "out_of_stock",
        row(level=1, slots=12),
        row(level=2, slots=8),
        findings=(row(status="oos"), row(status="low"), row(status="not_carried"), row(status="oos")),
    )
    assert reading.totals == {
        "slots_total": 20,
        "slots_empty": 2,
        "oos_rate": 0.1,
        "by_status": {"oos": 2, "low": 1, "not_carried": 1},
    }


def test_no_slots_give_no_rate() -> None:
    assert finish("out_of_stock", findings=(row(status="oos"),)).totals["oos_rate"] is None


def test_more_gaps_than_slots_give_a_warning_and_no_rate() -> None:
    reading = finish("out_of_stock", row(level=1, slots=1), findings=(row(status="oos"), row(status="oos")))
    assert reading.totals["oos_rate"] is None
    assert warned(reading) == ["slots_contradict"]


@given(st.lists(st.integers(0, 50), max_size=6), st.integers(0, 60))
@settings(deadline=None, max_examples=100)
def test_a_rate_lies_between_none_and_all(slots: list[int], gaps: int) -> None:
    reading = finish("out_of_stock", *(row(slots=n) for n in slots), findings=(row(status="oos"),) * gaps)
    found = reading.totals["oos_rate"]
    assert found is None or (isinstance(found, float) and 0 <= found <= 1)


def test_a_tilt_over_the_threshold_alerts() -> None:
    reading = finish("neatness_check", row(object="海报", tilt_deg=-20), row(object="瓶", tilt_deg=15), row(object="x"))
    assert [item.fields["verdict"] for item in reading.items] == ["tilted", "ok", "unclear"]
    assert alerted(reading) == ["tilt_over_threshold"]
    assert reading.summary == "3 个物体，1 个歪斜，1 条提示"


def test_the_threshold_can_be_set() -> None:
    assert not finish("neatness_check", row(tilt_deg=20), threshold_deg=30).alerts
    assert finish("neatness_check", row(tilt_deg=20), threshold_deg="x").totals["threshold_deg"] == 15.0
