"""The rules of the storefront task: name, telephone, address, kind of business, open or closed, from text alone."""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core import Draft, Lang, Notice, Review, Row, Source
from pixel_agent.tasks.rules.date_words import normalise
from pixel_agent.tasks.rules.layout import Placed, below, cover, right_of, straighten
from pixel_agent.tasks.rules.page import Page
from pixel_agent.tasks.rules.place_words import (
    ADDRESS,
    ADDRESS_WORD,
    ADMINISTRATIVE,
    CATEGORIES,
    CLOSED,
    ENGLISH_ADDRESS,
    GOODS,
    HOURS,
    LOCAL_PHONE,
    NO_NAME,
    OPEN,
    PHONE_WORD,
    PHONES,
    PRAISE,
    SHOP,
    SOLD_AS_GOODS,
)

_SIGN_RATIO: Final = 0.3
"""Minimum height of text that belongs to the sign, relative to the name."""

_SIGN_HEIGHT: Final = 0.06
_SIGN_WIDTH: Final = 0.2
"""Minimum height and width of a line in a photo of a signboard, as a share of the photo's height and width."""

_DOMINANT: Final = 1.6
"""Minimum ratio of the name's height to any other line's, if size is the only evidence for the name."""

_FEW: Final = 8
"""Maximum number of lines on a storefront; shelves and notices have more."""

_LONGEST_NAME: Final = 24
Proof: TypeAlias = Literal["word", "contact", "size"]

_SURE: Final = 0.65
"""Minimum OCR confidence of a line with a shop name: noise on trial photos of shops scored 0.54 to 0.62."""


def read_storefront(page: Page) -> Draft:
    """One item for the storefront, or none, with the warning `no_storefront`, if there is no evidence of one.

    Evidence is a word that ends shop names, a telephone, an address, opening hours or `营业中` without labelled goods, or
    a single line as large as a signboard. A name with its size as the only evidence needs a review. Fields that are not
    printed are null.

    `business_category` is in the page's language; `business_status` is `open` or `closed` only if the text says so,
    otherwise null, and null with a warning if it says both. `qr` is empty: codes are not read here.
    """
    pieces = straighten(page.lines)
    name = _name(pieces)
    proof = _proof(name, pieces, page)
    if proof is None:
        return Draft(warnings=(_no_storefront(page.lang),))
    phones = list(dict.fromkeys(phone for piece in pieces for phone in find_phones(piece.text)))
    addresses = [piece for piece in pieces if find_address(piece.text)]
    status, warnings = _status(pieces, page.lang)
    shop = _joined(name)
    fields: dict[str, JsonValue] = {
        "shop_name": shop,
        "sign_text": _sign_text(pieces, name),
        "address": find_address(addresses[0].text) if addresses else None,
        "phone": " / ".join(phones) or None,
        "business_category": _category([shop or "", *(piece.text for piece in pieces)], page.lang == "zh"),
        "business_status": status,
    }
    if not any(fields.values()):
        return Draft(warnings=warnings)
    telling = [piece for piece in pieces if find_phones(piece.text) or CLOSED.search(_packed(piece.text))]
    used = list(dict.fromkeys([*name, *addresses[:1], *telling])) or pieces
    confidence = min(line.confidence for piece in used for line in piece.lines)
    review = Review.ADVISED if proof == "size" else Review.NONE
    row = Row({**fields, "qr": []}, cover(used), Source.TEXT, confidence, review=review)
    return Draft(items=(row,), warnings=warnings)


def find_phones(text: str) -> list[str]:
    """Telephone numbers as printed. Digits that could be a barcode or a price need a word for telephone beside them."""
    plain, places = normalise(text)
    spans = [match.span() for match in PHONES.finditer(plain)]
    word = PHONE_WORD.search(plain)
    if not spans and word:
        spans = [
            match.span()
            for match in LOCAL_PHONE.finditer(plain, word.end())
            if 7 <= len(re.sub(r"\D", "", match[0])) <= 13 and not plain[match.end() :].lstrip().startswith("元")
        ]
    return [text[places[start] : places[end - 1] + 1].strip() for start, end in spans]


def find_address(text: str) -> str | None:
    """A postal address as printed, or None: a road and number, two administrative levels and a road, or after `地址`."""
    plain, places = normalise(text)
    phone = min(filter(None, (PHONES.search(plain), PHONE_WORD.search(plain))), key=lambda m: m.start(), default=None)
    word = ADDRESS_WORD.search(plain)
    if word:
        end = phone.start() if phone and phone.start() > word.end() else len(plain)
        return _cut(text, places, word.end(), end)
    for match in ADDRESS.finditer(plain):
        if match["number"] or len(ADMINISTRATIVE.findall(match[0])) >= 2:
            end = min(match.end(), phone.start()) if phone and phone.start() > match.start() else match.end()
            return _cut(text, places, match.start(), end)
    english = ENGLISH_ADDRESS.search(plain)
    return _cut(text, places, english.start(), english.end()) if english else None


def _cut(text: str, places: list[int], start: int, end: int) -> str | None:
    return text[places[start] : places[end - 1] + 1].strip(" \t,，;；:：|/") or None if end > start else None


def _packed(text: str) -> str:
    plain = normalise(text)[0]
    return re.sub(r"(?<=[^A-Z])\s+|\s+(?=[^A-Z])", "", plain)


def _proof(name: list[Placed], pieces: list[Placed], page: Page) -> Proof | None:
    """The best evidence of a storefront; None if there is none."""
    goods = any(GOODS.search(_packed(piece.text)) for piece in pieces)
    largest = max((piece.height for piece in pieces), default=0.0)
    if name and _calls_itself_shop(name, pieces, goods) and (not goods or _heads(name, largest)):
        return "word"
    if goods:
        return None
    if any(_contact(piece.text) for piece in pieces):
        return "contact"
    return "size" if name and _dominates(name, pieces, page) else None


def _calls_itself_shop(name: list[Placed], pieces: list[Placed], goods: bool) -> bool:
    """Whether the name, or a line near its size, has a word for a shop.

    A word that is also printed on goods counts only on a page with few lines and no goods.
    """
    height = max(piece.height for piece in name)
    few = len(pieces) <= _FEW
    told = [_joined(name) or "", *(piece.text for piece in pieces if piece.height >= 0.5 * height)]
    for text in told:
        plain = _words(text)
        says_so = (
            len(plain) <= _LONGEST_NAME and SHOP.search(plain) and not NO_NAME.search(PRAISE.sub("", _packed(text)))
        )
        if says_so and (not SOLD_AS_GOODS.search(plain) or (few and not goods)):
            return True
    return False


def _words(text: str) -> str:
    """The normalised text; Latin words keep their spaces, so that word ends can be found."""
    return re.sub(r"(?<=[^A-Z0-9 ])\s+|\s+(?=[^A-Z0-9 ])", "", normalise(text)[0]).strip(" .!·")


def _heads(name: list[Placed], largest: float) -> bool:
    """Whether no text on the page is larger than the name; on a tag, the price is larger."""
    return max(piece.height for piece in name) >= largest


def _contact(text: str) -> bool:
    plain = _packed(text)
    told = find_phones(text) or find_address(text) or HOURS.search(plain) or OPEN.search(plain) or CLOSED.search(plain)
    return bool(told)


def _dominates(name: list[Placed], pieces: list[Placed], page: Page) -> bool:
    """Whether the name is the one large line of the photo, as on a signboard."""
    others = [piece for piece in pieces if piece not in name]
    height, width = max(piece.height for piece in name), sum(piece.width for piece in name)
    large = height >= _SIGN_HEIGHT * page.height and width >= _SIGN_WIDTH * page.width
    return large and len(others) <= _FEW and all(height >= _DOMINANT * other.height for other in others)


def _no_storefront(lang: Lang) -> Notice:
    zh, en = "没有看到门头招牌的依据，未写店名。", "Nothing here speaks for a storefront; no shop is named."
    return Notice("no_storefront", zh if lang == "zh" else en)


def _status(pieces: list[Placed], lang: Lang) -> tuple[str | None, tuple[Notice, ...]]:
    closed = any(CLOSED.search(_packed(piece.text)) for piece in pieces)
    opened = any(OPEN.search(_packed(piece.text)) for piece in pieces if not CLOSED.search(_packed(piece.text)))
    if closed and opened:
        zh, en = "既有营业字样又有休息字样，请人工核对。", "Signs say both open and closed; please check."
        return None, (Notice("status_unclear", zh if lang == "zh" else en),)
    return ("closed" if closed else "open" if opened else None), ()


def _category(texts: list[str], zh: bool) -> str | None:
    """The kind of business in the first text that names one; the shop's own name comes first."""
    for text in texts:
        plain = _packed(text)
        if find_address(text) or CLOSED.search(plain):
            continue
        for name_zh, name_en, words in CATEGORIES:
            if words.search(plain):
                return name_zh if zh else name_en
    return None


def _has_category(text: str) -> bool:
    return any(words.search(_packed(text)) for _, _, words in CATEGORIES)


def _may_be_name(piece: Placed) -> bool:
    plain = _packed(piece.text)
    letters = re.sub(r"[^A-Z一-鿿぀-ヿ가-힯]", "", plain)
    return (
        len(letters) >= 2
        and all(line.confidence >= _SURE for line in piece.lines)
        and len(plain) <= 30
        and not NO_NAME.search(PRAISE.sub("", plain) if SHOP.search(plain) and len(plain) <= 10 else plain)
        and not find_phones(piece.text)
        and not find_address(piece.text)
        and re.search(r"[¥$]|\d{6}|\d[.:]\d", plain) is None
    )


def _name(pieces: list[Placed]) -> list[Placed]:
    """The tallest text that can be a name, with its continuation: similar height beside it, or its kind below."""
    possible = [piece for piece in pieces if _may_be_name(piece)]
    if not possible:
        return []
    # A word like 便利店 or 药房 makes a piece a more likely name than its height alone.
    first = max(possible, key=lambda piece: piece.height * (1.3 if _has_category(piece.text) else 1.0))
    name = [first]
    alike = [piece for piece in possible if 0.7 <= piece.height / first.height <= 1.4]
    while (beside := right_of(name[-1], [p for p in alike if p not in name], reach=2.0)) is not None:
        name.append(beside)
    before = [p for p in alike if p not in name and right_of(p, [first], reach=2.0) is first]
    name = [*sorted(before, key=lambda piece: piece.left), *name]
    under = below(first, [p for p in possible if p not in name and p.height >= 0.4 * first.height])
    if under is not None and not any(_has_category(p.text) for p in name) and _is_suffix(under.text):
        name.append(under)
    return name


def _is_suffix(text: str) -> bool:
    return len(text.strip()) <= 8 and _has_category(text)


def _joined(name: list[Placed]) -> str | None:
    """Join the pieces of the name: a space between Latin words, none between Chinese ones."""
    joined = ""
    for piece in name:
        text = piece.text.strip()
        spaced = re.search(r"[A-Za-z]$", joined) or re.match(r"[A-Za-z]", text)
        joined += f" {text}" if joined and spaced else text
    return joined or None


def _sign_text(pieces: list[Placed], name: list[Placed]) -> str | None:
    if not name:
        return None
    least = _SIGN_RATIO * max(piece.height for piece in name)
    return "\n".join(piece.text.strip() for piece in pieces if piece.height >= least) or None
