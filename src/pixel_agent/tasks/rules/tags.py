"""The rules of the price tag task: text lines of a photo → one row per tag, and the issues of a tag."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pydantic import JsonValue

from pixel_agent.core import Draft, Row, Source
from pixel_agent.core.gtin import is_restricted
from pixel_agent.tasks.rules.labels import Labelled, labelled_values, parse_labels
from pixel_agent.tasks.rules.layout import Placed, cover, group_rows, join_decimals, split_tags, straighten
from pixel_agent.tasks.rules.locale.currencies import is_code
from pixel_agent.tasks.rules.locale.price_words import NET_WORDS
from pixel_agent.tasks.rules.locale.words import word_pattern
from pixel_agent.tasks.rules.offers import Prices, find_offers, part_prices, settle, unit_piece
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.page_currency import resolve_currency, stated_currency
from pixel_agent.tasks.rules.price_doubt import DOUBTFUL, doubt_notices, doubt_points
from pixel_agent.tasks.rules.prices import MAX_TEXT, bare_amount, find_prices, is_sign, label_kind
from pixel_agent.tasks.rules.promos import period_end
from pixel_agent.tasks.rules.shelves import ShelfTag, read_shelf, shelf_currency
from pixel_agent.tasks.rules.tag_names import find_name, looks_like_name, mend_lookalikes, part_names
from pixel_agent.tasks.rules.units import find_specs, half_width, normal_unit, printed_unit, tidy_spec
from pixel_agent.tasks.rules.unread import far_tags

LOOSE_UNITS: Final = frozenset({"斤", "kg", "g", "两", "500g", "100g", "50g", "250g", "1000g", "lb"})
"""Units of loose goods: goods sold by weight must state their origin."""

_SLASHED: Final = re.compile(r"[1Il]\s*([\u4e00-\u9fff]{1,2})")
"""A unit whose separate slash was read as a digit: `1个` is no size."""
_NET: Final = re.compile(rf"^{word_pattern(NET_WORDS)}\s*[:.]?\s*", re.IGNORECASE)
_GRADE: Final = re.compile(r"(?:特级|[一二三四]级|[一二三]等品?|优等品?|优级|精品级|合格品|AA?A?级)")


def read_price_tags(page: Page) -> Draft:
    """One row per tag, in reading order; fields not on the tag are null. A page without price tags gives no rows."""
    pieces = part_prices(part_names(join_decimals(straighten(page.lines))))
    told = _told(page)
    rows = [row for part in split_tags(pieces, _apart) if (row := _read_tag(part, page, told)) is not None]
    shelf = read_shelf(pieces, page.width)
    # Tags that are read completely give more fields than a rail of numbers.
    if shelf is not None and sum(tag.price is not None for tag in shelf) > len(rows):
        rows = [_shelf_row(tag, shelf, told) for tag in shelf]
    far = () if rows else far_tags(page)
    return Draft(items=tuple(rows), warnings=(*doubt_notices(rows, page), *far))


def _shelf_row(tag: ShelfTag, shelf: Sequence[ShelfTag], told: _Told) -> Row:
    signs = [(tag.sign, tag.currency, tag.price or Decimal(0))]
    currency = resolve_currency(signs, told.text, told.stated or shelf_currency(shelf, told.text), told.setting)
    used = [tag.number, *tag.names]
    name = " ".join(half_width(piece.text).strip() for piece in tag.names) or None
    specs = find_specs(name or "")
    fields: dict[str, JsonValue] = {
        "name": name,
        "regular_price": _number(tag.price),
        "sale_price": None,
        "member_price": None,
        "currency": currency,
        "unit": tag.unit,
        "spec": specs[-1].text if specs else None,
        "origin": None,
        "grade": None,
        "gtin": None,
        "valid_until": None,
        "issues": [],
    }
    confidence = min(line.confidence for piece in used for line in piece.lines)
    return Row(fields, cover(used), Source.TEXT, confidence if tag.price is not None else min(confidence, DOUBTFUL))


def price_issues(fields: Mapping[str, JsonValue], expected_price: float | None = None) -> list[str]:
    """The issues of a tag, by its fields: `missing_unit`, `missing_origin`, `mismatch`, and issues found before.

    Loose goods, and tags with a label for it, must state an origin. `expected_price` is compared with the sale price,
    else the regular, else the member price.
    """
    known = fields.get("issues")
    issues = [issue for issue in known if isinstance(issue, str)] if isinstance(known, list) else []
    if not fields.get("unit"):
        issues.append("missing_unit")
    unit = fields.get("unit")
    loose = isinstance(unit, str) and normal_unit(unit) in LOOSE_UNITS
    if loose and not fields.get("spec") and not fields.get("origin"):
        issues.append("missing_origin")
    prices = [fields.get(key) for key in ("sale_price", "regular_price", "member_price")]
    current = next((price for price in prices if isinstance(price, int | float)), None)
    if expected_price is not None and current is not None and abs(current - expected_price) >= 0.005:
        issues.append("mismatch")
    return list(dict.fromkeys(issues))


def proven_gtin(digits: str) -> str | None:
    """A GTIN of 8, 13 or 14 digits with a valid check digit (12 get a leading zero); None for anything else."""
    if not digits.isascii() or not digits.isdigit() or len(digits) not in (8, 12, 13, 14) or not digits.strip("0"):
        return None
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(reversed(digits)))
    if total % 10:
        return None
    return digits.zfill(13) if len(digits) == 12 else digits


def article_gtin(digits: str) -> str | None:
    """A GTIN with a valid check digit that names an article; None for anything else, also for in-store numbers."""
    return None if is_restricted(digits) else proven_gtin(digits)


@dataclass(frozen=True, slots=True)
class _Told:
    """The evidence of the whole page for its currency."""

    text: str
    stated: str | None
    setting: str | None

    def currency(self, prices: Prices) -> str | None:
        signs = [(offer.sign, offer.currency, offer.amount) for offer in prices.offers]
        return resolve_currency(signs, self.text, self.stated, self.setting)


def _told(page: Page) -> _Told:
    texts = [line.text[:MAX_TEXT] for line in page.lines]
    setting = page.options.get("currency")
    code = setting.upper() if isinstance(setting, str) else None
    return _Told("\n".join(texts), stated_currency(texts), code if code and is_code(code) else None)


def _read_tag(pieces: Sequence[Placed], page: Page, told: _Told) -> Row | None:
    values = labelled_values(pieces)
    by_field = {value.field: value for value in reversed(values) if value.value}
    prices = settle(find_offers(pieces), pieces)
    currency = told.currency(prices) if prices.offers else None
    prices, doubted = doubt_points(prices, currency)
    if not prices.offers and not _awaits_price(pieces):
        return None
    # The value of another label is no name, even in a line of its own: the place under 产地.
    taken = {id(piece) for value in values if value.field != "name" for piece in value.pieces[1:]}
    free = [piece for piece in pieces if id(piece) not in taken]
    name, named = find_name(free, by_field.get("name"), prices.offers)
    priced = {id(piece) for offer in prices.offers for piece in offer.pieces}
    spec, specified = _spec([piece for piece in pieces if id(piece) not in priced], by_field.get("spec"), name)
    gtin, coded = _gtin(pieces, by_field.get("gtin"))
    unit, united = _unit(pieces, by_field.get("unit"), prices)
    grade, graded = _grade(pieces, by_field.get("grade"))
    origin = by_field.get("origin")
    lacks = [value for value in values if value.field == "origin" and not value.value]
    fields: dict[str, JsonValue] = {
        "name": name,
        "regular_price": _number(prices.regular),
        "sale_price": _number(prices.sale),
        "member_price": _number(prices.member),
        "currency": currency,
        "unit": unit,
        "spec": spec,
        "origin": mend_lookalikes(_origin(origin.value), pieces) if origin else None,
        "grade": grade,
        "gtin": gtin,
        "valid_until": _valid_until(pieces, by_field.get("valid_until"), page),
        "issues": ["missing_origin"] if lacks and origin is None else [],
    }
    if (other := prices.comparison) is not None and other.unit is not None:
        fields["unit_price"], fields["unit_price_per"] = _number(other.amount), other.unit
    used = [piece for offer in prices.offers for piece in offer.pieces] + [*named, *specified, *coded, *united, *graded]
    used += list(origin.pieces) if origin else []
    confidence = min((line.confidence for piece in used for line in piece.lines), default=None)
    if doubted:
        confidence = DOUBTFUL if confidence is None else min(confidence, DOUBTFUL)
    return Row(fields, cover(pieces), Source.TEXT, confidence)


def _awaits_price(pieces: Sequence[Placed]) -> bool:
    """Whether a tag has a price that could not be read: its sign, unit or label is there without a number."""
    marks = sum(is_sign(piece.text) or unit_piece(piece.text) is not None for piece in pieces)
    labels = any(field == "price" for piece in pieces for field, _ in parse_labels(piece.text)[1])
    return marks + labels >= 1 and any(_is_name(piece.text) for piece in pieces)


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else round(float(amount), 2)


def _spec(pieces: Sequence[Placed], label: Labelled | None, name: str | None) -> tuple[str | None, Sequence[Placed]]:
    if label is not None:
        specs = find_specs(label.value)
        if specs and len(label.value) > 16:
            return specs[0].text, label.pieces
        return tidy_spec(label.value), label.pieces
    for piece in pieces:
        if _SLASHED.fullmatch(piece.text):
            continue
        plain = _NET.sub("", parse_labels(piece.text)[0].strip(" ()[]"))  # a size can come before a label: 5L 产地:山东
        specs = find_specs(plain)
        alone = bool(specs) and specs[0].start == 0 and not plain[specs[0].end :].strip("装约 )(")
        if alone and not find_prices(piece.text):
            return specs[0].text, (piece,)
    specs = find_specs(name or "")
    return (specs[-1].text, ()) if specs else (None, ())


def _unit(pieces: Sequence[Placed], label: Labelled | None, prices: Prices) -> tuple[str | None, Sequence[Placed]]:
    if label is not None:
        unit = printed_unit(label.value.split()[0]) or printed_unit(label.value)
        if unit is not None:
            return unit, label.pieces
        if label.value[0] != "元" and len(label.value) <= 3 and re.fullmatch(r"[\u4e00-\u9fff]+", label.value):
            return label.value, label.pieces
    if prices.unit is not None:
        return prices.unit, ()
    for piece in pieces:
        unit = unit_piece(piece.text)
        if unit is not None:
            return unit, (piece,)
    for piece in pieces:
        slash = _SLASHED.fullmatch(piece.text)
        unit = printed_unit(slash[1]) if slash else None
        if unit is not None:
            return unit, (piece,)
    return None, ()


def _grade(pieces: Sequence[Placed], label: Labelled | None) -> tuple[str | None, Sequence[Placed]]:
    if label is not None:
        return label.value.split()[0], label.pieces
    for piece in pieces:
        if _GRADE.fullmatch(half_width(piece.text).strip(" ()")):
            return half_width(piece.text).strip(" ()"), (piece,)
    return None, ()


def _origin(value: str) -> str:
    """The place as printed; if it is in two languages, the Chinese one."""
    if re.search(r"[\u4e00-\u9fff]", value):
        value = re.sub(r"\s*[/(]?\s*[A-Za-z][A-Za-z .,'-]*\)?\s*$", "", value)
    words = value.split()
    if len(words) > 1 and _GRADE.fullmatch(words[-1]):
        value = " ".join(words[:-1])
    return value.strip(" ,;/()")


def _gtin(pieces: Sequence[Placed], label: Labelled | None) -> tuple[str | None, Sequence[Placed]]:
    if label is not None and (gtin := article_gtin(re.sub(r"\D", "", label.value))) is not None:
        return gtin, label.pieces
    for row in group_rows([piece for piece in pieces if re.fullmatch(r"[\d\s>|<]+", piece.text)]):
        for group in ([row] if len(row) > 1 else []) + [[piece] for piece in row]:
            digits = re.sub(r"\D", "", "".join(piece.text for piece in group))
            if len(digits) >= 12 and (gtin := article_gtin(digits)) is not None:
                return gtin, group
    for piece in pieces:
        for digits in re.findall(r"(?<!\d)\d{13}(?!\d)", half_width(piece.text)):
            if (gtin := article_gtin(digits)) is not None:
                return gtin, (piece,)
    return None, ()


def _valid_until(pieces: Sequence[Placed], label: Labelled | None, page: Page) -> str | None:
    """The last day of a promotion's dates; dates of the goods' own shelf life are not read here."""
    texts = [label.value] if label is not None else []
    texts += [piece.text for piece in pieces if re.search(r"活动|促销|特价|限时|优惠|截[止至]", piece.text)]
    for text in texts:
        end = period_end(half_width(text), page.today, labelled=True)
        if end is not None:
            return end.isoformat()
    return None


def _apart(first: Sequence[Placed], second: Sequence[Placed], under: bool) -> bool:
    """Whether both halves are tags: each has a name, and a price beside or under it. A promotion price alone under a
    regular one is no tag.
    """
    heights = [_name_height(part) for part in (first, second)]
    if heights[0] is None or heights[1] is None or not 0.5 <= heights[0] / heights[1] <= 2.0:
        return False
    return not under or not _complement(
        *({kind for piece in part for kind in _kinds(piece.text)} for part in (first, second))
    )


def _complement(first: set[str | None], second: set[str | None]) -> bool:
    """Whether two sets of price kinds belong to one tag: an old price in one and only new ones in the other."""
    if any(one == {"regular"} and "regular" not in other for one, other in ((first, second), (second, first))):
        return True
    told, others = first - {None}, second - {None}  # a label beside a price states its kind
    return bool(told) and bool(others) and not told & others


def _name_height(part: Sequence[Placed]) -> float | None:
    priced = [piece for piece in part if _is_price(piece.text)]
    if not priced:
        return None
    main = max(priced, key=lambda piece: piece.height)
    values = [value for value in labelled_values(part) if value.field != "name"]
    taken = {id(piece) for value in values for piece in value.pieces}  # the place under 产地 is no name
    names = [piece for piece in part if _is_name(piece.text) and piece.middle <= main.bottom and id(piece) not in taken]
    return max((piece.height for piece in names), default=None)


@lru_cache(maxsize=4096)
def _is_price(text: str) -> bool:
    amount = bare_amount(text)
    return bool(find_prices(text)) or (amount is not None and "." in half_width(text))


@lru_cache(maxsize=4096)
def _is_name(text: str) -> bool:
    return any(field == "name" and value for field, value in parse_labels(text)[1]) or looks_like_name(text)


@lru_cache(maxsize=4096)
def _kinds(text: str) -> frozenset[str | None]:
    prices = find_prices(text)
    label, kind = label_kind(text)
    if prices:
        return frozenset(price.kind for price in prices)
    return frozenset({kind}) if label and len(text) <= 8 else frozenset()
