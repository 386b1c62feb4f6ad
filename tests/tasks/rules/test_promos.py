"""Promotions: kinds, conditions, periods, prices."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Source
from pixel_agent.tasks.rules.promos import find_promotions, period_end, read_promos
from pixel_agent.tasks.rules.tags import read_price_tags
from tests.tasks.rules.lines import TODAY, column, line, page


@pytest.mark.parametrize(
    ("text", "kind", "condition"),
    [
        ("满100减20", "full_reduction", "满100"),
        ("每满200元减30元", "full_reduction", "每满200元"),
        ("满 100 返 50", "full_reduction", "满100"),
        ("滿100減20", "full_reduction", "滿100"),
        ("Spend 100 save 20", "full_reduction", "Spend 100"),
        ("2件8折", "multi_buy", "2件"),
        ("满3件打7折", "multi_buy", "满3件"),
        ("3件10元", "multi_buy", "3件"),
        ("10元3件", "multi_buy", "3件"),
        ("任选3件99元", "multi_buy", "任选3件"),
        ("加1元多1件", "multi_buy", None),
        ("第二件半价", "second_half", "第二件"),
        ("第 二 件 半 价", "second_half", "第二件"),
        ("第2杯半价", "second_half", "第2杯"),
        ("2nd half price", "second_half", "2nd"),
        ("买一送一", "gift", "买一"),
        ("buy 2 get 1 free", "gift", "buy 2"),
        ("满99元送购物袋", "gift", "满99元"),
        ("全场5折", "discount", "全场"),
        ("8.8折", "discount", None),
        ("八折", "discount", None),
        ("50% OFF", "discount", None),
        ("限时特价", "discount", None),
        ("立减5元", "discount", None),
        ("会员日", "member", None),
        ("会员日 全场5折", "discount", "会员日 全场"),
        ("新品上市", "new", None),
        ("清仓甩卖", "clearance", None),
        ("双倍积分", "points", None),
        ("优惠券", "coupon", None),
    ],
)
def test_promotions_are_told_apart(text: str, kind: str, condition: str | None) -> None:
    assert find_promotions(text) == [(kind, condition)]


@pytest.mark.parametrize(
    "text",
    [
        "折叠伞",
        "免费配送",
        "送货上门",
        "12元/件",
        "5.9元一件",
        "保质期12个月",
        "营业时间9:00-21:00",
        "红烧牛肉面",
        "NEW BALANCE",
        "¥9.9",
        "",
    ],
)
def test_other_text_is_no_promotion(text: str) -> None:
    assert find_promotions(text) == []


def test_one_line_may_hold_several_promotions() -> None:
    assert [kind for kind, _ in find_promotions("满100减20 第二件半价 买一送一")] == [
        "full_reduction",
        "second_half",
        "gift",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("活动时间:11.20-11.30", date(2026, 11, 30)),
        ("活动时间:2026.11.20-11.30", date(2026, 11, 30)),
        ("活动时间 2026.12.25-1.5", date(2027, 1, 5)),
        ("活动时间 12.25-1.5", date(2027, 1, 5)),
        ("11月20日-12月5日", date(2026, 12, 5)),
        ("2026年11月20日-30日", date(2026, 11, 30)),
        ("即日起至11月30日", date(2026, 11, 30)),
        ("截止12.31", date(2026, 12, 31)),
        ("2026-11-20至2026-11-30", date(2026, 11, 30)),
        ("Valid until 30 Nov 2026", date(2026, 11, 30)),
        ("11.20-11.30", None),
        ("活动时间:2.30-2.31", None),
        ("营业时间9.00-21.00", None),
        ("生产日期20261120", None),
        ("保质期至2027.11.1", None),
    ],
)
def test_periods_end_on_their_last_day(text: str, expected: date | None) -> None:
    assert period_end(text, TODAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026年10月1日-10月7日", date(2026, 10, 7)),
        ("2026-10-01至2026-10-07", date(2026, 10, 7)),
        ("11.20-11.30", date(2026, 11, 30)),
        ("2026-10-07", date(2026, 10, 7)),
        ("2026年12月", date(2026, 12, 31)),
        ("待定", None),
    ],
)
def test_where_a_period_is_meant_no_word_is_needed(text: str, expected: date | None) -> None:
    assert period_end(text, TODAY, labelled=True) == expected


@pytest.mark.parametrize("period", ["2026年10月1日-10月7日", "2026年10月1日至2026年10月7日", "10月1日-7日"])
def test_the_offer_of_a_price_tag_ends_on_the_last_day_of_its_period(period: str) -> None:
    tag = page(line("洽洽香瓜子", 10, 10, 40), line("特价¥9.9", 10, 60, 40), line(f"活动时间：{period}", 10, 120))
    assert read_price_tags(tag).items[0].fields["valid_until"] == "2026-10-07"


def test_a_row_has_text_price_and_the_last_day_of_the_nearest_period() -> None:
    (row,) = read_promos(column("限时特价 ¥9.9", "活动时间:11.20-11.30")).items
    assert row.fields == {
        "type": "discount",
        "text": "限时特价 ¥9.9",
        "condition": None,
        "valid_until": "2026-11-30",
        "price": 9.9,
    }
    assert (row.source, row.confidence, row.bbox is not None) == (Source.TEXT, 0.9, True)


def test_each_poster_keeps_its_own_period() -> None:
    draft = read_promos(
        page(
            line("满100减20", 10, 10),
            line("活动时间:11.20-11.30", 10, 40),
            line("买一送一", 10, 600),
            line("活动时间:12.1-12.5", 10, 630),
        )
    )
    assert [row.fields["valid_until"] for row in draft.items] == ["2026-11-30", "2026-12-05"]


def test_a_page_without_promotions_is_empty() -> None:
    assert read_promos(column("矿泉水", "¥2.00", "550ml")).items == ()


@settings(deadline=None, max_examples=100)
@given(need=st.integers(2, 9999), less=st.integers(1, 999), gap=st.sampled_from(["", " "]))
def test_any_full_reduction_is_one(need: int, less: int, gap: str) -> None:
    assert find_promotions(f"满{gap}{need}{gap}减{gap}{less}") == [("full_reduction", f"满{need}")]


@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=40))
def test_any_text_is_survived(text: str) -> None:
    find_promotions(text)
    period_end(text, TODAY)
