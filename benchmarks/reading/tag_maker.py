"""Draws price tags in the style of Chinese shops, each with its truth: the photos of `python -m benchmarks tags`.

Seven layouts, each varied in words, order, fonts, sizes and colours; everything follows from the seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from pydantic import JsonValue

from benchmarks.reading import tag_words as words
from benchmarks.reading.tag_camera import photograph
from benchmarks.reading.tag_canvas import BLACK, BLUE, GREY, RED, WHITE, YELLOW, Canvas
from pixel_agent.core import Pixels

Truth = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, eq=False)
class TagSample:
    """One photo of one tag, the printed values (None: not printed), and its layout."""

    image: Pixels
    truth: Mapping[str, JsonValue]
    layout: str


def make_tags(count: int, seed: int) -> Iterator[TagSample]:
    """`count` photographed tags, the layouts in turn; the same seed gives the same pixels."""
    names = list(LAYOUTS)
    for index in range(count):
        rng = random.Random(seed * 100_003 + index)
        layout = names[index % len(names)]
        tag, truth = draw_tag(layout, rng)
        yield TagSample(photograph(tag, rng), truth, layout)


def draw_tag(layout: str, rng: random.Random) -> tuple[Pixels, Truth]:
    """One flat tag of a named layout, about 900 px wide, and its truth."""
    return LAYOUTS[layout](rng)


def make_strip(layouts: list[str], rng: random.Random, *, gap: int = 40) -> tuple[Pixels, list[Truth]]:
    """Several tags side by side in one shelf rail, flat, with their truths from left to right."""
    drawn = [draw_tag(layout, rng) for layout in layouts]
    height = max(tag.shape[0] for tag, _ in drawn) + 60
    rail = np.full((height, sum(tag.shape[1] + gap for tag, _ in drawn) + gap, 3), 205, np.uint8)
    x = gap
    for tag, _ in drawn:
        rail[30 : 30 + tag.shape[0], x : x + tag.shape[1]] = tag
        x += tag.shape[1] + gap
    return rail, [truth for _, truth in drawn]


def _truth(goods: words.Goods, **more: JsonValue) -> Truth:
    empty: Truth = dict.fromkeys(
        (
            "name",
            "regular_price",
            "sale_price",
            "member_price",
            "unit",
            "spec",
            "origin",
            "grade",
            "gtin",
            "valid_until",
        )
    )
    return {**empty, "name": goods.name, "currency": "CNY", **more}


def _price(rng: random.Random) -> Decimal:
    whole = rng.choice((rng.randrange(1, 10), rng.randrange(10, 100), rng.randrange(10, 100), rng.randrange(100, 400)))
    cents = rng.choice((90, 80, 50, 99, 0, 88, 60, 95, rng.randrange(100)))
    return Decimal(whole) + Decimal(cents) / 100


def _lower(price: Decimal, rng: random.Random) -> Decimal:
    factor = Decimal(rng.randrange(55, 92)) / 100
    return max(Decimal("0.50"), (price * factor).quantize(Decimal(rng.choice(("0.1", "0.01")))))


def _figures(price: Decimal, rng: random.Random) -> str:
    whole = price == price.to_integral_value()
    tenths = price * 10 == (price * 10).to_integral_value()
    if whole and rng.random() < 0.4:
        return str(int(price))
    return f"{price:.1f}" if tenths and rng.random() < 0.3 else f"{price:.2f}"


def _labelled(rng: random.Random) -> tuple[Pixels, Truth]:
    """The printed form of a supermarket: label and value in cells, a price below or at the right."""
    goods = words.packed(rng)
    price, code, grade = _price(rng), words.gtin13(rng), rng.choice(words.GRADES)
    colour = rng.choice((BLUE, RED, (20, 120, 60), BLACK))
    canvas = Canvas(rng.randrange(860, 960), 600, rng)
    canvas.band(0, 78, colour)
    canvas.text(canvas.width // 2, 39, rng.choice((*words.HEADERS, *words.SHOPS)), 46, WHITE, bold=True, anchor="mm")
    colon, gap = rng.choice(("：", ":", "： ")), rng.choice(("", " "))
    canvas.text(30, 125, f"品{gap}名{colon}{goods.name}", 40, bold=True, anchor="lm", room=canvas.width - 60)
    cells = [
        (rng.choice(("产地", "产 地")), goods.origin),
        (rng.choice(("规格", "规 格")), goods.spec),
        (rng.choice(("单位", "计价单位", "计量单位")), goods.unit),
        ("等级", grade),
    ]
    rng.shuffle(cells)
    for index, (label, value) in enumerate(cells):
        canvas.text(30 + index % 2 * 440, 200 + index // 2 * 66, f"{label}{colon}{value}", 34, anchor="lm")
    canvas.lines((24, 160, 232, 300), GREY) if rng.random() < 0.5 else None
    label = rng.choice(("零售价", "价格", "售价", "单价"))
    figures = _figures(price, rng)
    if rng.random() < 0.5:
        box = canvas.text(30, 350, f"{label}{colon}", 36, anchor="lm")
        canvas.text(
            box[2] + 14,
            390,
            rng.choice(("¥", "￥", "")) + figures + rng.choice(("", "元")),
            92,
            RED,
            bold=True,
            anchor="lm",
        )
    else:
        canvas.text(30, 380, f"{label}(元){colon}{figures}", 60, RED, bold=True, anchor="lm")
    if printed := rng.random() < 0.7:
        canvas.barcode(code, rng.randrange(30, 200), 455, height=80)
    elif rng.random() < 0.6:
        canvas.text(30, 500, f"条码{colon}{code}", 32, anchor="lm")
        printed = True
    if rng.random() < 0.5:
        canvas.text(canvas.width - 30, 570, rng.choice(words.HOTLINES), 24, GREY, anchor="rm")
    canvas.frame(colour)
    return canvas.pixels, _truth(
        goods,
        regular_price=float(price),
        unit=goods.unit,
        spec=goods.spec,
        origin=goods.origin,
        grade=grade,
        gtin=code if printed else None,
    )


def _promotion(rng: random.Random) -> tuple[Pixels, Truth]:
    """A promotion: the old price struck through, the new one large, and slogans that are not prices."""
    goods = words.packed(rng)
    regular = _price(rng) + 2
    sale = _lower(regular, rng)
    canvas = Canvas(rng.randrange(820, 940), rng.randrange(560, 640), rng, paper=rng.choice((YELLOW, WHITE)))
    canvas.band(0, 100, RED)
    canvas.text(
        canvas.width // 2,
        50,
        rng.choice(("特价", "限时特惠", "惊爆价", "促 销", "今日特价", "SALE 特卖")),
        70,
        WHITE,
        bold=True,
        anchor="mm",
    )
    canvas.text(canvas.width // 2, 150, goods.name, 50, bold=True, anchor="mm", room=canvas.width - 40)
    canvas.text(30, 215, rng.choice(("规格：", "规格:", "", "净含量：")) + goods.spec, 32, anchor="lm")
    old = (
        rng.choice(("原价：", "原价", "日常价:", "零售价 ", "划线价"))
        + rng.choice(("¥", "￥", ""))
        + _figures(regular, rng)
        + rng.choice(("", "元"))
    )
    box = canvas.text(rng.choice((30, canvas.width - 380)), 275, old, 40, GREY, anchor="lm")
    canvas.lines((box[0], box[1] + 22, box[2], box[1] + 22), GREY)
    label = rng.choice(("现价", "特价", "促销价", "", "到手价", "抢购价"))
    start = canvas.text(30, 410, label, 44, RED, bold=True, anchor="lm")[2] + 16 if label else 40
    box = canvas.text(
        start,
        410,
        rng.choice(("¥", "￥")) + _figures(sale, rng),
        150,
        RED,
        bold=True,
        anchor="lm",
        room=canvas.width - start - 120,
    )
    canvas.text(box[2] + 10, box[3] - 30, rng.choice(("元/", "/")) + goods.unit, 40, anchor="lm")
    truth = _truth(goods, regular_price=float(regular), sale_price=float(sale), unit=goods.unit, spec=goods.spec)
    low = canvas.height - 40
    if rng.random() < 0.5:
        truth["valid_until"] = "2026-12-15"
        canvas.text(
            30,
            low,
            rng.choice(("活动时间：2026.11.20-2026.12.15", "促销期至2026年12月15日", "有效期:2026/12/01-2026/12/15")),
            28,
            anchor="lm",
        )
    elif rng.random() < 0.7:
        canvas.text(30, low, rng.choice(words.SLOGANS), 36, RED, anchor="lm")
    canvas.frame(RED)
    return canvas.pixels, truth


def _shelf_label(rng: random.Random) -> tuple[Pixels, Truth]:
    """An electronic shelf label: few colours, a large integer with small raised decimals."""
    goods = words.packed(rng)
    price, code = _price(rng), words.gtin13(rng)
    canvas = Canvas(rng.randrange(820, 900), 420, rng, paper=(236, 238, 234))
    canvas.text(24, 44, goods.name, 44, bold=True, anchor="lm", room=canvas.width - 60)
    canvas.text(24, 100, rng.choice(("规格:", "规格：", "")) + goods.spec, 28, anchor="lm")
    truth = _truth(goods, spec=goods.spec, unit=goods.unit)
    if rng.random() < 0.5:
        canvas.text(280, 100, rng.choice(("产地:", "产地：")) + goods.origin, 28, anchor="lm")
        truth["origin"] = goods.origin
    promoted = rng.random() < 0.4
    colour = RED if promoted else BLACK
    x = rng.randrange(340, 400)
    if promoted:
        regular = price
        price = _lower(price + 1, rng)
        truth["regular_price"] = float(regular + 1)
        truth["sale_price"] = float(price)
        canvas.text(24, 160, f"原价 ¥{regular + 1:.2f}", 30, anchor="lm")
        canvas.text(24, 215, rng.choice(("特价", "促销")), 44, RED, bold=True, anchor="lm")
    else:
        truth["regular_price"] = float(price)
    whole, cents = f"{price:.2f}".split(".")
    yen = canvas.text(x, 200, rng.choice(("¥", "￥")), 56, colour, bold=True, anchor="lm")
    big = canvas.text(
        yen[2] + 8,
        245,
        whole + rng.choice((".", ".", "")),
        170 if len(whole) < 3 else 135,
        colour,
        bold=True,
        anchor="lm",
    )
    canvas.text(big[2] + 14, big[1], cents, 80, colour, bold=True, anchor="lt")
    canvas.text(big[2] + 14, big[3] - 20, rng.choice(("元/", "/")) + goods.unit, 34, anchor="lm")
    if rng.random() < 0.75:
        canvas.barcode(code, 24, 290, height=70, module=2)
        truth["gtin"] = code
    canvas.frame(GREY)
    return canvas.pixels, truth


def _produce(rng: random.Random) -> tuple[Pixels, Truth]:
    """Loose goods: a large name, the place of origin, a price by weight."""
    goods = words.fresh(rng)
    price = _lower(_price(rng) / 4 + 2, rng).quantize(Decimal("0.01"))
    green = (16, 110, 50)
    canvas = Canvas(
        rng.randrange(760, 900), rng.randrange(480, 560), rng, paper=rng.choice((WHITE, (226, 242, 220), YELLOW))
    )
    if rng.random() < 0.6:
        canvas.band(0, 70, green)
        canvas.text(
            canvas.width // 2, 35, rng.choice(("生鲜果蔬", "新鲜直达", *words.SHOPS)), 42, WHITE, bold=True, anchor="mm"
        )
    canvas.text(
        canvas.width // 2,
        145,
        rng.choice(("", "", "品名：")) + goods.name,
        84,
        green,
        bold=True,
        anchor="mm",
        room=canvas.width - 40,
    )
    truth = _truth(goods, unit=goods.unit, regular_price=float(price))
    if rng.random() < 0.8:
        truth["origin"] = goods.origin
        canvas.text(34, 235, rng.choice(("产地：", "产地:", "产地 ")) + goods.origin, 38, anchor="lm")
    if rng.random() < 0.4:
        truth["grade"] = grade = rng.choice(words.GRADES)
        canvas.text(canvas.width // 2 + 40, 235, rng.choice(("等级：", "等级:")) + grade, 38, anchor="lm")
    figures = _figures(price, rng)
    style = rng.randrange(3)
    if style == 0:
        box = canvas.text(60, 370, "¥" + figures, 150, RED, bold=True, anchor="lm")
        canvas.text(box[2] + 14, 400, "/" + goods.unit, 52, anchor="lm")
    elif style == 1:
        box = canvas.text(60, 370, figures, 150, RED, bold=True, anchor="lm")
        canvas.text(box[2] + 14, 400, "元/" + goods.unit, 52, anchor="lm")
    else:
        canvas.text(
            canvas.width // 2,
            370,
            f"{figures}元/{goods.unit}",
            100,
            RED,
            bold=True,
            anchor="mm",
            room=canvas.width - 40,
        )
    canvas.frame(green)
    return canvas.pixels, truth


def _imported(rng: random.Random) -> tuple[Pixels, Truth]:
    """Imported goods: two languages, a country of origin."""
    goods = words.imported(rng)
    price, code = _price(rng) + 5, words.gtin13(rng)
    canvas = Canvas(rng.randrange(880, 980), 520, rng)
    canvas.text(30, 55, goods.name, 54, bold=True, anchor="lm", room=canvas.width - 60)
    canvas.text(30, 118, goods.english, 36, GREY, anchor="lm")
    origin = (
        rng.choice(("原产国：", "产地/Origin：", "原产国 Origin: ", "原产地："))
        + goods.origin
        + rng.choice(("", " " + goods.english_origin))
    )
    spec = rng.choice(("规格：", "净含量 Net: ", "规格/Spec：", "净含量：")) + goods.spec
    for index, row in enumerate(rng.sample((origin, spec), 2)):
        canvas.text(30, 180 + 54 * index, row, 32, anchor="lm")
    truth = _truth(goods, origin=goods.origin, spec=goods.spec, unit=goods.unit, regular_price=float(price))
    row = rng.choice(("单价 Price ", "零售价 Price: ", "售价：", ""))
    box = canvas.text(30, 340, row, 34, anchor="lm") if row else (0, 0, 20, 0)
    box = canvas.text(box[2] + 10, 335, "¥" + f"{price:.2f}", 110, bold=True, anchor="lm")
    canvas.text(box[2] + 12, 365, rng.choice(("/", "元/")) + goods.unit, 40, anchor="lm")
    if rng.random() < 0.8:
        canvas.barcode(code, 30, 415, height=60, module=2)
        truth["gtin"] = code
    canvas.frame(BLACK)
    return canvas.pixels, truth


def _member(rng: random.Random) -> tuple[Pixels, Truth]:
    """Two prices: one for all customers, one for members."""
    goods = words.packed(rng)
    regular = _price(rng) + 2
    member = _lower(regular, rng)
    canvas = Canvas(rng.randrange(860, 960), 540, rng, paper=rng.choice((WHITE, (250, 240, 225))))
    gold = (150, 100, 20)
    canvas.text(30, 55, goods.name, 50, bold=True, anchor="lm", room=canvas.width - 60)
    canvas.text(30, 120, rng.choice(("规格：", "", "规格 ")) + goods.spec, 32, anchor="lm")
    canvas.text(canvas.width // 2, 120, rng.choice(("单位：", "计价单位：")) + goods.unit, 32, anchor="lm")
    labels = rng.choice((("零售价", "会员价"), ("原价", "会员价"), ("售价", "会员专享价"), ("普通价", "VIP价")))
    for index, (label, price) in enumerate(rng.sample([(labels[0], regular), (labels[1], member)], 2)):
        size = 110 if price == member else 70
        y = 220 + 140 * index
        box = canvas.text(30, y, label + rng.choice(("", "：")), 40, gold if price == member else BLACK, anchor="lm")
        canvas.text(
            box[2] + 20,
            y,
            rng.choice(("¥", "￥")) + _figures(price, rng),
            size,
            RED if price == member else BLACK,
            bold=True,
            anchor="lm",
        )
    if rng.random() < 0.5:
        canvas.text(30, 490, rng.choice((*words.SLOGANS, *words.HOTLINES)), 30, GREY, anchor="lm")
    canvas.frame(gold)
    return canvas.pixels, _truth(
        goods, regular_price=float(regular), member_price=float(member), unit=goods.unit, spec=goods.spec
    )


def _plain(rng: random.Random) -> tuple[Pixels, Truth]:
    """A corner shop's strip: a name, a price, perhaps a size."""
    goods = words.packed(rng)
    price = _price(rng)
    canvas = Canvas(rng.randrange(700, 860), 300, rng, paper=rng.choice((WHITE, YELLOW)))
    truth = _truth(goods, regular_price=float(price))
    canvas.text(24, 60, goods.name, 50, bold=True, anchor="lm", room=canvas.width - 50)
    if rng.random() < 0.6:
        canvas.text(24, 125, goods.spec, 34, anchor="lm")
        truth["spec"] = goods.spec
    figures = _figures(price, rng)
    style = rng.randrange(3)
    text = ("¥" + figures, figures + "元", f"￥{figures}/{goods.unit}")[style]
    truth["unit"] = goods.unit if style == 2 else None
    canvas.text(canvas.width - 30, 215, text, 110, RED, bold=True, anchor="rm", room=canvas.width - 60)
    canvas.frame(BLACK)
    return canvas.pixels, truth


LAYOUTS: Mapping[str, Callable[[random.Random], tuple[Pixels, Truth]]] = {
    "labelled": _labelled,
    "promotion": _promotion,
    "shelf_label": _shelf_label,
    "produce": _produce,
    "imported": _imported,
    "member": _member,
    "plain": _plain,
}
