"""Finds the product name on a price tag, as opposed to a heading, slogan, shop or phone number. Used by `tags.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from pixel_agent.tasks.rules.brands import brand_of
from pixel_agent.tasks.rules.labels import Labelled, is_labelled, parse_labels
from pixel_agent.tasks.rules.layout import Placed, connected
from pixel_agent.tasks.rules.locale.price_words import HEADING_KINDS, HEADINGS, NET_WORDS, every_word
from pixel_agent.tasks.rules.locale.scripts import READABLE, SCRIPTS, count_script, has_script
from pixel_agent.tasks.rules.locale.words import word_pattern
from pixel_agent.tasks.rules.offers import Offer, unit_piece
from pixel_agent.tasks.rules.prices import PRICE_LABEL, bare_amount, find_prices, is_sign
from pixel_agent.tasks.rules.units import find_specs, half_width

MAX_NAME: Final = 100
"""Maximum number of characters of a product name."""
_HEADING: Final = re.compile(
    r"(?:(?:商品|价格)?(?:标价签|价签|标签|价目表|价格表)|明码标价|标价牌|价目|菜单|今日|本期|限时|超级|天天|惊爆|店庆|周年庆|开业|"
    r"火热|爆款|新品|热销|热卖|人气|店长|推荐|疯狂|疯抢|超值|超低|低价|划算|实惠|钜惠|巨惠|狂欢|大促|直降|特供|本周|每日|推荐|特价|特惠|特卖|促\s*销|优惠|折扣|清仓|处理|上市|上新|抢购|秒杀|会员|专享|专区|商品|生鲜|果蔬|蔬果|"
    r"水果|蔬菜|肉类|水产|新鲜直达|新鲜|直达|进口商品|原装进口|进口|药品|鲜果|[价签品])"
)
_LATIN_HEADING: Final = re.compile(
    word_pattern(
        (
            *(word for kind in HEADING_KINDS for word in every_word(kind)),
            *(word for words in HEADINGS.values() for word in words),
            *NET_WORDS,
        )
    ),
    re.IGNORECASE,
)
_SLOGAN: Final = re.compile(
    r"限时|抢购|满\s*\d|\d\s*折|[一二三四五六七八九半]\s*折|买[一二三\d]\S{0,2}[送赠]|第[二三2-9]\s*[件个份]|限购|每人限|包邮|积分|扫码|扫一扫|热线|电话|"
    r"监督|举报|物价|核价|有效期|保质期|欢迎|标价签|明码标价|活动时间|活动期|促销期|到手|立减|直降|会员日|先到先得|售完即止|货号|谢谢|低价|钜惠|"
    r"特惠|元优惠|优惠券|换购|加购|www\.|http|\.com|微信|支付宝|二维码|公众号|小程序|12315|12358|参考|以实物为准|解释权|图片仅供",
)
_SHOP: Final = re.compile(
    r"^(?:盒马|永辉|大润发|华润万家|世纪联华|联华|华联|物美|沃尔玛|家乐福|山姆会员|麦德龙|永旺|苏果|步步高|天虹|美宜佳|罗森|全家便利|"
    r"便利蜂|人人乐|奥乐齐|钱大妈|百果园)\S{0,4}$|超市$|生鲜$|优选$|药店$|药房$|果蔬店$|水果店$|购物广场$|生活广场$|购物中心$|生活馆$|商店$|便利店?$|百货$|生鲜店$|商场$|商行$|连锁$|市场$|卖场$|店$|有限公司$|\b(?:super)?market$|\bmart$|\bstore$",
    re.IGNORECASE,
)
_LOOKALIKES: Final = str.maketrans(
    "凈黃奧內呂戶別吳產溫錄廈蘇灣東國雲蘭龍馬爾臺", "净黄奥内吕户别吴产温录厦苏湾东国云兰龙马尔台"
)
_TRADITIONAL: Final = re.compile(r"[價單規條麵裝質級飲實銷號與豬雞魚醬糧]")

_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NO_NAME_END: Final = re.compile(
    r"(?:价|售|仅|只|约|共|需|付|要|低至|折后|券后|到手|补贴|充值|起送|配送费?|运费|押金|人均|消费|合计|每|单|减|省)$"
)


@lru_cache(maxsize=4096)
def looks_like_name(text: str) -> bool:
    """Whether a text can be a product name: words, but no price, label, bare size, heading, slogan or shop."""
    plain = half_width(text).strip()
    if len(plain) > MAX_NAME or (len(_HAN.findall(plain)) < 2 and len(_LETTER.findall(plain)) < 3):
        return False
    if count_script(plain, "Kana") == 0 and _unreadable(plain):
        return False
    if find_prices(plain) or bare_amount(plain) is not None or is_sign(plain) or unit_piece(plain) is not None:
        return False
    before, values = parse_labels(plain)
    if values and (not before or any(field not in ("price",) for field, _ in values)):
        return False
    if is_heading(plain) or _SLOGAN.search(plain) or _SHOP.search(plain):
        return False
    specs = find_specs(plain)
    rest = plain
    for spec in reversed(specs):
        rest = rest[: spec.start] + rest[spec.end :]
    return len(_LETTER.findall(PRICE_LABEL.sub("", rest))) >= 2 and not is_heading(rest)


def is_heading(text: str) -> bool:
    """Whether a text contains only general words of shops: `SPECIAL OFFER`, `本周特价 SALE`.

    Only whole words count: `hot` in HOT PRICE, not in Photo. Beside Chinese words any Latin text is allowed.
    """
    rest = _HEADING.sub("", text)
    if _HAN.search(text):
        return _HAN.search(rest) is None
    return len(_LETTER.findall(_LATIN_HEADING.sub("", rest))) < 2


def _unreadable(text: str) -> bool:
    """Whether a text is in a script that the models cannot read; its characters are then only look-alikes."""
    return any(has_script(text, script) for script in SCRIPTS if script not in READABLE)


def part_names(pieces: Sequence[Placed]) -> list[Placed]:
    """Split lines with both name and price (`宫保鸡丁 38元`) into two pieces, each with its share of the width."""
    parts: list[Placed] = []
    for piece in pieces:
        cut = _name_end(piece.text)
        if not cut:
            parts.append(piece)
            continue
        middle = piece.left + piece.width * cut / len(piece.text)
        parts.append(replace(piece, text=piece.text[:cut].strip(" :：-—.…·"), right=middle))
        parts.append(replace(piece, text=piece.text[cut:].strip(), left=middle))
    return parts


def _name_end(text: str) -> int:
    """Offset of the end of the name, where the price or its label begins; 0 if the line does not have both."""
    prices = find_prices(text)
    if not prices or is_labelled(text):
        return 0
    start = prices[0].start
    labels = (found for found in PRICE_LABEL.finditer(half_width(text[:start])) if found.start())
    # A label ends directly before its price, or is Chinese: 苹果会员价(元/斤)9.9.
    label = next(
        (one.start() for one in labels if _HAN.search(one[0]) or not text[one.end() : start].strip(" :.,(")), start
    )
    before = text[:label].strip(" :：-—.…·(（")
    return label if looks_like_name(before) and not _NO_NAME_END.search(before) else 0


def find_name(
    pieces: Sequence[Placed], label: Labelled | None, offers: Sequence[Offer]
) -> tuple[str | None, tuple[Placed, ...]]:
    """The name as printed, or None, and its pieces: the value of 品名, else the largest text that can be a name."""
    if label is not None:
        value, more = label.value, _wrapped(label.pieces[-1], pieces)
        return _tidy(value + "".join(_joined(piece.text) for piece in more), pieces), (*label.pieces, *more)
    candidates = [piece for piece in pieces if looks_like_name(piece.text)]
    chinese = [
        piece for piece in candidates if re.search(r"[\u4e00-\u9fff]{2}|[\u4e00-\u9fff].*[\u4e00-\u9fff]", piece.text)
    ]
    candidates = chinese or candidates
    if offers:
        main = max(offers, key=lambda offer: offer.height).pieces[0]
        candidates = [piece for piece in candidates if piece.middle <= main.bottom] or candidates
        together = {id(piece) for piece in connected(main, pieces)}  # words on goods behind the tag are not connected
        candidates = [piece for piece in candidates if id(piece) in together] or candidates
    if not candidates:
        return None, ()
    tallest = max(piece.height for piece in candidates)
    first = min((piece for piece in candidates if piece.height >= 0.85 * tallest), key=lambda piece: piece.top)
    first = _under_header(first, candidates, pieces) or first
    if brand_of(first.text) is None:  # a shop's name can be above the product name, in the same size
        branded = [piece for piece in candidates if brand_of(piece.text) and piece.height >= 0.6 * tallest]
        first = min(branded, key=lambda piece: piece.top, default=first)
    row = _same_line(first, candidates)
    more = _wrapped(row[-1], candidates) if len(row) == 1 else ()
    text = " ".join(piece.text for piece in row) + "".join(_joined(piece.text) for piece in more)
    return _tidy(text, pieces), (*row, *more)


def _under_header(first: Placed, candidates: Sequence[Placed], pieces: Sequence[Placed]) -> Placed | None:
    """The name below a shop's name: it starts at the left edge of most other lines, and the first line does not."""
    under = [piece for piece in pieces if piece.top > first.bottom - 0.3 * first.height]
    for other in candidates:
        if other is first or other not in under or other.height < 0.6 * first.height:
            continue
        edge = [piece for piece in under if abs(piece.left - other.left) < 0.8 * other.height and piece is not other]
        labelled = sum(is_labelled(piece.text) or bool(find_specs(piece.text)) for piece in edge)
        if labelled >= 2 and first.left - other.left > 2.0 * first.height:
            return other
    return None


def _same_line(first: Placed, candidates: Sequence[Placed]) -> list[Placed]:
    """The pieces of a name that was read in several: similar height, directly beside each other."""
    row = [first]
    for other in sorted(candidates, key=lambda piece: piece.left):
        if other is first or not 0.75 <= other.height / first.height <= 1.33:
            continue
        beside = abs(other.middle - first.middle) < 0.4 * first.height
        gap = max(other.left - max(piece.right for piece in row), min(piece.left for piece in row) - other.right)
        if beside and gap < 1.2 * first.height:
            row.append(other)
    return sorted(row, key=lambda piece: piece.left)


def _wrapped(first: Placed, pieces: Sequence[Placed]) -> tuple[Placed, ...]:
    """The second line of a name that fills the first: same size, directly below, same left edge or centre."""
    left, right = min(piece.left for piece in pieces), max(piece.right for piece in pieces)
    alone = brand_of(first.text) == half_width(first.text).replace(" ", "")  # a brand above the name of its goods
    # A short line in the middle of a tag is half a name if the next line below it looks like its continuation.
    short = len(first.text) <= 4 and re.fullmatch(r"[\u4e00-\u9fff]+", first.text) is not None
    if first.width < 0.6 * (right - left) and not alone and not short:
        return ()
    latin = _HAN.search(first.text) is None
    for other in pieces:
        centred = abs(other.centre - first.centre) < 0.5 * first.height and other.left < first.left
        if (
            other is not first
            and (alone or not short or centred)
            and looks_like_name(other.text)
            and latin == (_HAN.search(other.text) is None)
            and (0.7 if alone else 0.85) <= other.height / first.height <= (1.4 if alone else 1.18)
            and 0.5 * first.height < other.middle - first.middle < 1.9 * first.height
            and (abs(other.left - first.left) < first.height or abs(other.centre - first.centre) < first.height)
        ):
            return (other,)
    return ()


def _joined(text: str) -> str:
    """The second line as appended to the first: a space before Latin words, none before Chinese."""
    return text if _HAN.search(text) or has_script(text, "Kana") else f" {text}"


def _tidy(text: str, pieces: Sequence[Placed]) -> str | None:
    name = re.sub(r"\s+", " ", half_width(text)).strip(" :;,.|-_*·")
    return mend_lookalikes(name, pieces) or None


def mend_lookalikes(text: str, pieces: Sequence[Placed]) -> str:
    """Traditional characters on a simplified page are misread look-alikes: `廈门` → `厦门`."""
    return text if any(_TRADITIONAL.search(piece.text) for piece in pieces) else text.translate(_LOOKALIKES)
