from __future__ import annotations

import pytest

from pixel_agent.core import Review, Source
from tests.tasks.build import COLA, WATER, alerted, code, finish, row, warned


def test_a_price_no_second_source_confirms_wants_a_look() -> None:
    reading = finish("price_tag", row(name="可乐", regular_price=3.5, unit="瓶"))
    assert reading.items[0].review is Review.ADVISED
    assert reading.summary == "1 个价签"


def test_a_price_that_differs_from_the_expected_one_alerts() -> None:
    reading = finish("price_tag", row(name="可乐", regular_price=5.0, sale_price=3.5, unit="瓶"), expected_price=4)
    assert "mismatch" in str(reading.items[0].fields["issues"])
    assert alerted(reading) == ["price_mismatch"]
    assert "3.5" in reading.alerts[0].message
    assert reading.items[0].fields["expected_price"] == 4.0


def test_an_alert_keeps_every_digit_of_a_price() -> None:
    reading = finish("price_tag", row(name="金条", regular_price=28888.88, unit="条"), expected_price=1234567.5)
    assert reading.alerts[0].message == "金条：价签 28888.88，应为 1234567.5。"


def test_the_expected_price_is_no_alert() -> None:
    assert not finish("price_tag", row(regular_price=4.0, unit="瓶"), expected_price=4).alerts


def test_what_a_tag_lacks_is_an_issue() -> None:
    reading = finish("price_tag", row(regular_price=4.0, damaged=True))
    assert reading.items[0].fields["issues"] == ["missing_unit", "damaged"]
    assert reading.totals["by_issue"] == {"missing_unit": 1, "damaged": 1}
    assert reading.summary == "1 个价签，2 项缺陷"


def test_a_negative_price_is_no_price() -> None:
    assert finish("price_tag", row(regular_price=-4.0)).items[0].fields["regular_price"] is None


def test_the_last_day_of_an_offer_becomes_a_date() -> None:
    reading = finish("price_tag", row(regular_price=4.0, valid_until="2026年12月1日"))
    assert reading.items[0].fields["valid_until"] == "2026-12-01"


def test_of_a_period_the_last_day_counts() -> None:
    period = "活动时间：2026年10月1日-10月7日"
    assert (
        finish("price_tag", row(regular_price=4.0, valid_until=period)).items[0].fields["valid_until"] == "2026-10-07"
    )
    assert finish("promo_check", row(valid_until=period)).items[0].fields["valid_until"] == "2026-10-07"


def test_damage_is_told_among_the_issues_alone() -> None:
    assert "damaged" not in finish("price_tag", row(regular_price=4.0, damaged=True)).items[0].fields


def test_expiry_is_computed_in_code() -> None:
    reading = finish("expiry_check", row(production_date="2026年1月1日", shelf_life="6个月", days_left=999))
    fields = reading.items[0].fields
    assert (fields["expiry_date"], fields["days_left"], fields["status"]) == ("2026-07-01", -144, "expired")
    assert alerted(reading) == ["expired"]
    assert reading.totals["by_status"] == {"expired": 1}


def test_print_and_code_that_agree_need_no_look() -> None:
    reading = finish("expiry_check", row(expiry_date="2027.01.31"), codes=(code(COLA, ai17="270131"),))
    assert reading.items[0].verified_by == (Source.BARCODE,)
    assert reading.items[0].review is Review.NONE
    assert reading.items[0].fields["days_left"] == 70


def test_print_and_code_that_differ_are_unclear() -> None:
    reading = finish("expiry_check", row(name="奶", expiry_date="2027.01.31"), codes=(code(COLA, ai17="270130"),))
    fields = reading.items[0].fields
    assert (fields["expiry_date"], fields["days_left"], fields["status"]) == (None, None, "unclear")
    assert warned(reading) == ["sources_disagree"]
    assert reading.items[0].review is Review.ADVISED
    assert not reading.alerts


def test_a_conflict_is_not_healed_by_arithmetic() -> None:
    label = row(production_date="2026-10-01", shelf_life="30天", expiry_date="2026-10-31")
    reading = finish("expiry_check", label, codes=(code(COLA, ai17="261225"),))
    assert reading.items[0].fields["status"] == "unclear"
    assert reading.items[0].fields["expiry_date"] is None


def test_a_computed_expiry_may_differ_from_the_code_by_a_day() -> None:
    label = row(production_date="2026-10-01", shelf_life="90天")
    reading = finish("expiry_check", label, codes=(code(COLA, ai17="261229"),))
    assert reading.items[0].fields["expiry_date"] == "2026-12-29"
    assert reading.items[0].verified_by == (Source.BARCODE,)


def test_only_the_code_has_a_date() -> None:
    reading = finish("expiry_check", row(name="奶"), codes=(code(COLA, ai17="261225", ai10="L7"),))
    assert reading.items[0].fields["expiry_date"] == "2026-12-25"
    assert reading.items[0].fields["lot"] == "L7"
    assert reading.items[0].review is Review.ADVISED


def test_codes_with_dates_are_rows_where_no_text_was_read() -> None:
    reading = finish("expiry_check", codes=(code(COLA, ai17="261122"), code(WATER)))
    assert [(item.source, item.fields["status"]) for item in reading.items] == [(Source.BARCODE, "near")]


def test_dates_that_contradict_each_other_are_said() -> None:
    reading = finish("expiry_check", row(production_date="2026-10-01", expiry_date="2026-09-01"))
    assert reading.items[0].fields["status"] == "unclear"
    assert warned(reading) == ["production_after_expiry"]


def test_near_days_can_be_set() -> None:
    assert finish("expiry_check", row(expiry_date="2026-12-01"), near_days=3).items[0].fields["status"] == "ok"
    assert finish("expiry_check", row(expiry_date="2026-12-01"), near_days=-1).items[0].fields["status"] == "near"


def test_a_promotion_past_its_last_day_is_a_finding() -> None:
    reading = finish("promo_check", row(type="poster", text="国庆特惠", valid_until="2026-10-07"), row(type="banner"))
    assert [found.fields["kind"] for found in reading.findings] == ["promotion_over"]
    assert reading.totals["by_type"] == {"poster": 1, "banner": 1}


def test_expected_promotions_are_looked_for() -> None:
    reading = finish("promo_check", row(text="全场双11特惠"), expected=["双11", "满100减20", 3])
    assert reading.totals["expected_present"] == 1
    assert [found.fields["expected"] for found in reading.findings] == ["满100减20"]
    assert reading.items[0].fields["expected_present"] is True


@pytest.mark.parametrize(
    ("copied", "read", "code"),
    [
        ("05/06/2027", "2027-06-05", "date_ambiguous"),
        ("24 NOV", "2026-11-24", "date_year_assumed"),
        ("31/04/2027", None, "date_impossible"),
    ],
)
def test_what_is_not_sure_about_a_copied_date_is_said(copied: str, read: str | None, code: str) -> None:
    reading = finish("expiry_check", row(expiry_date=copied))
    assert reading.items[0].fields["expiry_date"] == read
    assert warned(reading) == [code]


def test_a_copied_date_with_one_reading_gives_no_warning() -> None:
    assert warned(finish("expiry_check", row(expiry_date="22 NOV 2027", production_date="2026-10-15"))) == []
