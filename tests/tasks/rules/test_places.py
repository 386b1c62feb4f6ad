"""Storefronts, recognised from their text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Review, Source, TextLine
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.places import find_address, find_phones, read_storefront
from tests.tasks.rules.lines import column, line, page


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("电话:0571-88886666", ["0571-88886666"]),
        ("13800138000", ["13800138000"]),
        ("138-0013-8000", ["138-0013-8000"]),
        ("138 0013 8000", ["138 0013 8000"]),
        ("+86 138 0013 8000", ["+86 138 0013 8000"]),
        ("(010)6666 8888", ["(010)6666 8888"]),
        ("021-5555 6666", ["021-5555 6666"]),
        ("热线 400-826-1122", ["400-826-1122"]),
        ("4008261122", ["4008261122"]),
        ("TEL 88886666", ["88886666"]),
        ("订餐电话：8888 6666", ["8888 6666"]),
        ("ＴＥＬ：０５７１－８８８８６６６６", ["０５７１－８８８８６６６６"]),
        ("TEL 04-2337-8888", ["04-2337-8888"]),
        ("电话 13800138000 / 0571-88886666", ["13800138000", "0571-88886666"]),
        ("6901234567892", []),
        ("6 901380 013800", []),
        ("¥13800138000", []),
        ("12.50", []),
        ("20261122", []),
        ("500ml*24", []),
        ("88886666", []),
        ("SC10613800138000", []),
    ],
)
def test_telephones_are_told_from_other_numbers(text: str, phones: list[str]) -> None:
    assert find_phones(text) == phones


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("地址:杭州市西湖区文三路18号", "杭州市西湖区文三路18号"),
        ("浙江省杭州市西湖区文三路18号3楼", "浙江省杭州市西湖区文三路18号3楼"),
        ("文三路18号", "文三路18号"),
        ("人民路128-2号 电话13800138000", "人民路128-2号"),
        ("上海市浦东新区世纪大道", "上海市浦东新区世纪大道"),
        ("台中市烏日區中山路二段88號", "台中市烏日區中山路二段88號"),
        ("12 High Street", "12 High Street"),
        ("解放路店", None),
        ("老街牛肉面", None),
        ("便利店", None),
    ],
)
def test_addresses_are_read_as_printed(text: str, address: str | None) -> None:
    assert find_address(text) == address


def test_the_tallest_writing_that_is_no_slogan_is_the_name() -> None:
    draft = read_storefront(
        page(
            line("欢迎光临", 10, 10, 70),
            line("老王便利店", 10, 100, 60),
            line("电话:0571-88886666", 10, 200, 25),
            line("地址:文三路18号", 10, 240, 25),
            line("营业中", 10, 300, 25, confidence=0.6),
        )
    )
    (row,) = draft.items
    assert row.fields == {
        "shop_name": "老王便利店",
        "sign_text": "欢迎光临\n老王便利店\n电话:0571-88886666\n地址:文三路18号\n营业中",
        "address": "文三路18号",
        "phone": "0571-88886666",
        "business_category": "便利店",
        "business_status": "open",
        "qr": [],
    }
    assert (row.source, row.bbox is not None) == (Source.TEXT, True)


def test_a_kind_of_shop_under_the_name_belongs_to_it() -> None:
    draft = read_storefront(page(line("同仁堂", 10, 10, 60), line("大药房", 10, 80, 40)))
    assert draft.items[0].fields["shop_name"] == "同仁堂大药房"
    assert draft.items[0].fields["business_category"] == "药店"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("营业中", "open"),
        ("正在营业", "open"),
        ("OPEN", "open"),
        ("休息中", "closed"),
        ("暂停营业", "closed"),
        ("暂停营业中", "closed"),
        ("CLOSED", "closed"),
        ("已打烊", "closed"),
        ("营业时间 9:00-21:00", None),
        ("OPEN 9:00-21:00", None),
        ("OPENING HOURS", None),
        ("24小时营业", None),
    ],
)
def test_open_or_closed_only_where_the_text_says_so(text: str, status: str | None) -> None:
    assert read_storefront(column("老王面馆", text)).items[0].fields["business_status"] == status


def test_signs_that_disagree_are_unclear_with_a_warning() -> None:
    draft = read_storefront(column("老王面馆", "OPEN", "CLOSED"))
    assert draft.items[0].fields["business_status"] is None
    assert [notice.code for notice in draft.warnings] == ["status_unclear"]


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("老王面馆", "餐饮"),
        ("永辉超市", "超市"),
        ("同仁堂药店", "药店"),
        ("小美理发", "理发"),
        ("瑞幸咖啡", "饮品"),
        ("蓝天烟酒店", "烟酒"),
        ("张三工作室", None),
    ],
)
def test_the_kind_of_business_comes_from_a_table_or_is_null(name: str, category: str | None) -> None:
    assert read_storefront(column(name)).items[0].fields["business_category"] == category


@pytest.mark.parametrize("texts", [[], ["20261122"], ["¥9.9"], ["欢迎光临"]])
def test_a_page_that_names_nothing_gives_no_item(texts: list[str]) -> None:
    assert read_storefront(column(*texts)).items == ()


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(st.text(max_size=25), max_size=5))
def test_the_name_and_telephone_are_quoted_never_made_up(texts: list[str]) -> None:
    for row in read_storefront(column(*texts)).items:
        phone = row.fields["phone"]
        assert phone is None or all(part in "\n".join(texts) for part in str(phone).split(" / "))
    for text in texts:
        find_address(text)


def codes(texts: Page) -> list[str]:
    return [notice.code for notice in read_storefront(texts).warnings]


@pytest.mark.parametrize(
    "name",
    [
        "永福超市",
        "望江楼",
        "蓝山书店",
        "同仁堂大药房",
        "美味佳快餐店",
        "HARBOR MARKET",
        "FamilyMart",
        "Café Lune",
        "老王(文三路店)",
    ],
)
def test_what_calls_itself_a_shop_is_one(name: str) -> None:
    (row,) = read_storefront(column(name, "全场五折起", "天天有礼")).items
    assert (row.fields["shop_name"], row.review) == (name, Review.NONE)


@pytest.mark.parametrize(
    "beside", ["电话 0571-88886666", "西湖区文三路18号", "营业时间 8:00-22:00", "正在营业", "08:00~21:30"]
)
def test_how_to_reach_a_shop_makes_its_sign_one(beside: str) -> None:
    (row,) = read_storefront(page(line("喜茶", 10, 10, 60), line(beside, 10, 100))).items
    assert (row.fields["shop_name"], row.review) == ("喜茶", Review.NONE)


def test_a_name_that_rests_on_its_size_wants_a_look() -> None:
    (row,) = read_storefront(page(line("鲜果时光", 100, 100, 120), line("现做现卖", 100, 300, 30))).items
    assert (row.fields["shop_name"], row.review) == ("鲜果时光", Review.ADVISED)


@pytest.mark.parametrize(
    "lines",
    [
        (line("Tiger", 10, 10, 25),),
        (line("鲜果时光", 100, 100, 40),),
        (line("鲜果时光", 100, 100, 120), line("现做现卖", 100, 300, 90)),
        (line("发生火灾时：", 10, 10, 100), line("酒店总机 0571-88886666", 10, 200, 30)),
        (line("收银台3", 100, 100, 120),),
        (line("海天黄豆酱", 10, 10, 60), line("¥12.80", 10, 100, 90), line("产地：广东", 10, 220)),
        (line("雀巢咖啡", 10, 10, 90), line("净含量：268ml", 10, 130), line("生产商地址：文三路18号", 10, 170)),
        (line("惠民超市", 10, 10, 30), line("可口可乐", 10, 60, 40), line("¥3.50", 10, 120, 80)),
        tuple(
            line(text, 10, 10 + 60 * i, 50) for i, text in enumerate(["洗衣", "多谷物", "苏打饼", *"甲乙丙丁戊己庚"])
        ),
    ],
)
def test_what_nothing_calls_a_storefront_is_none(lines: tuple[TextLine, ...]) -> None:
    assert read_storefront(page(*lines)).items == ()
    assert codes(page(*lines)) == ["no_storefront"]


def test_what_the_reader_hardly_trusts_names_no_shop() -> None:
    assert read_storefront(page(line("文旦拜拜", 10, 10, 60, confidence=0.5))).items == ()
