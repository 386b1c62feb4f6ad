"""Reads the prices of one tag from separate pieces (`¥` | `5` `90` | `元/斤`), then decides which price is which kind.

Used by `tags.py`, after `layout.py` and with `prices.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from pixel_agent.tasks.rules.layout import Placed
from pixel_agent.tasks.rules.locale.price_words import every_word
from pixel_agent.tasks.rules.locale.scripts import has_script
from pixel_agent.tasks.rules.locale.words import word_pattern
from pixel_agent.tasks.rules.money import MINOR, SIGN, currency_of, minor_currency
from pixel_agent.tasks.rules.prices import PRICE_LABEL, Kind, bare_amount, find_prices, is_sign, label_kind
from pixel_agent.tasks.rules.units import half_width, is_measure, printed_unit, simplified

_PROMOTED: Final = re.compile(
    r"特价|促销|特惠|惊爆|抢购|秒杀|清仓|特卖|\bsale\b|限时|热卖价|优惠价|今日价|直降|狂欢", re.IGNORECASE
)
_MEMBERS: Final = re.compile(r"会员(?:专享|价|专属|特惠)|\bvip\b|\bmembers?\s*(?:price|only)", re.IGNORECASE)
_SIGN: Final = re.compile(SIGN, re.IGNORECASE)
_MINOR: Final = re.compile(MINOR)
_EACH: Final = re.compile(
    rf"\(?\s*(?:{word_pattern(every_word('per'))}\s*)?(?P<unit>{word_pattern(every_word('each'))})\s*\)?", re.IGNORECASE
)
_PER_UNIT: Final = re.compile(rf"{word_pattern(every_word('per'))}\s*(?P<unit>.+)", re.IGNORECASE)
_PER: Final = re.compile(r"\(?\s*(?P<yuan>元|块)?\s*(?:(?P<slash>[/|]|每)\s*(?P<unit>.+?))?\s*\)?")
_BARE_UNIT: Final = re.compile(r"(?:[1Il|]\s*)?([\u4e00-\u9fff]{1,2})|[1Il|]([125]?[05]0\s*[g克])")
"""A unit beside a price whose slash was not read, or was read as a digit."""
_LOST_DECIMALS: Final = re.compile(r"[¥￥]?\s*\d+\s*[.。]")
"""A decimal point with nothing after it: the decimals were not read, and the integer alone would be a wrong price."""
SIGN_GAP: Final = 1.0
"""Maximum gap between a sign and its number, in digit heights; at a larger gap, digits between were not read."""

SCALE: Final = 5
"""A promoted price this many times the old one lost its decimal point: raised decimals were read as one number."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One price on a tag; `height` is that of its digits, `labelled` is true if a price label is beside it."""

    amount: Decimal
    currency: str | None
    unit: str | None
    kind: Kind | None
    height: float
    labelled: bool
    pieces: tuple[Placed, ...]
    sign: str = ""
    """The currency sign as printed; empty if the currency is from words or unknown."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of a tag by kind, and the offers that they come from."""

    regular: Decimal | None = None
    sale: Decimal | None = None
    member: Decimal | None = None
    currency: str | None = None
    unit: str | None = None
    offers: tuple[Offer, ...] = ()
    comparison: Offer | None = None
    """The price by weight or volume beside that of the pack, for comparison only."""


def part_prices(pieces: Sequence[Placed]) -> list[Placed]:
    """Split lines that contain only prices of neighbouring columns (`¥24.70 ¥22.60`) into one piece per price."""
    parts: list[Placed] = []
    for piece in pieces:
        starts = [found.start() for found in re.finditer("[¥￥]", piece.text)]
        if len(starts) < 2 or starts[0]:
            parts.append(piece)
            continue
        ends = [*starts[1:], len(piece.text)]
        words = [piece.text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        if not all(len(find_prices(word)) == 1 for word in words):
            parts.append(piece)
            continue
        share = piece.width / len(piece.text)
        for word, start in zip(words, starts, strict=True):
            left = piece.left + start * share
            parts.append(replace(piece, text=word, left=left, right=left + len(word) * share))
    return parts


def find_offers(pieces: Sequence[Placed]) -> list[Offer]:
    """Every price of a tag. A number without any mark counts only if it is the largest text."""
    offers: list[Offer] = []
    bare: list[Offer] = []
    for piece in pieces:
        if _LOST_DECIMALS.fullmatch(piece.text.strip()):
            continue
        found = find_prices(piece.text)
        for price in found:
            labelled = label_kind(piece.text)[0]
            height = piece.height
            offer = Offer(price.amount, price.currency, price.unit, price.kind, height, labelled, (piece,), price.sign)
            offers.append(_with_neighbours(offer, piece, pieces) if len(found) == 1 else offer)
        amount = None if found else bare_amount(piece.text)
        if amount:
            offer = _with_neighbours(Offer(amount, None, None, None, piece.height, False, (piece,)), piece, pieces)
            (offers if offer.currency or offer.sign or offer.labelled or offer.unit else bare).append(offer)
    return offers + _largest(bare, offers, pieces)


def settle(offers: Sequence[Offer], pieces: Sequence[Placed]) -> Prices:
    """Decide which offer is the regular, the sale, and the member price.

    Words decide first (原价, 特价, 会员价). Of unlabelled offers, the one with the largest digits is the current price; a
    higher price beside it is the old one. Other offers are left out.
    """
    told = _tell_comparisons(offers)
    plain = [offer for offer in told if offer.kind not in ("unit", "total", "taxed")]
    plain = plain or [replace(offer, kind=None) for offer in told]
    member = min((offer for offer in plain if offer.kind == "member"), key=lambda offer: offer.amount, default=None)
    sale = _tallest([offer for offer in plain if offer.kind == "sale"])
    regular = max((offer for offer in plain if offer.kind == "regular"), key=lambda offer: offer.amount, default=None)
    others = [offer for offer in plain if offer.kind is None]
    current = _tallest([offer for offer in others if offer.labelled] or others)
    if regular is not None:
        member = _pointed(member, regular)
        sale, current = _pointed(sale, regular), _pointed(current, regular)
    text = " ".join(piece.text for piece in pieces)
    if current is not None:
        if regular is not None and sale is None and current.amount < regular.amount:
            sale = current
        elif regular is None and sale is None:
            higher = [offer for offer in others if offer.amount > current.amount and offer.unit in (None, current.unit)]
            if higher:
                sale, regular = current, max(higher, key=lambda offer: offer.height)
            elif member is None and _MEMBERS.search(text) and not current.labelled:
                member = current
            elif member is None and not current.labelled and _promoted(pieces):
                sale = current
            elif member is None or current.amount >= member.amount:
                regular = current
        elif regular is None and sale is not None and current.amount > sale.amount:
            regular = current
    used = tuple(offer for offer in (sale, regular, member) if offer is not None)
    comparison = next((offer for offer in told if offer.kind == "unit" and offer not in used), None)
    return Prices(
        regular.amount if regular else None,
        sale.amount if sale else None,
        member.amount if member else None,
        next((offer.currency for offer in used if offer.currency), None),
        next((offer.unit for offer in used if offer.unit), None),
        used,
        comparison if used else None,
    )


def _tell_comparisons(offers: Sequence[Offer]) -> list[Offer]:
    """Mark offers per weight or volume beside a larger one per pack as comparison prices."""
    packs = [offer.height for offer in offers if not is_measure(offer.unit) and offer.kind not in ("unit", "taxed")]
    largest = max(packs, default=0.0)
    return [
        replace(offer, kind="unit")
        if is_measure(offer.unit) and offer.kind is None and offer.height < largest
        else offer
        for offer in offers
    ]


def unit_piece(text: str) -> str | None:
    """The unit of a piece that contains only a unit with its 元 or slash: `元/斤`, `/500g`; else None."""
    plain = half_width(text).strip()
    found = _PER.fullmatch(plain)
    if found is None or not found["unit"]:
        each = _EACH.fullmatch(plain) or _PER_UNIT.fullmatch(plain)
        return printed_unit(each["unit"]) if each else None
    return printed_unit(found["unit"])


def _with_neighbours(offer: Offer, piece: Placed, pieces: Sequence[Placed]) -> Offer:
    """Complete an offer with the sign or label before or above it and the unit after it."""
    used = list(offer.pieces)
    for before in _before(piece, pieces):
        if is_sign(before.text):
            if piece.left - before.right > SIGN_GAP * piece.height:
                continue
            offer = _with_sign(offer, before.text)
            used.append(before)
            continue
        if not offer.labelled and (label := _lone_label(before.text)) is not None:
            offer = replace(offer, kind=offer.kind or label[0], unit=offer.unit or label[1], labelled=True)
            used.append(before)
        break
    if not offer.labelled and (above := _label_above(piece, pieces)) is not None:
        label = _lone_label(above.text)
        if label is not None:
            offer = replace(offer, kind=offer.kind or label[0], unit=offer.unit or label[1], labelled=True)
            used.append(above)
    if not offer.labelled and (lower := _label_lower(piece, pieces)) is not None:
        label = _lone_label(lower.text)
        if label is not None:
            offer = replace(offer, kind=offer.kind or label[0], unit=offer.unit or label[1], labelled=True)
            used.append(lower)
    for behind in _behind(piece, pieces):
        plain = half_width(behind.text).strip()
        unit = unit_piece(plain)
        if unit is None and behind.height <= 0.7 * piece.height and (bare := _BARE_UNIT.fullmatch(plain)):
            unit = printed_unit(bare[1] or bare[2])
        if unit is None and (tail := re.fullmatch(r"元\s*(?:[/|1Il每一])?\s*(.+)", plain)):
            unit = printed_unit(tail[1])
        if unit is not None or plain in ("元", "块"):
            chinese = has_script(plain, "Han")
            offer = replace(offer, unit=offer.unit or unit, currency=offer.currency or ("CNY" if chinese else None))
            used.append(behind)
            break
        if not offer.sign and (_SIGN.fullmatch(plain) or _is_hundredths(offer, plain)):
            offer = _with_sign(offer, plain)
            used.append(behind)
    return replace(offer, pieces=tuple(used))


def _with_sign(offer: Offer, sign: str) -> Offer:
    """The offer with the currency of a separate sign beside it; a character that OCR makes of ¥ counts as ¥."""
    plain = half_width(sign).strip()
    if _is_hundredths(offer, plain):
        return replace(offer, amount=offer.amount / 100, currency=minor_currency(plain), sign=plain)
    if _SIGN.fullmatch(plain) is None:
        plain = "¥"
    return replace(
        offer, currency=currency_of(plain) or offer.currency or ("CNY" if plain == "¥" else None), sign=plain
    )


def _is_hundredths(offer: Offer, sign: str) -> bool:
    whole = offer.amount == offer.amount.to_integral_value() and offer.amount < 100
    return whole and _MINOR.fullmatch(sign) is not None and _SIGN.fullmatch(sign) is None


def _before(piece: Placed, pieces: Sequence[Placed]) -> list[Placed]:
    """Pieces left of a number in its row, nearest first, up to the next number."""
    near = [
        other
        for other in pieces
        if other is not piece
        and other.centre < piece.left + 0.25 * piece.height
        and piece.left - other.right < max(2.0 * piece.height, 4.0 * other.height)
        and piece.top - 0.35 * piece.height <= other.middle <= piece.bottom + 0.1 * piece.height
    ]
    near.sort(key=lambda other: -other.right)
    numbers = (
        index
        for index, other in enumerate(near)
        if other.middle >= piece.top and (find_prices(other.text) or bare_amount(other.text) is not None)
    )
    stop = next(numbers, len(near))
    return [other for other in near[:stop] if is_sign(other.text) or _lone_label(other.text) is not None]


def _behind(piece: Placed, pieces: Sequence[Placed]) -> list[Placed]:
    near = [
        other
        for other in pieces
        if other is not piece
        and other.left > piece.centre
        and other.left - piece.right < 1.2 * max(piece.height, other.height)
        and other.right > piece.right
        and piece.top - 0.2 * piece.height <= other.middle <= piece.bottom + 0.5 * piece.height
    ]
    return sorted(near, key=lambda other: other.left)


def _label_above(piece: Placed, pieces: Sequence[Placed]) -> Placed | None:
    near = [
        other
        for other in pieces
        if other is not piece
        and other.middle < piece.top + 0.2 * piece.height
        and piece.top - other.bottom < 0.8 * piece.height
        and min(other.right, piece.right) - max(other.left, piece.left) > 0.3 * min(other.width, piece.width)
    ]
    return max(near, key=lambda other: other.bottom, default=None)


def _label_lower(piece: Placed, pieces: Sequence[Placed]) -> Placed | None:
    """A label left of a price, lower but still beside it, that belongs to no other price."""
    figures = [one for one in pieces if one is not piece and (find_prices(one.text) or bare_amount(one.text))]
    near = [
        other
        for other in pieces
        if other is not piece
        and other.right < piece.left + 0.25 * piece.height
        and piece.left - other.right < max(2.0 * piece.height, 4.0 * other.height)
        and piece.middle < other.middle
        and other.top + 0.2 * other.height < piece.bottom
        and _lone_label(other.text) is not None
        and not any(one.left > other.centre and one.top <= other.middle <= one.bottom + one.height for one in figures)
    ]
    return max(near, key=lambda other: other.right, default=None)


def _lone_label(text: str) -> tuple[Kind | None, str | None] | None:
    """Kind and unit of a piece that is only a price label: `会员价：`, `单价(元/斤)`, `零售价 Price`."""
    plain = simplified(text)
    if not PRICE_LABEL.search(plain):
        return None
    unit = re.search(r"元\s*/\s*([^)\s:]+)", plain)
    rest = PRICE_LABEL.sub("", re.sub(r"元(?:\s*/\s*[^)\s:]+)?|[¥]|rmb|cny", "", plain, flags=re.IGNORECASE))
    rest = _SIGN.sub("", rest) if rest.strip() else rest
    if rest.strip(" :.,;/()[]|-*!=>") or len(plain) > 24:
        return None
    return label_kind(plain)[1], printed_unit(unit[1]) if unit else None


def _largest(bare: list[Offer], offers: list[Offer], pieces: Sequence[Placed]) -> list[Offer]:
    """Unmarked numbers that are a price by their size: the largest text of the tag, larger than any marked price."""
    if not bare:
        return []
    largest = max(bare, key=lambda offer: offer.height)
    heights = sorted(piece.height for piece in pieces if piece not in largest.pieces)
    middle = heights[len(heights) // 2] if heights else 0.0
    tallest_offer = max((offer.height for offer in offers), default=0.0)
    pointed = largest.amount != largest.amount.to_integral_value() or "." in largest.pieces[0].text
    large = largest.height >= 1.25 * middle and largest.height >= 1.15 * tallest_offer
    if any(is_sign(piece.text) for piece in pieces):  # the sign belongs to digits that were not read
        return []
    if large and (pointed or largest.height >= 0.95 * max(heights, default=0.0)):
        return [largest]
    return []


def _tallest(offers: list[Offer]) -> Offer | None:
    return max(offers, key=lambda offer: offer.height, default=None)


def _pointed(offer: Offer | None, regular: Offer) -> Offer | None:
    if offer is None or offer.amount != offer.amount.to_integral_value() or offer.amount < 100:
        return offer
    if offer.amount <= SCALE * regular.amount:
        return offer
    smaller = [offer.amount / scale for scale in (10, 100)]
    fitting = [amount for amount in smaller if regular.amount / SCALE < amount <= regular.amount]
    return replace(offer, amount=fitting[0]) if fitting else offer


def _promoted(pieces: Sequence[Placed]) -> bool:
    return any(_PROMOTED.search(piece.text) and len(piece.text) <= 12 for piece in pieces)
