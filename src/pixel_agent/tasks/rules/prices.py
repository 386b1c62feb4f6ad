"""Finds prices in the text of tags: which numbers are prices, their kind and unit. Used by `offers.py`; pure.

General libraries take `满100减20`, `500ml` and phone numbers for prices. These rules first mask all numbers of other
kinds, then read only amounts marked by a currency, a price label or a unit of sale.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from pixel_agent.tasks.rules.locale.currencies import WORD_LIKE_CODES
from pixel_agent.tasks.rules.locale.price_words import every_word
from pixel_agent.tasks.rules.locale.scripts import has_script, is_traditional
from pixel_agent.tasks.rules.locale.words import word_pattern
from pixel_agent.tasks.rules.money import (
    AMOUNT,
    LEADING,
    MINOR,
    RAISED,
    SIGN,
    WHOLE_AMOUNT,
    currency_decimals,
    currency_of,
    minor_currency,
    to_decimal,
)
from pixel_agent.tasks.rules.units import SALE_UNIT, half_width, mend_spec, printed_unit, simplified

Kind: TypeAlias = Literal["regular", "sale", "member", "unit", "total", "taxed"]
"""`unit` is a comparison price by weight (单价), `total` that of a weighed pack (总价), `taxed` one with tax beside the
same price without tax."""

MAX_AMOUNT: Final = Decimal(1_000_000)
MAX_SIGNED: Final = Decimal(1_000_000_000)
"""Limit of an amount with a currency sign (rupiah, dong); amounts from here on are no prices."""
LABEL_REACH: Final = 60
"""Maximum number of characters between a label and its price."""
MAX_TEXT: Final = 300
"""Maximum number of characters of a line that are read; tags have no longer lines."""


@dataclass(frozen=True, slots=True)
class Price:
    """One price in a text at [start, end). `kind` is None if no word states it; `unit` is as printed, or None."""

    amount: Decimal
    currency: str | None
    unit: str | None
    kind: Kind | None
    start: int
    end: int
    sign: str = ""
    """The currency sign as printed; empty if the currency is from words or unknown."""


def _words(kind: str) -> str:
    return word_pattern(simplified(word) for word in every_word(kind))


_KINDS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "member",
        "会员[\u4e00-\u9fff]{0,3}价|会员专享价|会员特惠价|会员特价|会员价|会员专享|会员尊享价?|会员|vip专享价|vip价|vip|plus价|plus会员价|黑卡价|付费会员价|尊享价|"
        + _words("member"),
    ),
    (
        "regular",
        "建议零售价|统一零售价|全国统一价|非会员价|指导价|零售价|日常价|划线价|门市价|门店价|市场价|参考价|吊牌价|专柜价|普通价|平时价|"
        "挂牌价|正常价|正价|标价|原售价|原价|原(?=\\s*[:¥]?\\s*\\d)|" + _words("was"),
    ),
    (
        "sale",
        "限时特价|今日特价|限时价|限时折扣|促销价格|促销价|促销|优惠价|活动价|到手价|抢购价|秒杀价|折后价|折扣价|惊爆价|清仓价|今日价|惠后价|"
        "超值价|疯抢价|体验价|新品价|尝鲜价|特惠价|特卖价|团购价|直播价|券后价|爆款价|惊喜价|处理价|出清价|特价|现价|现售|特惠|惊爆|"
        + _words("now"),
    ),
    ("unit", "单位价格|每单位价格|折合单价|折合|" + word_pattern(set(every_word("comparison")) - {"unit price"})),
    ("total", "总价|合计|总计|金额|小计|total"),
    ("taxed", _words("tax_included")),
)
_CHINESE_PRICE: Final = "销售价格|销售价|售价|售卖价|价格|单价|定价|一口价"
_NEUTRAL: Final = f"{_CHINESE_PRICE}|unit\\s*price|{_words('neutral')}|{_words('tax_excluded')}"
_KIND_OF: Final = {kind: re.compile(words, re.IGNORECASE) for kind, words in _KINDS}
_ALL_LABELS: Final = "|".join(words for _, words in _KINDS) + "|" + _NEUTRAL
PRICE_LABEL: Final = re.compile(rf"(?:(?<![a-z])|(?![a-z]))(?:{_ALL_LABELS})(?![a-z])", re.IGNORECASE)
"""Pattern of a word that marks the number beside it as a price."""

_SIGNED: Final = rf"(?:{SIGN})?\s*(?:{AMOUNT}|{LEADING})\s*(?:{SIGN}|{MINOR}|%)?"
_NO_PRICE_AFTER: Final = rf"(?!\s*[:(]?\s*(?:{SIGN})?\s*[.,]?\d)"
_EXTRA: Final = r"(?:\+|plus|zzgl\.?|excl\.?|inkl\.?|ekskl\.?|exkl\.?)?"
MULTI_BUY: Final = (
    rf"(?:{word_pattern(('any', 'buy', 'mix', 'pick', 'les', 'alle', 'ab'))}\s*)?(?<![\d.,])[2-9]\d?\s*"
    rf"(?:{_words('each')}\s*)?(?:{_words('multi')}\s*{_SIGNED}|[/@]\s*{SIGN}\s*{AMOUNT}|/\s*{AMOUNT}\s*{SIGN})"
)
"""Pattern of a price for several pieces: `3 for £5`, `2/$11`, `3 för 30:-`."""
DEPOSIT: Final = (
    rf"{_EXTRA}\s*{_words('deposit')}\s*[:]?\s*{_SIGNED}"
    rf"|{_EXTRA}\s*{_SIGNED}\s*{word_pattern(word for word in every_word('deposit') if ' ' not in word)}{_NO_PRICE_AFTER}"
)
"""Pattern of a bottle deposit."""
SAVING: Final = rf"{_words('saving')}\s*[:]?\s*{_SIGNED}|{_SIGNED}\s*{_words('saving')}{_NO_PRICE_AFTER}"
"""Pattern of a discount amount: `SAVE £5`, `2 € Rabatt`."""
_NEVER: Final = re.compile(
    "|".join(
        (
            SAVING,
            DEPOSIT,
            MULTI_BUY,
            r"(?<![\d.,])\d\s*[+x×]\s*\d(?![\d.,]|\s*(?:ml|c?l|k?g)(?![a-z]))",
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
            r"(?<![\d.,])\d{1,2}[./]\d{1,2}[./](?:19|20)?\d{2}(?![\d.,])",
            r"(?:19|20)\d{2}\s*[-./]\s*\d{1,2}\s*[-./]\s*\d{1,2}|\d{1,2}[./-]\d{1,2}\s*[-~至到]\s*\d{1,2}[./-]\d{1,2}",
            r"\d{1,2}:\d{2}(?::\d{2})?",
            r"(?:电话|热线|(?<![a-z])tel|手机|举报|监督|客服)[^\d]{0,6}[\d\s()-]{3,}",
            r"(?:货号|编号|编码|商品码|条码|条形码|店内码|(?<![a-z])(?:sku|plu|no\.?|art\.?)|code|批号|流水号)\s*[:.#]?\s*[a-z]?[\d\s-]{3,}",
            r"(?<![\d.])1[3-9]\d{9}(?!\d)|(?:400|800)-?\d{3}-?\d{4}|0\d{2,3}-\d{7,8}",
            r"(?<![\d.,])\d{7,}(?![\d.])",
            r"\d+(?:\.\d+)?\s*(?:度|°)(?:vol)?",
            r"(?:净含量|净重|毛重|规格|重量|容量|数量|库存|订货点|包装)\s*[:(]?\s*\d+(?:\.\d+)?\s*(?:[a-z]+|[\u4e00-\u9fff])?",
        )
    ),
    re.IGNORECASE,
)
_FRONT: Final = rf"(?![\u3040-\u30ff\u4e00-\u9fff]){SIGN}|人民币"
_MISREAD: Final = r"[YyVv夫羊半丰关¥Ұ]"
_PER: Final = (
    rf"(?:{_words('per')}\s|"
    r"[/|每]|一|[1Il](?=[斤瓶盒袋包个kgKG])|(?<=元)(?=\d)|(?<=元)(?=(?:公?斤|kg|[盒瓶袋包提桶个份箱支罐块])\s*$))"
)
_UNIT_TAIL: Final = rf"(?P<per>\s*{_PER}\s*\(?\s*(?:\d+(?:\.\d+)?\s*)?{SALE_UNIT}(?![a-z])\)?)?"
_JIAO: Final = (
    r"(?:\s*(?P<jiao>\d)\s*(?:角|毛)\s*(?:(?P<fen>\d)\s*分)?"
    rf"|(?P<last>\d)(?![\d.]|\s*[a-z×*件]|\s*{SALE_UNIT}))?"
)
_PRICE: Final = re.compile(
    rf"(?:每\s*(?P<prefix>(?:\d+\s*)?{SALE_UNIT})\s*[:]?\s*"
    rf"|(?<![\d.,])(?P<measure>(?:\d{{1,4}}(?:[.,]\d{{1,2}})?\s*)?{SALE_UNIT})\s*(?P<equals>=|当たり|当り|当|あたり)\s*)?"
    rf"(?P<sign>{_FRONT}|(?<![a-z\d\u4e00-\u9fff]){_MISREAD})?\s*:?\s*(?P<amount>{AMOUNT}|{LEADING})"
    r"(?:(?<=\d)\s(?P<raised>\d{2})(?![\d.]))?"
    rf"(?:\s*(?P<yuan>元|块钱|块|圆|兀|rmb|cny|yuan){_JIAO}"
    rf"|\s*(?P<small>角|毛|分)(?![钟星熟类店开切])|\s*(?P<behind>{SIGN})(?(sign)(?!\s*[.,]?\d)|(?:(?P<cents>\d{{2}})(?!\d))?)|\s*(?P<minor>{MINOR}))?"
    rf"{_UNIT_TAIL}",
    re.IGNORECASE,
)
_LABEL_AFTER: Final = re.compile(
    rf"\s*[(]?\s*({PRICE_LABEL.pattern})(?!\s*[:(]*\s*(?:{SIGN})?\s*[.,]?\d)", re.IGNORECASE
)
_LABEL_UNIT: Final = re.compile(rf"\(?\s*元\s*(?:/\s*(?P<unit>(?:\d+\s*)?{SALE_UNIT}))?\s*\)?", re.IGNORECASE)
_SMALL: Final = {"角": Decimal("0.1"), "毛": Decimal("0.1"), "分": Decimal("0.01")}
_UNKNOWN_SIGN: Final = re.compile(r"(?<=[.,]\d\d)\s?[^\W\d_]{1,2}$")
"""Pattern of a sign that OCR cannot read (₽ as P) after two decimals."""
_MEASURED: Final = re.compile(rf"[\d.,\s]+{SALE_UNIT}", re.IGNORECASE)
_LONG_NUMBER: Final = re.compile(r"\d{6}")


def find_prices(text: str) -> list[Price]:
    """Every certain price in the text, in order. Bare numbers, sizes, dates and promotions are no prices."""
    return list(_find(text))


def bare_amount(text: str) -> Decimal | None:
    """The amount of a text that is only a number in a price format: `12.90`, `5`, `49,-`; else None."""
    plain = mend_digits(simplified(text[:MAX_TEXT])).strip()
    plain = _UNKNOWN_SIGN.sub("", plain) if not _MEASURED.fullmatch(plain) else plain
    if not WHOLE_AMOUNT.fullmatch(plain) or _LONG_NUMBER.search(plain):
        return None
    return to_decimal(plain)


def label_kind(text: str) -> tuple[bool, Kind | None]:
    """Whether a text contains a price label, and the kind of the last one (None: a neutral one like 售价)."""
    labels = list(PRICE_LABEL.finditer(simplified(text)))
    return (True, _kind(labels[-1][0])) if labels else (False, None)


def is_sign(text: str) -> bool:
    """Whether a text is only a currency sign, or a character that OCR makes of a single ¥."""
    return (
        re.fullmatch(rf"(?:{_FRONT}|{_MISREAD}|天|关|羊|Y=|F)\s*", half_width(text[:12]).strip(), re.IGNORECASE)
        is not None
    )


def mend_digits(text: str) -> str:
    """Correct misread letters between digits: `1O.5O` → `10.50`; the length never changes."""
    text = re.sub(r"(?<=[\d.])[Oo](?=[\d.Oo\s元/]|$)", "0", text)
    text = re.sub(r"(?<=[\d.])[Oo](?=[\d.Oo\s元/]|$)", "0", text)
    return re.sub(r"(?<=[¥])[lI|](?=[\d.])", "1", text)


@lru_cache(maxsize=4096)
def _find(text: str) -> tuple[Price, ...]:
    text = text[:MAX_TEXT]
    plain = _mask(mend_digits(simplified(text)))
    found: list[Price] = []
    for match in _PRICE.finditer(plain):
        previous = found[-1].end if found else 0
        label = _label_before(plain, previous, match.start())
        price = _read(plain, match, label, text)
        if price is not None:
            found.append(price)
    return tuple(found)


def _mask(text: str) -> str:
    def blank(found: re.Match[str]) -> str:
        return "_" * len(found[0])

    text = _NEVER.sub(blank, text)
    return _SPEC_NUMBER.sub(blank, text) if len(mend_spec(text)) == len(text) else text


_SPEC_NUMBER: Final = re.compile(
    r"(?<![/¥\d.元])\d+(?:\.\d+)?\s*(?:ml|mg|kg|g|l|cl|oz|cm|mm|毫升|毫克|千克|公斤|克|升|斤)(?![a-z])(?!\s*(?:=|当|あた))"
    r"(?!\s*[¥]?\s*[/]?\s*\d+(?:\.\d+)?\s*元)(?:\s*[*×x]\s*\d+)?|(?<![/¥\d.])\d+\s*[*×x]\s*\d+(?:\.\d+)?\s*(?:[a-z]+)?",
    re.IGNORECASE,
)


_LABEL_GAP: Final = re.compile(rf"unit\s*price|仅|只要|为|约|低至|{_words('neutral')}|{SIGN}", re.IGNORECASE)


def _label_before(text: str, previous: int, start: int) -> re.Match[str] | None:
    between = text[max(previous, start - LABEL_REACH) : start]
    labels = list(PRICE_LABEL.finditer(between))
    if not labels:
        return None
    label = labels[-1]
    gap = _LABEL_UNIT.sub("", between[label.end() :], count=1)
    gap = _LABEL_GAP.sub("", gap)
    return label if not gap.strip(" :.,;-=>|()[]¥_") and len(between) - label.end() <= 24 else None


def _read(text: str, match: re.Match[str], label: re.Match[str] | None, printed: str) -> Price | None:
    sign, yuan, small = match["sign"], match["yuan"], match["small"]
    behind = match["behind"] if match["behind"] and _is_currency(match["behind"]) else None
    sign = sign if sign and (_is_currency(sign) or re.fullmatch(_MISREAD, sign)) else None
    minor = match["minor"] if match["minor"] and _is_minor(match["minor"], match["amount"]) else None
    decimals = re.search(rf"[.,:{RAISED}]", match["amount"]) is not None
    misread = sign is not None and re.fullmatch(_MISREAD, sign) is not None and sign not in "¥￥"
    whole = not (text[: match.start()] + text[match.end() :]).strip(" .,:;()")
    marked = bool(yuan or label or behind or minor or (sign and not misread))
    if match["amount"][0] in ".," and not (marked or whole):
        return None
    if not marked and misread:
        marked = decimals or (whole and (len(match["amount"]) < 4 or re.fullmatch("[YyVv]", sign or "") is None))
    if not marked and small:
        marked = whole or small == "角"
    if not marked and decimals:
        marked = _LABEL_AFTER.match(text, match.end()) is not None  # 148.50 inc GST
    if not marked and (match["per"] or match["prefix"]):
        marked = decimals or whole
    if not marked or (yuan == "块" and not (sign or label or whole or match["per"] or match["jiao"] or match["last"])):
        return None
    if re.match(r"\s*(?:折|%|件|个月|ml|kg|克|号|g(?![a-z]))", text[match.end() :], re.IGNORECASE) and not (
        yuan or behind or match["per"]
    ):
        return None
    currency = _currency(sign if not misread else "¥", behind, minor, yuan, printed)
    amount = _amount(match, minor, currency)
    if amount is None or not 0 < amount < (MAX_SIGNED if sign or behind else MAX_AMOUNT):
        return None
    kind = _kind(label[0]) if label else _kind_after(text, match.end())
    if match["equals"] == "=" and kind is None:
        kind = "unit"
    start = match.start() + len(match[0]) - len(match[0].lstrip())
    told = next((mark for mark in (behind, minor, yuan, sign) if mark), "")
    return Price(amount, currency, _unit(text, match, label), kind, start, start + len(match[0].strip()), told)


def _is_currency(sign: str) -> bool:
    """Whether a text is a currency sign; codes that are also words (`all`, `pen`) count only in capitals."""
    return sign.casefold() not in WORD_LIKE_CODES or (sign.isupper() or sign == "Ft")


def _is_minor(sign: str, amount: str) -> bool:
    """Whether hundredths are meant: a whole number of at most two digits before a small letter, word or ¢."""
    return amount.isdigit() and len(amount) <= (3 if len(sign) > 2 else 2) and (len(sign) > 2 or sign == sign.lower())


def _amount(match: re.Match[str], minor: str | None, currency: str | None) -> Decimal | None:
    amount = to_decimal(match["amount"], currency_decimals(currency))
    if amount is None:
        return None
    if minor:
        return amount / 100
    if match["cents"] and match["amount"].isdigit():
        return amount + Decimal(match["cents"]) / 100
    if match["small"]:
        return amount * _SMALL[match["small"]]
    if match["raised"] and "." not in match["amount"] and "," not in match["amount"]:
        amount += Decimal(match["raised"]) / 100
    if match["jiao"] or match["last"]:
        amount += Decimal(match["jiao"] or match["last"]) / 10 + Decimal(match["fen"] or 0) / 100
    return amount


def _unit(text: str, match: re.Match[str], label: re.Match[str] | None) -> str | None:
    if match["per"]:
        return printed_unit(re.sub(r"^\s*[/|每一1Il]\s*", "", match["per"]))
    if match["prefix"] or match["measure"]:
        return printed_unit(match["prefix"] or match["measure"])
    if label:
        found = _LABEL_UNIT.search(text[label.end() : match.start()])
        return printed_unit(found["unit"]) if found and found["unit"] else None
    return None


def _currency(sign: str | None, behind: str | None, minor: str | None, yuan: str | None, printed: str) -> str | None:
    """The currency by sign; for ¥ or no sign, by the script of the line. The page can override it later."""
    for mark in (behind, sign):
        if mark and (code := currency_of(mark)) is not None:
            return code
    if minor:
        return minor_currency(minor)
    if yuan:
        return "CNY"
    if (sign or behind) and "¥" not in (sign or "") + (behind or ""):
        return None
    chinese = has_script(printed, "Han") and not has_script(printed, "Kana") and not is_traditional(printed)
    return "CNY" if chinese or sign or behind else None


def _kind_after(text: str, end: int) -> Kind | None:
    found = _LABEL_AFTER.match(text, end)
    return _kind(found[1]) if found else None


def _kind(label: str) -> Kind | None:
    return next((kind for kind, words in _KIND_OF.items() if words.fullmatch(label)), None)
