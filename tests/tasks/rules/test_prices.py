"""Prices in tag text: which numbers are prices, of which kind and per which unit; which never are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.tasks.rules.prices import bare_amount, find_prices, is_sign, label_kind

AMOUNTS = st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2)


def read(text: str) -> list[tuple[str, str | None, str | None]]:
    return [(f"{price.amount:.2f}", price.unit, price.kind) for price in find_prices(text)]


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("12元5角", "12.50", None), ("12元5", "12.50", None), ("12元5角3分", "12.53", None), ("5角", "0.50", None),
        ("12块5", "12.50", None), ("3块5/斤", "3.50", "斤"), ("5毛", "0.50", None), ("99元", "99.00", None),
        ("¥5.9/500g", "5.90", "500g"), ("9.9元/斤", "9.90", "斤"), ("3元/2个", "3.00", "2个"), ("10元3斤", "10.00", "3斤"),
        ("￥９.９", "9.90", None), ("RMB 12.50", "12.50", None), ("12.50 CNY", "12.50", None), ("¥1,299.00", "1299.00", None),
        ("12 . 90元", "12.90", None), ("¥5,90", "5.90", None), ("¥12 90", "12.90", None), ("1O.5O元", "10.50", None),
        ("Y12.90", "12.90", None), ("V5.9", "5.90", None), ("羊9.9", "9.90", None), ("夫 12", "12.00", None),
        ("单价(元/斤): 3.98", "3.98", "斤"), ("每斤3.98元", "3.98", "斤"), ("￥12.9元1斤", "12.90", "斤"),
        ("3.98元/公斤", "3.98", "公斤"), ("¥18.79元斤", "18.79", "斤"), ("¥2.31/100ml", "2.31", "100ml"), ("5.9/盒", "5.90", "盒"),
    ],
)  # fmt: skip
def test_one_price_is_read_with_its_unit(text: str, amount: str, unit: str | None) -> None:
    assert [(a, u) for a, u, _ in read(text)] == [(amount, unit)]


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("原价¥19.9 现价 12.9", ["regular", "sale"]), ("划线价￥18.90元", ["regular"]), ("会员价:5", ["member"]),
        ("VIP价：8.00", ["member"]), ("was 19.9 now 9.9", ["regular", "sale"]), ("¥12.90(会员价)", ["member"]),
        ("日常价 ¥ 39.90 到手价 ¥ 29.90", ["regular", "sale"]), ("特价9.9元/盒 原价15元/盒", ["sale", "regular"]),
        ("零售价(元)：74.99", ["regular"]), ("会员特价 3.5", ["member"]), ("售价：5.5", [None]), ("總價：12.00元", ["total"]),
        ("原價 32元", ["regular"]),
    ],
)  # fmt: skip
def test_the_word_beside_a_price_tells_its_kind(text: str, kinds: list[str | None]) -> None:
    assert [kind for _, _, kind in read(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "满100减20", "2件8折", "会员9.5折", "第二件半价", "满59包邮", "立减5元", "省¥5", "10元优惠券", "限购3件", "500ml", "12×330ml",
        "100g", "净含量:250g", "250g*12盒", "2026.11.22", "2026年11月22日", "促销期 11.20-11.30", "13800138000", "400-820-1234",
        "6901234567892", "50%", "53度", "监督电话：12358", "货号：100234", "V8引擎", "12个月", "9:30-21:30", "", "元/斤", "¥",
        "三只松鼠", "¥20-30", "20至30元", "人均¥58", "押金：50元", "7喜", "999感冒灵",
    ],
)  # fmt: skip
def test_other_numbers_are_never_prices(text: str) -> None:
    assert read(text) == []


def test_a_size_beside_a_price_stays_a_size() -> None:
    assert read("53度500ml ¥1499") == [("1499.00", None, None)]


def test_the_dollar_sign_does_not_say_whose_dollar() -> None:
    assert [price.currency for price in find_prices("$25 HK$30 NT$40 €5.00")] == [None, "HKD", "TWD", "EUR"]


@given(AMOUNTS, st.sampled_from(["¥{}", "￥ {}", "{}元", "RMB {}", "原价:{}", "特价 ¥{}/盒", "{}元/斤"]))
@settings(deadline=None, max_examples=100)
def test_every_amount_survives_every_form(amount: Decimal, form: str) -> None:
    assert [price.amount for price in find_prices(form.format(amount))] == [amount]


@given(st.text(alphabet="0123456789.,¥元角分块/斤gml满减折原价特会员× *()：-Yx", max_size=30))
@settings(deadline=None, max_examples=100)
def test_spans_lie_in_the_text_in_order_and_amounts_are_positive(text: str) -> None:
    end = 0
    for price in find_prices(text):
        assert end <= price.start < price.end <= len(text)
        assert 0 < price.amount < 1_000_000
        end = price.end


def test_a_bare_number_is_an_amount_only_when_it_stands_alone() -> None:
    assert bare_amount("12 . 90") == Decimal("12.90")
    assert bare_amount("5") == 5
    assert bare_amount("12个") is None
    assert bare_amount("6901234567892") is None


def test_a_lone_sign_is_known_by_its_misreadings() -> None:
    assert all(is_sign(text) for text in ("¥", "￥", "夫", "Y", "羊"))
    assert not any(is_sign(text) for text in ("12", "元", "价", ""))


def test_a_label_is_known_without_a_price() -> None:
    assert label_kind("会员价：") == (True, "member")
    assert label_kind("售价") == (True, None)
    assert label_kind("产地") == (False, None)
