"""Prices in Chinese and English tag text: which numbers are prices, what kind, per what; everything else is not one.

General libraries take `满100减20`, `500ml` and phone numbers for prices; these rules mask what a number can be besides
a price first, and then read only amounts that a currency, a price label or a unit of sale marks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from pixel_agent.tasks.rules.units import SALE_UNIT, half_width, mend_spec, printed_unit, simplified

Kind: TypeAlias = Literal["regular", "sale", "member", "unit", "total"]
"""`unit` is a price by weight for comparison (单价), `total` that of a weighed pack (总价)."""

MAX_AMOUNT: Final = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """One price in a text at [start, end). `kind` is None where no word tells; `unit` is as printed, None if unsaid."""

    amount: Decimal
    currency: str | None
    unit: str | None
    kind: Kind | None
    start: int
    end: int


_KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "member",
        "会员[\u4e00-\u9fff]{0,3}价|会员专享价|会员特惠价|会员特价|会员价|会员专享|会员尊享价?|会员|vip专享价|vip价|vip|plus价|plus会员价|黑卡价|付费会员价|尊享价|members?(?:\\s*price)?",
    ),
    (
        "regular",
        "建议零售价|统一零售价|全国统一价|非会员价|指导价|零售价|日常价|划线价|门市价|门店价|市场价|参考价|吊牌价|专柜价|普通价|平时价|"
        "挂牌价|正常价|正价|标价|原售价|原价|原(?=\\s*[:¥]?\\s*\\d)|regular(?:\\s*price)?|rrp|was|list\\s*price",
    ),
    (
        "sale",
        "限时特价|今日特价|限时价|限时折扣|促销价格|促销价|促销|优惠价|活动价|到手价|抢购价|秒杀价|折后价|折扣价|惊爆价|清仓价|今日价|惠后价|"
        "超值价|疯抢价|体验价|新品价|尝鲜价|特惠价|特卖价|团购价|直播价|券后价|爆款价|惊喜价|处理价|出清价|特价|现价|现售|特惠|惊爆|"
        "sale(?:\\s*price)?|now(?:\\s*only)?|special(?:\\s*price)?|promo(?:\\s*price)?",
    ),
    ("unit", "单位价格|每单位价格|折合单价|折合"),
    ("total", "总价|合计|总计|金额|小计|total"),
)
_NEUTRAL: Final = "销售价格|销售价|售价|售卖价|价格|单价|定价|一口价|unit\\s*price|price"
_KIND_OF: Final = {kind: re.compile(words, re.IGNORECASE) for kind, words in _KINDS}
_ALL_LABELS: Final = "|".join(words for _, words in _KINDS) + "|" + _NEUTRAL
PRICE_LABEL: Final = re.compile(rf"(?:(?<![a-z])|(?![a-z]))(?:{_ALL_LABELS})(?![a-z])", re.IGNORECASE)
"""A word that says that the number beside it is a price."""

_NEVER: Final = re.compile(
    "|".join(
        (
            r"(?:每|消费|购物)?满\s*\d+(?:\.\d+)?\s*(?:元|件|块)?\s*(?:立?减|返|送|赠|享|打|省|包邮|免|可用|-)[^,;\s]*",
            r"(?:立减|立省|直降|已省|节省|省|降|优惠|返现?|抵|券|送|赠|加价?)\s*[¥]?\s*\d+(?:\.\d+)?\s*(?:元|块)?(?:券|红包|换购)?",
            r"\d+(?:\.\d+)?\s*(?:元|块)\s*(?:优惠|代金|现金|抵用|消费)?券",
            r"(?:任选|任意|第|买|满|限购?|每人限?|限量)\s*\d+\s*(?:件|个|瓶|盒|袋|份|人|次|台|包|斤|公斤|kg)?\s*(?:\d+(?:\.\d+)?\s*折|半价)?",
            r"\d+\s*件\s*\d+(?:\.\d+)?\s*折",
            r"[¥]?\s*\d+(?:\.\d+)?\s*(?:元)?\s*[-~—至到]\s*[¥]?\s*\d+(?:\.\d+)?\s*(?:元|块)?",  # from ... to ...
            r"(?:人均|起送价?|配送费|运费|押金|打包费|包装费|餐位费|停车费?|充值)\s*[:]?\s*[¥]?\s*\d+(?:\.\d+)?\s*元?",
            r"(?:\d+(?:\.\d+)?|[一二三四五六七八九])\s*折",
            r"\d+(?:\.\d+)?\s*%(?:vol)?",
            r"\d{2,4}\s*年(?:\s*\d{1,2}\s*月)?(?:\s*\d{1,2}\s*日)?|\d{1,2}\s*月\s*\d{1,2}\s*日?|\d{1,3}\s*(?:个月|天|小时|分钟|年|日(?!常))",
            r"(?:19|20)\d{2}\s*[-./]\s*\d{1,2}\s*[-./]\s*\d{1,2}|\d{1,2}[./-]\d{1,2}\s*[-~至到]\s*\d{1,2}[./-]\d{1,2}",
            r"\d{1,2}:\d{2}(?::\d{2})?",
            r"(?:电话|热线|tel|手机|举报|监督|客服)[^\d]{0,6}[\d\s()-]{3,}",
            r"(?:货号|编号|编码|商品码|条码|条形码|店内码|sku|plu|no\.?|code|批号|流水号)\s*[:.#]?\s*[a-z]?[\d\s-]{3,}",
            r"(?<![\d.])1[3-9]\d{9}(?!\d)|(?:400|800)-?\d{3}-?\d{4}|0\d{2,3}-\d{7,8}",
            r"(?<![\d.,])\d{7,}(?![\d.])",
            r"\d+(?:\.\d+)?\s*(?:度|°)(?:vol)?",
            r"(?:净含量|净重|毛重|规格|重量|容量|数量|库存|订货点|包装)\s*[:(]?\s*\d+(?:\.\d+)?\s*(?:[a-z]+|[\u4e00-\u9fff])?",
        )
    ),
    re.IGNORECASE,
)
_SIGN: Final = r"(?:人民币|rmb|cny|hk\$|nt\$|us\$|[¥￥$€£])"
_MISREAD: Final = r"[YyVv夫羊半丰关¥Ұ]"
_AMOUNT: Final = (
    r"\d{1,3}(?:,\d{3})+(?:\s?\.\s?\d{1,2})?(?![\d,])|\d+\s?\.\s?\d{1,2}(?!\d)|\d+,\d{2}(?!\d)|\d+(?!\d|\.\d)"
)
_PER: Final = (
    r"(?:[/|每]|一|[1Il](?=[斤瓶盒袋包个kgKG])|(?<=元)(?=\d)|(?<=元)(?=(?:公?斤|kg|[盒瓶袋包提桶个份箱支罐块])\s*$))"
)
_UNIT_TAIL: Final = rf"(?P<per>\s*{_PER}\s*\(?\s*(?:\d+(?:\.\d+)?\s*)?{SALE_UNIT}(?![a-z])\)?)?"
_JIAO: Final = (
    r"(?:\s*(?P<jiao>\d)\s*(?:角|毛)\s*(?:(?P<fen>\d)\s*分)?"
    rf"|(?P<last>\d)(?![\d.]|\s*[a-z×*件]|\s*{SALE_UNIT}))?"
)
_PRICE: Final = re.compile(
    rf"(?:每\s*(?P<prefix>(?:\d+\s*)?{SALE_UNIT})\s*[:]?\s*)?"
    rf"(?P<sign>{_SIGN}|(?<![a-z\d\u4e00-\u9fff]){_MISREAD})?\s*(?P<amount>{_AMOUNT})"
    r"(?:(?<=\d)\s(?P<raised>\d{2})(?![\d.]))?"
    rf"(?:\s*(?P<yuan>元|块钱|块|圆|兀|rmb|cny|yuan){_JIAO}"
    r"|\s*(?P<small>角|毛|分)(?![钟星熟类店开切]))?"
    rf"{_UNIT_TAIL}",
    re.IGNORECASE,
)
_LABEL_UNIT: Final = re.compile(rf"\(?\s*元\s*(?:/\s*(?P<unit>(?:\d+\s*)?{SALE_UNIT}))?\s*\)?", re.IGNORECASE)
_CURRENCIES: Final = {"hk$": "HKD", "nt$": "TWD", "us$": "USD", "€": "EUR", "£": "GBP"}
_SMALL: Final = {"角": Decimal("0.1"), "毛": Decimal("0.1"), "分": Decimal("0.01")}
_BARE: Final = re.compile(r"\d{1,5}(?:\s?[.,]\s?\d{1,2})?")


def find_prices(text: str) -> list[Price]:
    """Every price that the text states beyond doubt, in order. Bare numbers, sizes, dates and promotions are none."""
    return list(_find(text))


def bare_amount(text: str) -> Decimal | None:
    """The number that a text consists of, if it could be a price by its form: `12.90`, `5`, `12 . 9`; else None."""
    plain = mend_digits(simplified(text)).strip()
    if not _BARE.fullmatch(plain):
        return None
    return _decimal(plain)


def label_kind(text: str) -> tuple[bool, Kind | None]:
    """Whether a text holds a price label, and the kind that its last one states (None: a neutral one like 售价)."""
    labels = list(PRICE_LABEL.finditer(simplified(text)))
    return (True, _kind(labels[-1][0])) if labels else (False, None)


def is_sign(text: str) -> bool:
    """Whether a text is nothing but a currency sign, or what readers make of a lone ¥."""
    return (
        re.fullmatch(rf"(?:{_SIGN}|{_MISREAD}|天|关|羊|Y=|F)\s*", half_width(text).strip(), re.IGNORECASE) is not None
    )


def mend_digits(text: str) -> str:
    """Letters between digits that can only be digits: `1O.5O` → `10.50`; the length never changes."""
    text = re.sub(r"(?<=[\d.])[Oo](?=[\d.Oo\s元/]|$)", "0", text)
    text = re.sub(r"(?<=[\d.])[Oo](?=[\d.Oo\s元/]|$)", "0", text)
    return re.sub(r"(?<=[¥])[lI|](?=[\d.])", "1", text)


@lru_cache(maxsize=4096)
def _find(text: str) -> tuple[Price, ...]:
    plain = _mask(mend_digits(simplified(text)))
    found: list[Price] = []
    for match in _PRICE.finditer(plain):
        previous = found[-1].end if found else 0
        label = _label_before(plain, previous, match.start())
        price = _read(plain, match, label)
        if price is not None:
            found.append(price)
    return tuple(found)


def _mask(text: str) -> str:
    def blank(found: re.Match[str]) -> str:
        return "_" * len(found[0])

    text = _NEVER.sub(blank, text)
    return _SPEC_NUMBER.sub(blank, text) if len(mend_spec(text)) == len(text) else text


_SPEC_NUMBER: Final = re.compile(
    r"(?<![/¥\d.元])\d+(?:\.\d+)?\s*(?:ml|mg|kg|g|l|cl|oz|cm|mm|毫升|毫克|千克|公斤|克|升|斤)(?![a-z])"
    r"(?!\s*[¥]?\s*[/]?\s*\d+(?:\.\d+)?\s*元)(?:\s*[*×x]\s*\d+)?|(?<![/¥\d.])\d+\s*[*×x]\s*\d+(?:\.\d+)?\s*(?:[a-z]+)?",
    re.IGNORECASE,
)


def _label_before(text: str, previous: int, start: int) -> re.Match[str] | None:
    between = text[previous:start]
    labels = list(PRICE_LABEL.finditer(between))
    if not labels:
        return None
    label = labels[-1]
    gap = _LABEL_UNIT.sub("", between[label.end() :], count=1)
    gap = re.sub(r"unit\s*price|price|仅|only|只要|为|约|低至|rmb|cny", "", gap, flags=re.IGNORECASE)
    return label if not gap.strip(" :.,;-=>|()[]¥_") and len(between) - label.end() <= 24 else None


def _read(text: str, match: re.Match[str], label: re.Match[str] | None) -> Price | None:
    sign, yuan, small = match["sign"], match["yuan"], match["small"]
    decimals = "." in match["amount"]
    misread = sign is not None and re.fullmatch(_MISREAD, sign) is not None and sign not in "¥￥"
    whole = not (text[: match.start()] + text[match.end() :]).strip(" .,:;()")
    marked = bool(yuan or label or (sign and not misread))
    if not marked and misread:
        marked = decimals or whole
    if not marked and small:
        marked = whole or small == "角"
    if not marked and (match["per"] or match["prefix"]):
        marked = decimals or whole
    if not marked or (yuan == "块" and not (sign or label or whole or match["per"] or match["jiao"] or match["last"])):
        return None
    if re.match(r"\s*(?:折|%|件|个月|ml|kg|克|号|g(?![a-z]))", text[match.end() :], re.IGNORECASE) and not (
        yuan or match["per"]
    ):
        return None
    amount = _amount(match)
    if amount is None or not 0 < amount < MAX_AMOUNT:
        return None
    kind = _kind(label[0]) if label else _kind_after(text, match.end())
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    return Price(amount, _currency(sign), _unit(text, match, label), kind, start, start + len(match[0].strip()))


def _amount(match: re.Match[str]) -> Decimal | None:
    amount = _decimal(match["amount"])
    if match["small"]:
        return amount * _SMALL[match["small"]]
    if match["raised"] and "." not in match["amount"] and "," not in match["amount"]:
        amount += Decimal(match["raised"]) / 100
    if match["jiao"] or match["last"]:
        amount += Decimal(match["jiao"] or match["last"]) / 10 + Decimal(match["fen"] or 0) / 100
    return amount


def _decimal(text: str) -> Decimal:
    text = re.sub(r"\s", "", text)
    if re.fullmatch(r"\d+,\d{1,2}", text):  # a point read as a comma
        text = text.replace(",", ".")
    return Decimal(text.replace(",", ""))


def _unit(text: str, match: re.Match[str], label: re.Match[str] | None) -> str | None:
    if match["per"]:
        return printed_unit(re.sub(r"^\s*[/|每一1Il]\s*", "", match["per"]))
    if match["prefix"]:
        return printed_unit(match["prefix"])
    if label:
        found = _LABEL_UNIT.search(text[label.end() : match.start()])
        return printed_unit(found["unit"]) if found and found["unit"] else None
    return None


def _currency(sign: str | None) -> str | None:
    if sign == "$":
        return None  # whose dollar it is, the sign does not say
    return _CURRENCIES.get((sign or "").lower(), "CNY")


def _kind_after(text: str, end: int) -> Kind | None:
    found = re.match(rf"\s*[(]?\s*({PRICE_LABEL.pattern})(?!\s*[:(¥]*\s*\d)", text[end:], re.IGNORECASE)
    return _kind(found[1]) if found else None


def _kind(label: str) -> Kind | None:
    return next((kind for kind, words in _KIND_OF.items() if words.fullmatch(label)), None)
