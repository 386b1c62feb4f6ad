"""Labels to rows, and the arithmetic of shelf lives."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Source
from pixel_agent.tasks.rules.expiry import complete_expiry, gs1_expiry, read_expiry
from tests.tasks.rules.lines import TODAY, column, line, page

DAYS = st.dates(date(2024, 1, 1), date(2026, 11, 22))


def test_one_label_gives_one_row_with_text_as_source_and_the_least_confidence() -> None:
    draft = read_expiry(page(line("生产日期:20260822", y=10), line("保质期:12个月", y=40, confidence=0.7)))
    (row,) = draft.items
    assert row.fields == {
        "name": None,
        "production_date": "2026-08-22",
        "shelf_life": "12个月",
        "expiry_date": None,
        "date_type": None,
        "lot": None,
    }
    assert (row.source, row.confidence) == (Source.TEXT, 0.7)
    assert row.bbox is not None
    assert row.bbox[1] == 10
    assert row.bbox[3] == 60


def test_a_value_right_of_its_word_is_its_value() -> None:
    draft = read_expiry(
        page(line("生产日期", 10, 10), line("26.08.22", 120, 10), line("保质期", 10, 40), line("6个月", 120, 40))
    )
    assert draft.items[0].fields["production_date"] == "2026-08-22"
    assert draft.items[0].fields["shelf_life"] == "6个月"


def test_a_value_below_its_word_is_its_value() -> None:
    fields = read_expiry(column("BEST BEFORE", "22 NOV 2027")).items[0].fields
    assert (fields["expiry_date"], fields["date_type"]) == ("2027-11-22", "best_before")


def test_headings_in_a_row_take_the_values_below_them() -> None:
    draft = read_expiry(
        page(line("生产日期", 10, 10), line("保质期至", 200, 10), line("20260822", 10, 40), line("20270821", 200, 40))
    )
    assert draft.items[0].fields["production_date"] == "2026-08-22"
    assert draft.items[0].fields["expiry_date"] == "2027-08-21"


def test_a_lot_is_read_beside_its_word() -> None:
    assert read_expiry(column("生产日期/批号:20260822A1")).items[0].fields["lot"] == "20260822A1"
    fields = read_expiry(column("LOT A12-7", "EXP 22 NOV 2027")).items[0].fields
    assert (fields["lot"], fields["expiry_date"]) == ("A12-7", "2027-11-22")


def test_two_labels_side_by_side_are_two_rows() -> None:
    draft = read_expiry(
        page(
            *(line(text, 10, 10 + 30 * i) for i, text in enumerate(["生产日期:20260822", "保质期:12个月"])),
            *(line(text, 500, 10 + 30 * i) for i, text in enumerate(["生产日期:20260901", "保质期:6个月"])),
        )
    )
    assert [(row.fields["production_date"], row.fields["shelf_life"]) for row in draft.items] == [
        ("2026-08-22", "12个月"),
        ("2026-09-01", "6个月"),
    ]


def test_a_stamp_apart_from_the_only_open_word_answers_it_with_a_notice() -> None:
    draft = read_expiry(column("生产日期:见瓶盖", "保质期:18个月", "净含量:500ml", "20260822 10:35"))
    assert draft.items[0].fields["production_date"] == "2026-08-22"
    assert [notice.code for notice in draft.warnings] == ["date_by_elimination"]


def test_a_date_that_no_word_explains_is_not_guessed() -> None:
    draft = read_expiry(column("20260822"))
    assert draft.items[0].fields["production_date"] is None
    assert draft.items[0].fields["expiry_date"] is None
    assert draft.items[0].fields["unlabelled_dates"] == ["2026-08-22"]
    assert [notice.code for notice in draft.warnings] == ["date_unlabelled"]


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (("品名：原味酸牛奶",), "原味酸牛奶"),
        (("产品名称: 纯牛奶 净含量：250ml",), "纯牛奶"),
        (("名 称：饼干",), "饼干"),
        (("食品名称：蛋糕",), "蛋糕"),
        (("PRODUCT NAME: Milk",), "Milk"),
        (("品名", "红烧牛肉面"), "红烧牛肉面"),
        (("企业名称：杭州食品有限公司",), None),
        (("名称不限",), None),
        (("红烧牛肉面",), None),
    ],
)
def test_the_name_is_what_the_label_calls_one(texts: tuple[str, ...], name: str | None) -> None:
    (row,) = read_expiry(column(*texts, "生产日期:20260822", "保质期:12个月")).items
    assert row.fields["name"] == name
    assert row.fields["production_date"] == "2026-08-22"


def test_each_label_keeps_its_own_name() -> None:
    labels = [("品名：牛奶", "生产日期:20260822"), ("品名：面包", "生产日期:20260901")]
    lines = [line(text, 10 + 500 * i, 10 + 30 * j) for i, label in enumerate(labels) for j, text in enumerate(label)]
    rows = [(row.fields["name"], row.fields["production_date"]) for row in read_expiry(page(*lines)).items]
    assert rows == [("牛奶", "2026-08-22"), ("面包", "2026-09-01")]


def test_a_page_full_of_dates_is_one_row() -> None:
    (row,) = read_expiry(column(*["2026.02.28", "2026.03.01"] * 200)).items
    assert row.fields["unlabelled_dates"] == ["2026-02-28", "2026-03-01"]


def test_a_name_without_dates_is_no_label() -> None:
    assert read_expiry(column("品名：原味酸牛奶", "产地：内蒙古")).items == ()


@pytest.mark.parametrize(
    "texts",
    [
        ("国庆大促", "活动时间：2026年10月1日-10月7日"),
        ("全场5折", "2026.10.01-2026.10.07"),
        ("满100减20", "有效期至：2026年12月31日"),
        ("优惠券有效期至2026-12-31",),
        ("特价 ¥9.9", "截止日期 2026年12月31日"),
        ("SALE", "valid until 30 Nov 2026"),
        ("开盖有奖", "兑奖截止日期：2026年12月31日"),
    ],
)
def test_the_dates_of_a_promotion_are_no_label(texts: tuple[str, ...]) -> None:
    draft = read_expiry(column(*texts))
    assert draft.items == ()
    assert draft.warnings == ()


@pytest.mark.parametrize(
    "texts",
    [
        ("临期特价", "保质期至2026.12.31"),
        ("买一送一", "生产日期:20260822", "保质期:12个月"),
        ("EXP 2026-12-31", "50% OFF"),
        ("阿莫西林胶囊", "有效期至2026.12.31"),
    ],
)
def test_the_dates_of_goods_on_offer_still_count(texts: tuple[str, ...]) -> None:
    (row,) = read_expiry(column(*texts)).items
    assert row.fields["production_date"] or row.fields["expiry_date"]


@pytest.mark.parametrize(
    "texts", [("生产日期：2026.02.30",), ("生产日期", "2026.02.30"), ("EXP 31/31/2026",), ("生产日期:20260230",)]
)
def test_a_day_that_does_not_exist_is_named(texts: tuple[str, ...]) -> None:
    draft = read_expiry(column(*texts, "保质期:12个月"))
    assert [notice.code for notice in draft.warnings] == ["date_impossible"]
    assert re.sub(r"^\D*", "", texts[-1]) in draft.warnings[0].message
    assert draft.items[0].fields["production_date"] is None


@pytest.mark.parametrize("text", ["批号:20260230", "电话:0571-20260230", "GB 7718-2011", "生产日期 2026.02.28", "9.99"])
def test_what_is_no_date_or_a_real_one_is_not_called_impossible(text: str) -> None:
    assert "date_impossible" not in [notice.code for notice in read_expiry(column(text)).warnings]


def test_notices_follow_the_language_of_the_scan() -> None:
    for texts in (("20260822",), ("EXP 05/06/2027",), ("生产日期:见瓶盖", "20260822 10:35"), ("EXP 2026.02.30",)):
        (zh,) = read_expiry(column(*texts)).warnings
        (en,) = read_expiry(replace(column(*texts), lang="en")).warnings
        assert zh.code == en.code
        assert "人工核对" in zh.message
        assert en.message.isascii()


def test_two_bare_dates_a_printed_shelf_life_apart_explain_each_other() -> None:
    fields = read_expiry(column("保质期12个月", "2026.08.22", "2027.08.21")).items[0].fields
    assert (fields["production_date"], fields["expiry_date"]) == ("2026-08-22", "2027-08-21")


def test_a_life_after_opening_is_no_shelf_life() -> None:
    fields = read_expiry(column("生产日期20260822", "保质期:12个月,开封后7天内食用")).items[0].fields
    assert fields["shelf_life"] == "12个月"


def test_two_shelf_lives_stay_as_printed_and_give_no_expiry() -> None:
    fields = read_expiry(column("生产日期20261101", "保质期:0-4℃ 7天", "保质期:-18℃ 90天")).items[0].fields
    assert fields["shelf_life"] == "7天 / 90天"
    assert complete_expiry(fields, TODAY)["status"] == "unreadable"


def test_a_swappable_date_carries_a_notice() -> None:
    draft = read_expiry(column("EXP 05/06/2027"))
    assert draft.items[0].fields["expiry_date"] == "2027-06-05"
    assert [notice.code for notice in draft.warnings] == ["date_ambiguous"]


@pytest.mark.parametrize("text", ["净含量:500g", "SC10620261122345", "电话:0571-20261122", "¥12.50", "配料:水"])
def test_other_text_gives_no_row(text: str) -> None:
    assert read_expiry(column(text)).items == ()


def test_an_empty_page_gives_an_empty_draft() -> None:
    assert read_expiry(page()).items == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"production_date": "2026-08-31", "shelf_life": "6个月"}, ("2027-02-28", True, 98, "ok")),
        ({"production_date": "2026-08-22", "shelf_life": "90天"}, ("2026-11-20", True, -2, "expired")),
        ({"expiry_date": "2026-11-22"}, ("2026-11-22", False, 0, "near")),
        ({"expiry_date": "2026-12-22"}, ("2026-12-22", False, 30, "near")),
        ({"expiry_date": "2026-12-23"}, ("2026-12-23", False, 31, "ok")),
        ({"expiry_date": "2026-11-21"}, ("2026-11-21", False, -1, "expired")),
        ({"expiry_date": "2026-12"}, ("2026-12-31", False, 39, "ok")),
        ({"production_date": "2026-08-22"}, (None, False, None, "unreadable")),
        ({"shelf_life": "12个月"}, (None, False, None, "unreadable")),
        ({"expiry_date": "2026-02-30"}, (None, False, None, "unreadable")),
        (
            {"production_date": "2026-08-22", "shelf_life": "12个月", "expiry_date": "2027-08-21"},
            ("2027-08-21", False, 272, "ok"),
        ),
        (
            {"production_date": "2026-08-05", "shelf_life": "12个月", "expiry_date": "2027-08-31"},
            ("2027-08-31", False, 282, "ok"),
        ),
    ],
)
def test_days_and_status_are_computed(
    fields: dict[str, JsonValue], expected: tuple[str | None, bool, int | None, str]
) -> None:
    done = complete_expiry(fields, TODAY)
    assert (done["expiry_date"], done["expiry_computed"], done["days_left"], done["status"]) == expected
    assert "reason" not in done


@pytest.mark.parametrize(
    ("made", "life", "last", "reason"),
    [
        ("2026-11-23", "12个月", None, "production_in_future"),
        ("2026-08-22", None, "2026-08-01", "production_after_expiry"),
        ("2026-08-22", "12个月", "2028-08-22", "expiry_contradicts_shelf_life"),
    ],
)
def test_contradictions_are_unclear_with_a_reason(made: str, life: str | None, last: str | None, reason: str) -> None:
    done = complete_expiry({"production_date": made, "shelf_life": life, "expiry_date": last}, TODAY)
    assert (done["status"], done["reason"], done["days_left"]) == ("unclear", reason, None)
    assert done["expiry_date"] == last


@settings(deadline=None, max_examples=100)
@given(made=DAYS, months=st.integers(1, 60), near=st.integers(0, 90))
def test_computed_dates_agree_with_days_left_and_status(made: date, months: int, near: int) -> None:
    done = complete_expiry({"production_date": made.isoformat(), "shelf_life": f"{months}个月"}, TODAY, near)
    left = done["days_left"]
    assert isinstance(left, int)
    assert done["expiry_date"] == (TODAY + timedelta(days=left)).isoformat()
    assert done["status"] == ("expired" if left < 0 else "near" if left <= near else "ok")


@settings(deadline=None, max_examples=50)
@given(made=DAYS, days=st.integers(1, 700))
def test_reading_what_was_printed_gives_it_back(made: date, days: int) -> None:
    fields = read_expiry(column(f"生产日期：{made:%Y.%m.%d}", f"保质期：{days}天")).items[0].fields
    assert (fields["production_date"], fields["shelf_life"]) == (made.isoformat(), f"{days}天")


def test_gs1_values_become_the_same_fields() -> None:
    fields = gs1_expiry({"01": "06901234567892", "11": "260822", "17": "270800", "10": "A1"}, TODAY)
    assert fields == {
        "production_date": "2026-08-22",
        "shelf_life": None,
        "expiry_date": "2027-08-31",
        "date_type": "expiry",
        "lot": "A1",
    }
    assert gs1_expiry({"15": "271122"}, TODAY)["date_type"] == "best_before"
    assert gs1_expiry({"17": "271322"}, TODAY)["expiry_date"] is None


def test_fields_copied_as_printed_are_understood() -> None:
    done = complete_expiry({"production_date": "2026年8月", "shelf_life": "六个月", "expiry_date": None}, TODAY)
    assert (done["production_date"], done["expiry_date"]) == ("2026-08-01", "2027-02-01")
    assert complete_expiry({"expiry_date": "EXP 22 NOV 27"}, TODAY)["expiry_date"] == "2027-11-22"
