"""Known brands of everyday goods, and the brand at the start of a product name. Used by the tag and product rules."""

from __future__ import annotations

from typing import Final

from pixel_agent.tasks.rules.units import half_width

_BRANDS: Final = (
    "农夫山泉 康师傅 伊利 蒙牛 海天 金龙鱼 洽洽 乐事 三只松鼠 德芙 维达 蓝月亮 老干妈 青岛啤酒 双汇 "
    "思念 三全 奥利奥 云南白药 王老吉 加多宝 统一 娃哈哈 怡宝 百岁山 元气森林 可口可乐 百事可乐 雪碧 "
    "芬达 美年达 旺旺 达利园 好丽友 徐福记 良品铺子 百草味 盼盼 光明 君乐宝 飞鹤 安慕希 特仑苏 金典 "
    "李锦记 厨邦 千禾 太太乐 鲁花 福临门 胡姬花 立白 奥妙 雕牌 汰渍 舒肤佳 海飞丝 清扬 飘柔 高露洁 "
    "佳洁士 黑人 清风 心相印 洁柔 红牛 东鹏 脉动 尖叫 佳得乐 雪花啤酒 百威 哈尔滨啤酒 茅台 五粮液 "
    "剑南春 泸州老窖 洋河 雀巢 星巴克 费列罗 士力架 益达 绿箭 阿尔卑斯 卫龙 六个核桃 露露 银鹭 椰树 "
    "养元 今麦郎 白象 出前一丁 日清 湾仔码头 安井 正大 周黑鸭 绝味 喜茶 奈雪"
)
BRANDS: Final = tuple(_BRANDS.split())
"""Brands of everyday goods in Chinese shops, as printed; a name that begins with one is a product of that brand."""


def brand_of(name: str) -> str | None:
    """The longest known brand at the start of a name; None if there is none."""
    plain = half_width(name).replace(" ", "")
    return max((brand for brand in BRANDS if plain.startswith(brand)), key=len, default=None)
