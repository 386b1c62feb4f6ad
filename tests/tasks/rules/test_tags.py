"""Whole tags: which line becomes which field, several tags in one photo, and what a tag lacks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Source, TextLine
from pixel_agent.tasks.rules.tags import price_issues, proven_gtin, read_price_tags
from tests.tasks.rules.lines import column, line, page


def said(*lines: TextLine) -> dict[str, JsonValue]:
    (row,) = read_price_tags(page(*lines)).items
    return {key: value for key, value in row.fields.items() if value not in (None, [])}


LABELLED = (
    line("惠民生活超市", 200, 10, 30), line("品名：农夫山泉饮用天然水", 10, 60), line("产地：浙江杭州", 10, 90),
    line("规格：550ml", 400, 90), line("等级：合格", 10, 120), line("计价单位：瓶", 400, 120), line("零售价：", 10, 180),
    line("¥2.00", 110, 160, 50), line("6921168509256", 10, 250), line("价格举报电话：12315", 10, 290),
)  # fmt: skip


def test_a_labelled_tag_gives_every_field() -> None:
    assert said(*LABELLED) == {
        "name": "农夫山泉饮用天然水", "regular_price": 2.0, "currency": "CNY", "unit": "瓶", "spec": "550ml",
        "origin": "浙江杭州", "grade": "合格", "gtin": "6921168509256",
    }  # fmt: skip


def test_a_row_has_text_as_source_the_least_confidence_and_the_box_of_the_tag() -> None:
    lines = [*LABELLED[:-1], line("零售热线 400-820-1234", 10, 290, confidence=0.1)]
    lines[2] = line("产地：浙江杭州", 10, 90, confidence=0.6)
    (row,) = read_price_tags(page(*lines)).items
    assert (row.source, row.confidence) == (Source.TEXT, 0.6)
    assert row.bbox is not None
    assert row.bbox[:2] == (10, 10)


def test_labels_in_cells_take_the_value_to_the_right() -> None:
    lines = [line("品名", 10, 10), line("鲁花花生油", 100, 10), line("产地", 10, 50), line("山东莱阳", 100, 50)]
    fields = said(
        *lines, line("单位", 300, 50), line("桶", 380, 50), line("零售价", 10, 120), line("169.90", 100, 100, 60)
    )
    assert (fields["name"], fields["origin"], fields["unit"], fields["regular_price"]) == (
        "鲁花花生油",
        "山东莱阳",
        "桶",
        169.9,
    )


@pytest.mark.parametrize("old", ["原价：¥19.90", "日常价19.9元", "划线价 19.90", "零售价¥19.90/瓶"])
def test_an_old_price_beside_an_unlabelled_one_makes_that_the_sale_price(old: str) -> None:
    fields = said(line("海天金标生抽", 10, 10, 40), line(old, 10, 80), line("¥12.9", 10, 120, 80))
    assert (fields["regular_price"], fields["sale_price"]) == (19.9, 12.9)


def test_of_two_unlabelled_prices_the_larger_figures_are_current_and_the_higher_is_old() -> None:
    fields = said(line("奥妙洗衣粉", 10, 10, 40), line("¥29.90", 400, 80, 30), line("¥19.90", 10, 120, 90))
    assert (fields["regular_price"], fields["sale_price"]) == (29.9, 19.9)


def test_one_unlabelled_price_is_regular_and_on_a_promotion_tag_it_is_the_sale_price() -> None:
    tag = (line("红富士苹果", 10, 60, 40), line("¥5.98/500g", 10, 120, 80))
    assert said(*tag)["regular_price"] == 5.98
    assert said(line("今日特价", 10, 10, 40), *tag)["sale_price"] == 5.98


def test_a_member_price_stands_beside_the_regular_one() -> None:
    lines = [line("特仑苏纯牛奶", 10, 10, 40), line("会员价", 10, 90), line("59.9", 100, 70, 60)]
    fields = said(*lines, line("零售价：", 10, 170), line("¥69.9", 120, 160, 40))
    assert (fields["member_price"], fields["regular_price"]) == (59.9, 69.9)


def test_small_raised_decimals_and_a_misread_sign_make_one_price() -> None:
    lines = [
        line("康师傅冰红茶", 10, 10, 40),
        line("夫", 150, 110, 40),
        line("5", 200, 100, 100),
        line("90", 260, 105, 45),
    ]
    fields = said(*lines, line("元/瓶", 260, 175, 22))
    assert (fields["regular_price"], fields["unit"]) == (5.9, "瓶")


def test_a_promoted_price_far_above_the_old_one_lost_its_point() -> None:
    fields = said(
        line("蓝月亮洗衣液", 10, 10, 40), line("原价¥40.95", 10, 80), line("特价", 10, 130), line("3110", 70, 110, 70)
    )
    assert fields["sale_price"] == 31.1


def test_figures_that_were_not_read_leave_the_price_empty() -> None:
    (row,) = read_price_tags(
        page(
            line("维达卷筒卫生纸", 10, 10, 40), line("¥", 10, 100, 40), line("95", 300, 90, 60), line("元/提", 300, 170)
        )
    ).items
    assert (row.fields["regular_price"], row.fields["unit"]) == (None, "提")


def test_slogans_hotlines_and_sizes_are_neither_names_nor_prices() -> None:
    texts = ("满100减20", "第二件半价", "规格：500ml", "海天上等蚝油", "¥9.90/瓶", "服务热线 400-820-1234")
    (row,) = read_price_tags(column(*texts)).items
    assert (row.fields["name"], row.fields["regular_price"], row.fields["sale_price"]) == ("海天上等蚝油", 9.9, None)


def test_the_unit_price_of_a_comparison_is_not_the_price() -> None:
    lines = [line("光明鲜牛奶", 10, 10, 40), line("¥21.90", 10, 80, 80), line("单位价格 ¥2.31/100ml", 500, 100)]
    assert said(*lines)["regular_price"] == 21.9


def test_of_two_languages_the_chinese_origin_counts() -> None:
    assert (
        said(
            line("安佳牛奶", 10, 10, 40), line("产地/Origin：新西兰 New Zealand", 10, 60), line("¥25.00", 10, 100, 60)
        )["origin"]
        == "新西兰"
    )


def test_the_end_of_a_promotion_is_its_last_day() -> None:
    fields = said(
        line("洽洽香瓜子", 10, 10, 40), line("特价¥9.9", 10, 60, 40), line("活动时间：2026.11.20-2026.12.15", 10, 120)
    )
    assert fields["valid_until"] == "2026-12-15"


def test_tags_side_by_side_and_on_two_shelves_give_a_row_each() -> None:
    names = ["农夫山泉饮用水", "康师傅冰红茶", "伊利纯牛奶", "海天生抽酱油"]
    lines = []
    for index, name in enumerate(names):
        x, y = 10 + index % 2 * 500, 10 + index // 2 * 400
        lines += [line(name, x, y, 30), line(f"¥{index + 1}.50", x, y + 60, 50), line("元/瓶", x + 180, y + 80)]
    rows = read_price_tags(page(*lines)).items
    assert {(row.fields["name"], row.fields["regular_price"]) for row in rows} == {
        (name, index + 1.5) for index, name in enumerate(names)
    }


def test_a_price_list_gives_a_row_a_line() -> None:
    rows = read_price_tags(column("宫保鸡丁 38元", "鱼香肉丝 ¥32", "米饭 2元/碗")).items
    assert [(row.fields["name"], row.fields["regular_price"]) for row in rows] == [
        ("宫保鸡丁", 38.0),
        ("鱼香肉丝", 32.0),
        ("米饭", 2.0),
    ]


def test_an_unmarked_number_is_a_price_if_it_is_the_largest_writing() -> None:
    assert said(line("可口可乐", 10, 10, 40), line("3.5", 10, 80, 80))["regular_price"] == 3.5
    assert read_price_tags(page(line("可口可乐", 10, 10, 40), line("3.5", 10, 80, 30))).items == ()


def test_large_words_on_goods_above_a_tag_are_not_its_name() -> None:
    lines = [
        line("加多宝凉茶", 10, 10, 90),
        line("海天金标生抽", 10, 400, 40),
        line("500ml", 10, 450),
        line("¥9.90", 10, 480, 70),
    ]
    assert said(*lines)["name"] == "海天金标生抽"


def test_a_promotion_word_can_open_a_name() -> None:
    assert said(line("特价鸡蛋", 10, 10, 50), line("4.58元/斤", 10, 90, 60))["name"] == "特价鸡蛋"


@pytest.mark.parametrize("texts", [(), ("安全出口",), ("欢迎光临", "扫码关注"), ("生产日期:20261122", "保质期12个月")])
def test_a_page_without_a_tag_gives_no_rows(texts: tuple[str, ...]) -> None:
    assert read_price_tags(column(*texts)).items == ()


@given(st.lists(st.text("¥元0123456789./:产地原价会员特品名规格单位斤ml农夫山泉 ", max_size=12), max_size=10))
@settings(deadline=None, max_examples=100)
def test_any_text_gives_rows_whose_prices_are_positive_numbers(texts: list[str]) -> None:
    for row in read_price_tags(column(*texts)).items:
        prices = [row.fields[key] for key in ("regular_price", "sale_price", "member_price")]
        assert all(price is None or (isinstance(price, float) and price > 0) for price in prices)


@pytest.mark.parametrize(
    ("fields", "expected", "issues"),
    [
        ({"regular_price": 5.0, "unit": "瓶"}, None, []),
        ({"regular_price": 5.0, "unit": None}, None, ["missing_unit"]),
        ({"regular_price": 5.0, "unit": "斤", "origin": None}, None, ["missing_origin"]),
        ({"regular_price": 5.0, "unit": "斤", "origin": "山东"}, None, []),
        ({"regular_price": 5.0, "sale_price": 4.0, "unit": "瓶"}, 4.0, []),
        ({"regular_price": 5.0, "sale_price": 4.0, "unit": "瓶"}, 5.0, ["mismatch"]),
        ({"regular_price": None, "unit": "瓶"}, 5.0, []),
        ({"regular_price": 5.0, "unit": "瓶", "issues": ["missing_origin"]}, None, ["missing_origin"]),
    ],
)
def test_issues_say_what_a_tag_lacks(fields: dict[str, JsonValue], expected: float | None, issues: list[str]) -> None:
    assert price_issues(fields, expected) == issues


def test_an_origin_label_without_a_value_is_an_issue() -> None:
    (row,) = read_price_tags(column("洽洽香瓜子", "产地：", "¥9.90/袋")).items
    assert row.fields["issues"] == ["missing_origin"]


@given(st.integers(0, 10**12 - 1), st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_exactly_one_check_digit_proves_a_gtin(body: int, other: int) -> None:
    proven = [digit for digit in "0123456789" if proven_gtin(f"{body:012d}{digit}")]
    assert len(proven) == (1 if body else 0)


def test_a_brand_stands_alone_over_the_name_of_its_goods() -> None:
    lines = [line("李锦记", 200, 60, 40), line("旧庄特级蚝油", 150, 110, 40), line("特价¥20.90", 100, 180, 80)]
    assert said(*lines)["name"] == "李锦记旧庄特级蚝油"


@pytest.mark.parametrize("shop", ["康健大药房", "盒马邻里", "福满多生鲜", "超值优惠", "惠民生活广场"])
def test_shops_and_headings_above_the_goods_are_no_names(shop: str) -> None:
    assert said(line(shop, 10, 10, 40), line("竹制砧板加厚", 10, 70, 36), line("¥20.90", 10, 140, 60))["name"] == (
        "竹制砧板加厚"
    )


@pytest.mark.parametrize("label", ["通用名称：", "药品名称:", "名称"])
def test_names_of_medicine_are_labelled_names(label: str) -> None:
    assert said(line(f"{label}板蓝根颗粒", 10, 10), line("零售价¥21.90", 10, 60))["name"] == "板蓝根颗粒"


def test_a_size_may_stand_before_a_label() -> None:
    fields = said(line("晨光0.5mm中性笔", 10, 10, 40), line("12支/盒 产地:上海", 10, 60), line("¥43.90", 10, 100, 60))
    assert (fields["spec"], fields["origin"]) == ("12支/盒", "上海")


def test_labels_that_follow_each_other_need_no_space() -> None:
    fields = said(line("味全橙汁", 10, 10, 40), line("规格300毫升产地浙江廈門", 10, 60), line("¥7.90", 10, 100, 60))
    assert fields["spec"] == "300毫升"
    assert str(fields["origin"]).startswith("浙江厦")


def test_prices_of_neighbouring_columns_read_as_one_line_go_under_their_labels() -> None:
    labels = [line("门市价(元)", 10, 36), line("现价", 300, 36), line("会员特价", 430, 36)]
    fields = said(line("蒙牛纯牛奶", 10, 0, 30), *labels, line("¥382.00", 10, 60), line("¥324.70 ¥305.60", 290, 60, 24))
    assert (fields["regular_price"], fields["sale_price"], fields["member_price"]) == (382.0, 324.7, 305.6)


def test_a_tag_with_columns_is_one_tag() -> None:
    heads = [line("单位", 10, 80), line("产地", 400, 80), line("盒", 10, 120), line("北京", 400, 120)]
    prices = [line("原价", 10, 200), line("会员价", 400, 200), line("¥6.09", 10, 240, 30), line("¥4.90", 400, 240, 30)]
    (row,) = read_price_tags(page(line("品名：牛奶巧克力", 10, 10), *heads, *prices)).items
    assert (row.fields["regular_price"], row.fields["member_price"], row.fields["origin"]) == (6.09, 4.9, "北京")


def test_a_price_above_the_large_figures_does_not_hide_their_sign() -> None:
    old, label = line("市场价:¥4.9元", 53, 140, 17), line("秒杀价", 55, 162, 19)
    figures = [line("2", 115, 155, 70), line("90", 157, 157, 33), line("天", 99, 184, 35)]
    fields = said(line("丝滑牛奶巧克力", 100, 92, 21), old, label, *figures)
    assert (fields["regular_price"], fields["sale_price"]) == (4.9, 2.9)


def test_an_origin_delivered_directly_is_the_place_alone() -> None:
    fields = said(line("丹东草莓", 10, 10, 40), line("产地直供：辽宁丹东", 10, 60), line("¥5.90元/盒", 10, 100, 60))
    assert fields["origin"] == "辽宁丹东"


def test_a_place_under_its_label_is_not_part_of_the_name() -> None:
    fields = said(
        line("拉菲传奇波尔多红葡萄酒", 10, 10, 30), line("产地", 10, 60, 24), line("法国", 120, 50, 30), line("¥94.80", 10, 120, 60)
    )  # fmt: skip
    assert (fields["name"], fields["origin"]) == ("拉菲传奇波尔多红葡萄酒", "法国")


@pytest.mark.parametrize(
    ("behind", "unit"), [("盒", "盒"), ("1个", "个"), ("卡", "卡"), ("1500g", "500g"), ("/袋", "袋")]
)
def test_a_unit_beside_its_price_counts_without_its_slash(behind: str, unit: str) -> None:
    price = line("¥24.03", 10, 60, 80)
    fields = said(line("南孚聚能环电池", 10, 10, 40), price, line(behind, price.corners[1][0] + 10, 115, 24))
    assert (fields["unit"], fields.get("spec")) == (unit, None)


def test_a_label_that_stands_lower_than_its_price_still_names_it() -> None:
    fields = said(
        line("马来西亚白咖啡", 10, 10, 40), line("售价", 200, 80, 30), line("¥16.78", 320, 75, 40),
        line("¥15.78元/袋", 320, 145, 36), line("会员特价", 180, 172, 30),
    )  # fmt: skip
    assert (fields["regular_price"], fields["member_price"]) == (16.78, 15.78)


def test_the_name_begins_where_the_other_lines_begin_and_the_shop_does_not() -> None:
    fields = said(
        line("鲜丰之家", 300, 10, 40), line("陶瓷汤碗 8英寸", 10, 70, 34), line("单位：个", 10, 115, 24),
        line("产地：江西景德镇", 10, 150, 24), line("售价", 400, 110, 24), line("¥15.08", 400, 140, 60),
    )  # fmt: skip
    assert fields["name"] == "陶瓷汤碗 8英寸"


def test_a_short_line_over_the_rest_of_the_name_belongs_to_it() -> None:
    fields = said(line("晨风", 180, 10, 40), line("聚能环五号电池", 80, 55, 40), line("¥19.6", 80, 120, 90))
    assert fields["name"] == "晨风聚能环五号电池"


def test_labels_without_colons_part_from_what_follows() -> None:
    fields = said(
        line("品名 黑猪里脊肉", 10, 10, 30), line("产地江苏苏州等级优级", 10, 50), line("计价单位 500g销售价", 10, 90),
        line("¥5.8", 150, 120, 60),
    )  # fmt: skip
    assert (fields["origin"], fields["grade"], fields["unit"]) == ("江苏苏州", "优级", "500g")


def test_a_price_whose_decimals_were_lost_is_not_given() -> None:
    assert "regular_price" not in said(line("奶油白菜", 10, 10, 30), line("售价", 10, 50), line("¥7.", 80, 45, 60))


def test_a_member_price_without_its_point_follows_the_old_price() -> None:
    fields = said(line("德芙丝滑牛奶巧克力", 10, 10, 40), line("会员价 ¥3690", 10, 70, 60), line("原价40", 10, 150))
    assert (fields["member_price"], fields["regular_price"]) == (36.9, 40)


def test_a_shop_festival_is_no_name() -> None:
    fields = said(line("店庆促销", 10, 10, 60), line("张飞麻辣牛肉干", 10, 80, 40), line("¥42.95", 10, 140, 80))
    assert fields["name"] == "张飞麻辣牛肉干"


def test_a_unit_whose_slash_reads_as_one_is_no_size() -> None:
    fields = said(line("牛油果", 10, 10, 40), line("¥235.90", 10, 60, 60), line("1个", 300, 200, 20))
    assert (fields["unit"], "spec" in fields) == ("个", False)
