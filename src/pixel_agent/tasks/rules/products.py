"""The rules of the product task: reads products from price tags, and from the text on the goods themselves."""

from __future__ import annotations

import re
from typing import Final

from pydantic import JsonValue

from pixel_agent.core import Box, Draft, Row, Source
from pixel_agent.tasks.rules.brands import brand_of
from pixel_agent.tasks.rules.labels import parse_labels
from pixel_agent.tasks.rules.layout import Placed, cover, straighten
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.tag_names import looks_like_name
from pixel_agent.tasks.rules.tags import read_price_tags
from pixel_agent.tasks.rules.units import find_specs, half_width

MIN_CONFIDENCE: Final = 0.8
"""Minimum confidence of text on goods: OCR reads words into the ornaments of packaging."""

_GOODS: Final = re.compile(
    r"(?:牛奶|酸奶|鲜奶|奶粉|豆奶|奶茶|红茶|绿茶|乌龙茶|花茶|凉茶|果汁|橙汁|汽水|可乐|苏打水|矿泉水|纯净水|天然水|饮用水|饮料|啤酒|白酒|葡萄酒|黄酒|"
    r"咖啡|饼干|薯片|蛋糕|面包|巧克力|糖果|软糖|果冻|坚果|瓜子|花生|腰果|核桃|果干|肉干|牛肉干|火腿肠|香肠|方便面|拉面|牛肉面|挂面|粉丝|米粉|"
    r"大米|面粉|食用油|调和油|花生油|玉米油|菜籽油|橄榄油|酱油|生抽|老抽|蚝油|香醋|陈醋|料酒|豆瓣酱|黄豆酱|辣椒酱|番茄酱|芝麻酱|沙拉酱|豆豉|"
    r"食盐|白糖|红糖|味精|鸡精|水饺|汤圆|馄饨|冰淇淋|雪糕|罐头|蜂蜜|麦片|燕麦片|洗衣液|洗衣粉|洗洁精|洗手液|沐浴露|洗发水|洗发露|香皂|牙膏|"
    r"抽纸|卫生纸|纸巾|湿巾|卫生巾|纸尿裤|垃圾袋|保鲜膜|口罩|电池)$"
)  # fmt: skip


def read_products(page: Page) -> Draft:
    """One item per product: those with a price tag first, then goods named on their packaging; nothing is guessed.

    `brand` is given only if the name begins with a known brand; `category`, `facings` and `shelf_level` cannot be read
    from text and are null.
    """
    tagged = [row for row in read_price_tags(page).items if row.fields.get("name")]
    rows = [_from_tag(row) for row in tagged]
    seen = {_key(row) for row in rows}
    boxes = [row.bbox for row in tagged if row.bbox is not None]
    for row in _on_goods(page, boxes):
        if _key(row) not in seen:
            seen.add(_key(row))
            rows.append(row)
    return Draft(items=tuple(rows))


def _from_tag(tag: Row) -> Row:
    name = str(tag.fields["name"])
    prices = (tag.fields.get(key) for key in ("sale_price", "regular_price", "member_price"))
    price = next((value for value in prices if value is not None), None)
    fields = _fields(name, tag.fields.get("spec"), price, tag.fields.get("gtin"))
    return Row(fields, tag.bbox, Source.TEXT, tag.confidence)


def _on_goods(page: Page, tags: list[Box]) -> list[Row]:
    pieces = [piece for piece in straighten(page.lines) if not any(_inside(piece, box) for box in tags)]
    rows = []
    for piece in pieces:
        confidence = piece.lines[0].confidence
        name = _name_on_goods(piece.text) if confidence >= MIN_CONFIDENCE else None
        if name is not None:
            specs = find_specs(piece.text)
            fields = _fields(name, specs[0].text if specs else None, None, None)
            rows.append(Row(fields, cover([piece]), Source.TEXT, confidence))
    return rows


def _name_on_goods(text: str) -> str | None:
    """The name in a line on packaging: the value of 品名, or a short line that ends in a kind of goods; else None."""
    plain = half_width(text).strip()
    named = [value for field, value in parse_labels(plain)[1] if field == "name" and len(value) >= 2]
    if named:
        return named[0]
    specs = find_specs(plain)
    words = plain[: specs[0].start].strip() if specs and specs[0].start else plain
    if not looks_like_name(plain) or re.search(r"[,.:;!?%\d]", words) or not 4 <= len(words) <= 14:
        return None
    return words if _GOODS.search(words) else None


def _fields(name: str, spec: JsonValue, price: JsonValue, gtin: JsonValue) -> dict[str, JsonValue]:
    return {
        "name": name,
        "brand": brand_of(name),
        "spec": spec,
        "category": None,
        "gtin": gtin,
        "facings": None,
        "shelf_level": None,
        "price": price,
    }


def _key(row: Row) -> tuple[str, JsonValue]:
    return str(row.fields["name"]).replace(" ", "").lower(), row.fields["spec"]


def _inside(piece: Placed, box: Box) -> bool:
    left, top, right, bottom = piece.lines[0].box
    x, y = (left + right) / 2, (top + bottom) / 2
    return box[0] <= x < box[2] and box[1] <= y < box[3]
