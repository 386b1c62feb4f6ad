"""Products by their tags and by the words on them; nothing else becomes one."""

from __future__ import annotations

import pytest

from pixel_agent.tasks.rules.brands import brand_of
from pixel_agent.tasks.rules.products import read_products
from tests.tasks.rules.lines import column, line, page


def test_a_tag_gives_a_product_at_its_current_price() -> None:
    tag = (
        line("康师傅冰红茶", 10, 10, 40),
        line("500ml", 10, 60),
        line("原价¥4.50", 10, 90),
        line("特价¥3.90/瓶", 10, 130, 50),
    )
    (row,) = read_products(page(*tag)).items
    assert row.fields == {
        "name": "康师傅冰红茶", "brand": "康师傅", "spec": "500ml", "category": None, "gtin": None, "facings": None,
        "shelf_level": None, "price": 3.9,
    }  # fmt: skip


def test_goods_named_on_their_packing_are_products_once_each() -> None:
    rows = read_products(column("特仑苏纯牛奶", "特仑苏纯牛奶", "品名：黑芝麻汤圆", "净含量：500g")).items
    assert [(row.fields["name"], row.fields["brand"]) for row in rows] == [
        ("特仑苏纯牛奶", "特仑苏"),
        ("黑芝麻汤圆", None),
    ]


@pytest.mark.parametrize(
    "text", ["配料：水、白砂糖、牛奶", "欢迎光临", "好喝的牛奶,每天一杯牛奶", "安全出口", "500ml", "牛奶", "扫码领牛奶"]
)
def test_other_words_are_no_products(text: str) -> None:
    assert read_products(column(text)).items == ()


def test_uncertain_words_on_goods_are_left_out() -> None:
    assert read_products(page(line("特仑苏纯牛奶", confidence=0.5))).items == ()


def test_a_brand_is_only_given_where_it_is_known() -> None:
    assert brand_of("伊利 纯牛奶") == "伊利"
    assert brand_of("本地小青菜") is None
