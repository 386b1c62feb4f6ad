"""The rules of the promotion task: kind, condition, last day, and printed price of promotions on posters and tags.

Kinds: `full_reduction` (满100减20), `second_half` (第二件半价, 第二件5折), `multi_buy` (2件8折, 10元3件), `gift` (买一送一, buy 2
get 1, 赠品), `coupon`, `points`, `clearance`, `member` (会员日), `new`, and `discount` (全场5折, 50% OFF, 限时特价).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from pydantic import JsonValue

from pixel_agent.core import Draft, Row, Source
from pixel_agent.tasks.rules.dates import find_dates
from pixel_agent.tasks.rules.layout import Placed, below, cover, right_of, straighten
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.prices import find_prices
from pixel_agent.tasks.rules.units import simplified

_N: Final = r"[\d一二两三四五六七八九十]{1,4}"
_MONEY: Final = r"\d{1,6}(?:\.\d{1,2})?\s*[元块]?"
_OFF: Final = (
    r"(?:\d(?:\.\d)?|\d{2}|[一二三四五六七八九](?:\s*点?\s*[一二三四五六七八九])?)\s*折(?![叠扇页纸线磨算价扣旧])"
)
_PIECE: Final = r"(?:件|个|瓶|盒|袋|包|份|杯|支|罐|桶|只|双|条|人|样|款|本|箱|块|串|碗|根|PCS?|ITEMS?)"

# The group `condition` is the condition of a promotion. Text matched by an earlier rule is not given to later ones.
_SPECIFIC: Final = tuple(
    (kind, re.compile(rule))
    for kind, rule in (
        (
            "second_half",
            rf"(?P<condition>第\s*(?:{_N})\s*{_PIECE})\s*(?:只要|仅需|仅|享|立享|就|打)?\s*(?:半\s*价|{_OFF}|免费|[¥\d.]+\s*元)",
        ),
        (
            "second_half",
            r"(?P<condition>(?:2ND|SECOND)(?:\s*(?:ONE|ITEM|PIECE|CUP))?)\s*(?:AT|FOR|IS)?\s*(?:HALF\s*(?:PRICE|OFF)|\d{1,2}\s*%\s*OFF)",
        ),
        (
            "gift",
            rf"(?P<condition>(?:消费|购物|单笔|每)?\s*满\s*{_MONEY}\s*(?:{_PIECE})?)\s*(?:即|可|就)?\s*(?:送|赠|加赠)(?!货|餐)",
        ),
        ("multi_buy", rf"(?P<condition>(?:消费|购物|每)?\s*满\s*{_N}\s*{_PIECE})\s*(?:即|可|就|享|打|立享)*\s*{_OFF}"),
        (
            "full_reduction",
            rf"(?P<condition>(?:消费|购物|单笔|全场|每)?\s*满\s*{_MONEY})\s*(?:即|可|就|立|再|直|享|打)*\s*(?:[减返省抵降-]\s*{_MONEY}|{_OFF})",
        ),
        (
            "full_reduction",
            r"(?P<condition>(?:SPEND|BUY|OVER)\s*(?:OVER\s*)?[¥$€£]?\s*\d{1,6})[\s,]*(?:AND\s*)?(?:SAVE\s*[¥$€£]?\s*\d+|(?:GET|ENJOY)\s*[¥$€£]?\s*\d+\s*OFF)",
        ),
        ("gift", rf"(?P<condition>(?:买|购)\s*(?:满\s*)?{_N}\s*{_PIECE}?)\s*(?:即|就|可)?\s*[送赠得]\s*{_N}"),
        (
            "gift",
            r"(?P<condition>BUY\s*(?:\d+|ONE|TWO|ANY\s*\d+))[\s,]*(?:AND\s*)?GET\s*(?:\d+|ONE|TWO)(?!\s*%)(?:\s*(?:FREE|HALF PRICE))?|\bBOGO\b|B\dG\d",
        ),
        ("gift", r"(?P<condition>(?:买|购)[^,;。!\s\d就即]{1,10}?)\s*(?:即|就|可)?\s*[送赠](?!货|餐|水果店)"),
        ("multi_buy", rf"[+加]\s*{_MONEY}\s*(?:多|得|换购|再得|换)\s*(?:{_N}\s*{_PIECE})?"),
        (
            "multi_buy",
            rf"(?P<condition>(?:任[选意]|买|购|组合)?\s*{_N}\s*{_PIECE})\s*(?:及以上|以上|起)?\s*(?:享|打|立享|只要|仅需|立减|总价|共)*\s*(?:{_OFF}|[¥]?\s*\d{{1,6}}(?:\.\d{{1,2}})?\s*元)",
        ),
        (
            "multi_buy",
            rf"[¥]?\s*\d{{1,6}}(?:\.\d{{1,2}})?\s*元\s*(?:任[选意])?\s*(?P<condition>(?!1\s*{_PIECE}|一\s*{_PIECE}){_N}\s*{_PIECE})(?!装)",
        ),
        ("multi_buy", r"(?P<condition>(?:ANY\s*)?\b[2-9])\s*(?:PCS?\s*)?FOR\s*[¥$€£]?\s*\d{1,6}(?:\.\d{1,2})?"),
        ("discount", rf"(?P<condition>全\s*场|全\s*店|部分商品|指定商品)?\s*(?:低至|最低)?\s*{_OFF}\s*起?"),
        (
            "discount",
            r"(?:UP\s*TO\s*|SAVE\s*|EXTRA\s*)?\d{1,2}\s*%\s*(?:OFF|DISCOUNT)|SAVE\s*\d{1,2}\s*%|HALF\s*PRICE|-\s?\d{2}\s?%",
        ),
        (
            "discount",
            rf"(?P<condition>全\s*场|全\s*店)?\s*(?:(?:立|直)\s*[减降]|再减|省)\s*{_MONEY}|(?P<all>全\s*场)?\s*半\s*价|(?:全场|全店)\s*[¥\d.]+\s*元\s*起?",
        ),
    )
)
_GENERAL: Final = tuple(
    (kind, re.compile(rule))
    for kind, rule in (
        ("coupon", r"优惠券|代金券|抵用券|现金券|消费券|领券|满减券|COUPON|VOUCHER"),
        ("points", r"(?:\d+|双|多|[二三五十])倍积分|积分(?:兑换|换购|翻倍)|DOUBLE\s*POINTS"),
        (
            "clearance",
            r"清\s*仓|甩\s*卖|出\s*清|尾\s*货|临期(?:特价|折扣|特卖|商品)|亏本|CLEARANCE|CLOSING\s*DOWN|LAST\s*CHANCE",
        ),
        (
            "member",
            r"会员\s*(?:日|价|专享|特惠|特价|福利|礼|独享|专属|优惠)|(?:VIP|PLUS)\s*(?:价|专享|会员)|MEMBER'?S?\s*(?:PRICE|DAY|ONLY|EXCLUSIVE)",
        ),
        (
            "gift",
            r"(?:有|精美|超值|随机)\s*(?:赠\s*品|好礼|礼品)|免费\s*(?:赠送|领取|试吃|品尝)|加量不加价|FREE\s*GIFT|GIFT\s*WITH\s*PURCHASE",
        ),
        (
            "discount",
            r"限\s*时\s*(?:特\s*价|特\s*惠|优\s*惠|抢\s*购|折\s*扣|秒\s*杀|促\s*销)|今\s*日\s*特\s*价|特\s*价|特\s*惠|促\s*销|大\s*促|秒\s*杀|抢\s*购|特\s*卖|优\s*惠|惊\s*爆\s*价|打\s*折|折\s*扣|爆\s*款"
            r"|\bSALE\b|SPECIAL\s*(?:OFFER|PRICE)|\bDISCOUNT\b|\bPROMO(?:TION)?\b|BIG\s*SAVE|DEAL\s*OF",
        ),
        (
            "new",
            r"新\s*品(?:\s*(?:上\s*市|尝鲜|推荐|首发))?|新\s*上\s*市|全\s*新\s*上\s*市|上\s*新|新\s*店\s*开\s*[业张]|盛大开业|NEW\s*(?:ARRIVALS?|IN\b|PRODUCTS?|LAUNCH)",
        ),
    )
)
_PLAIN: Final = str.maketrans("～—滿減贈買會員單雙積價優惠", "~-满减赠买会员单双积价优惠")
_MEMBER: Final = re.compile(r"会员\s*(?:日|专享|独享|专属)?|\bVIP\b|\bMEMBERS?\b")
_PERIOD: Final = re.compile(
    r"(?:活动|促销|优惠|档期|特价|兑换|抢购|执行|使用|参与)\s*(?:时\s*间|日\s*期|有效期|期\s*间|期|截止)|有\s*效\s*期|截\s*止|即日起?|起至|期限|日期|VALID|UNTIL|ENDS?\b|THRU|THROUGH"
)
_SHORT: Final = re.compile(
    r"(?:(?<![\d.])|(?<=20\d\d[./\-年]))(?:(?P<m1>\d{1,2})\s*[./月]\s*(?P<d1>\d{1,2})\s*[日号]?\s*[-~至到—]+\s*(?:(?P<m2>\d{1,2})\s*[./月]\s*)?(?P<d2>\d{1,2})"
    r"|(?:至|到|截止|UNTIL|ENDS)\s*[:.]?\s*(?P<m>\d{1,2})\s*[./月]\s*(?P<d>\d{1,2}))\s*[日号]?(?![\d.元折%])"
)


def read_promos(page: Page) -> Draft:
    """One item for each promotion read: `type`, `text` as printed, `condition`, `valid_until` (ISO) and `price`.

    The last day is that of the promotion's own line, or else of the nearest line that states a period.
    """
    pieces = straighten(page.lines)
    periods = [(piece, end) for piece in pieces if (end := period_end(piece.text, page.today)) is not None]
    rows = []
    for piece in pieces:
        for kind, condition in find_promotions(piece.text):
            rows.append(_row(piece, kind, condition, pieces, periods))
    return Draft(items=tuple(rows))


def find_promotions(text: str) -> list[tuple[str, str | None]]:
    """The kind and the condition of each promotion in a text, left to right.

    General words (特价, 会员日) count only if nothing more specific is printed; an offer for members keeps that condition.
    """
    # Upper case can be longer than the text (ß): such characters are rare and occur in no rule.
    plain = simplified(text).translate(_PLAIN)
    plain = "".join(sign.upper() if len(sign.upper()) == 1 else sign for sign in plain)
    found: list[tuple[int, str, str | None]] = []
    for kind, rule in _SPECIFIC:
        for match in rule.finditer(plain):
            start, end = match.span("condition") if "condition" in rule.groupindex else (-1, -1)
            found.append((match.start(), kind, _tidy(text[start:end]) if start >= 0 else None))
            plain = plain[: match.start()] + "\0" * len(match[0]) + plain[match.end() :]
    member = _MEMBER.search(plain)
    if found:
        note = _tidy(member[0]) if member else None
        return [
            (kind, " ".join(filter(None, (note, condition))) or None)
            for _, kind, condition in sorted(found, key=_first)
        ]
    general = next((kind for kind, rule in _GENERAL if rule.search(plain)), None)
    return [(general, None)] if general else []


def period_end(text: str, today: date, *, labelled: bool = False) -> date | None:
    """The last day of the period in a text; None if there is none.

    `labelled`: the caller knows that a period is meant, so no word such as 活动时间 is needed.

    Days without a year (`11.20-11.30`, only beside a word such as 活动时间 or with 月) get the year that puts the end
    nearest to today.
    """
    plain = simplified(text).upper()
    said = labelled or _PERIOD.search(plain) is not None
    found_dates = find_dates(text, today, labelled=said)
    mentions = [found for found in found_dates if found.precision == "day"]
    if re.search(r"保\s*[质鲜存]\s*期", plain) or any(found.kind not in (None, "expiry") for found in mentions):
        return None
    full = [found.date for found in mentions]
    short = _SHORT.search(plain)
    if short and (said or "月" in short[0] or full):
        month = int(short["m2"] or short["m1"] or short["m"])
        day = int(short["d2"] or short["d"])
        return _after_start(full[0], month, day) if full else _nearest(month, day, today)
    if len(full) >= 2 or (full and said):
        return max(full)
    months = [found.date for found in found_dates if found.precision == "month"]
    return max(months) if said and months and short is None else None


def _tidy(text: str) -> str:
    """The text without the spaces that OCR adds between Chinese characters."""
    return re.sub(r"(?<=[^\x00-\x7f])\s+|\s+(?=[^\x00-\x7f])", "", text).strip()


def _first(found: tuple[int, str, str | None]) -> int:
    return found[0]


def _valid(year: int, month: int, day: int) -> date | None:
    if not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return date(year, month, day)


def _after_start(start: date, month: int, day: int) -> date | None:
    ends = (_valid(year, month, day) for year in (start.year, start.year + 1))
    return next((end for end in ends if end is not None and end >= start), None)


def _nearest(month: int, day: int, today: date) -> date | None:
    ends = [end for year in (today.year - 1, today.year, today.year + 1) if (end := _valid(year, month, day))]
    return min(ends, key=lambda end: abs(end - today), default=None)


def _row(
    piece: Placed, kind: str, condition: str | None, pieces: Sequence[Placed], periods: Sequence[tuple[Placed, date]]
) -> Row:
    priced, price = _price(piece, kind, pieces)
    dated, until = min(periods, key=lambda period: _away(piece, period[0]), default=(None, None))
    used = list(dict.fromkeys(part for part in (piece, priced, dated) if part is not None))
    fields: dict[str, JsonValue] = {
        "type": kind,
        "text": piece.text,
        "condition": condition,
        "valid_until": until.isoformat() if until else None,
        "price": price,
    }
    box = cover([part for part in used if part is not dated] or used)
    return Row(fields, box, Source.TEXT, min(line.confidence for part in used for line in part.lines))


def _price(piece: Placed, kind: str, pieces: Sequence[Placed]) -> tuple[Placed | None, float | None]:
    """The price in the line itself; for offers with a price, also directly beside or below it."""
    near: list[Placed | None] = [piece]
    if kind in ("discount", "member", "clearance", "new"):
        others = [other for other in pieces if other is not piece and find_prices(other.text)]
        near += [right_of(piece, others, reach=3.0), below(piece, others)]
    for place in near:
        prices = find_prices(place.text) if place is not None else []
        offered = [price for price in prices if price.kind in ("sale", "member", None)]
        if offered:
            return place, float(offered[0].amount)
    return None, None


def _away(piece: Placed, other: Placed) -> float:
    return abs(piece.middle - other.middle) + abs(piece.centre - other.centre) / 4
