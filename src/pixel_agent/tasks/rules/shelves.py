"""Reads photos of whole shelves: finds tags as separate numbers of one size, in rows at one height.

On a rail a bare number is a price. Text on goods has other sizes and forms no such rows. Pure geometry; a page that is
no shelf gives None, and `tags.py` then reads it tag by tag.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Final

from pixel_agent.tasks.rules.layout import Placed
from pixel_agent.tasks.rules.money import currency_decimals
from pixel_agent.tasks.rules.page_currency import script_currency
from pixel_agent.tasks.rules.prices import Price, bare_amount, find_prices
from pixel_agent.tasks.rules.tag_names import looks_like_name
from pixel_agent.tasks.rules.units import half_width

MIN_TAGS: Final = 4
"""Minimum number of tags on a shelf."""
MIN_ON_RAIL: Final = 3
"""At least one rail must have this many tags."""
MANY_TAGS: Final = 6
"""From this number of tags on a page is a whole shelf, and the script of its goods indicates the currency."""
_SIZE: Final = 0.3
"""Maximum difference of a number's height from the usual height, as a share of the usual height."""
_WIDE: Final = 1.22
"""Maximum width of a digit, relative to the usual width; a wider one hides another digit: 49 of 149 behind goods."""
_FIGURES: Final = re.compile(r"[^\d]*\d[\d.,: '-]*[^\d]{0,4}")
_POINTED: Final = re.compile(r"\d+\s?[.,]\s?\d?\D{0,2}")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_SCRIPT_SIGNS: Final = 6


@dataclass(frozen=True, slots=True)
class ShelfTag:
    """One tag of a rail: its price, which is None if a digit is hidden, and the text that belongs to it."""

    price: Decimal | None
    currency: str | None
    sign: str
    unit: str | None
    number: Placed
    names: tuple[Placed, ...]


def read_shelf(pieces: Sequence[Placed], width: float) -> list[ShelfTag] | None:
    """The tags on the rails of a photo, in reading order; None if it shows no shelf. `width`: that of the photo."""
    numbers = [piece for piece in pieces if _is_number(piece)]
    if len(numbers) < MIN_TAGS:
        return None
    usual = _usual_height(numbers)
    alike = [piece for piece in numbers if abs(piece.height - usual) <= _SIZE * usual]
    rails = _rails(alike)
    tags = [piece for rail in rails for piece in rail]
    if len(tags) < MIN_TAGS or max(len(rail) for rail in rails) < MIN_ON_RAIL or not _stand_apart(rails, pieces):
        return None
    figure = median(_figure_width(piece) for piece in tags)
    whole = _are_whole(tags)
    found = [_tag(piece, rail, pieces, figure, whole) for rail in rails for piece in rail if _inside(piece, width)]
    return found if len(found) >= MIN_TAGS else None


def shelf_currency(tags: Sequence[ShelfTag], text: str) -> str | None:
    """The currency of a whole shelf by script alone, without sign or word: JPY if the text on the goods is in kana."""
    told = script_currency(text)
    if told or len(tags) < MANY_TAGS or any(tag.sign for tag in tags):
        return told
    return "JPY" if len(_KANA.findall(text)) >= _SCRIPT_SIGNS else None


def _is_number(piece: Placed) -> bool:
    text = half_width(piece.text).strip()
    if len(text) > 14 or _FIGURES.fullmatch(text) is None:
        return False
    return len(find_prices(text)) == 1 or bare_amount(text.rstrip(".,")) is not None


def _usual_height(numbers: Sequence[Placed]) -> float:
    """The most common height of the numbers, by counting for each number those of similar height."""

    def alike(one: Placed) -> int:
        return sum(abs(other.height - one.height) <= 0.2 * one.height for other in numbers)

    most = max(alike(one) for one in numbers)
    return median(one.height for one in numbers if alike(one) == most)


def _rails(numbers: Sequence[Placed]) -> list[list[Placed]]:
    """Rows of at least two numbers at one height, from top to bottom, each from left to right."""
    rails: list[list[Placed]] = []
    for piece in sorted(numbers, key=lambda piece: piece.middle):
        rail = next((rail for rail in rails if _level(piece, rail)), None)
        if rail is None:
            rails.append([piece])
        else:
            rail.append(piece)
    return [sorted(rail, key=lambda piece: piece.left) for rail in rails if len(rail) >= 2]


def _level(piece: Placed, rail: Sequence[Placed]) -> bool:
    """Whether a number is level with its neighbours on a rail; the rail can sag or be slanted in the photo."""
    near = min(rail, key=lambda other: abs(other.centre - piece.centre))
    slant = 0.06 * abs(near.centre - piece.centre)
    return abs(piece.middle - near.middle) <= 0.5 * piece.height + min(slant, 1.5 * piece.height)


def _stand_apart(rails: Sequence[Sequence[Placed]], pieces: Sequence[Placed]) -> bool:
    """Whether there are gaps between the tags and few words in their rows; otherwise it is a table or a receipt."""
    gaps = [(second.left - first.right) / first.height for rail in rails for first, second in pairwise(rail)]
    if not gaps or median(gaps) < 1.0:
        return False
    words = 0
    for rail in rails:
        for piece in pieces:
            level = any(abs(piece.middle - one.middle) < 0.3 * one.height for one in rail)
            alike = any(abs(piece.height - one.height) <= 0.3 * one.height for one in rail)
            words += level and alike and not _is_number(piece)
    return words <= sum(len(rail) for rail in rails) / 2


def _are_whole(tags: Sequence[Placed]) -> bool:
    """Whether the prices of this shelf have no decimals; a point read in one of them is then an OCR error."""
    pointed = sum(re.search(r"\d\s?[.,]\s?\d{2}(?!\d)", half_width(piece.text)) is not None for piece in tags)
    return pointed == 0


def _figure_width(piece: Placed) -> float:
    return piece.width / piece.height / max(1, len(re.findall(r"\d", piece.text)))


def _inside(piece: Placed, width: float) -> bool:
    """Whether the number is complete, not cut off by the photo's edge."""
    boxes = [line.box for line in piece.lines]
    return min(box[0] for box in boxes) > 1 and max(box[2] for box in boxes) < width - 2


def _tag(piece: Placed, rail: Sequence[Placed], pieces: Sequence[Placed], figure: float, whole: bool) -> ShelfTag:
    text = half_width(piece.text).strip()
    prices = find_prices(text)
    price: Price | None = prices[0] if prices else None
    amount = price.amount if price else bare_amount(text)
    currency = price.currency if price else None
    hidden = _figure_width(piece) > _WIDE * figure and len(re.findall(r"\d", text)) < 3
    lost = whole and _POINTED.fullmatch(text) is not None and currency_decimals(currency) > 0
    names = _names(piece, rail, pieces)
    sign = price.sign if price else ""
    return ShelfTag(None if hidden or lost else amount, currency, sign, price.unit if price else None, piece, names)


def _names(piece: Placed, rail: Sequence[Placed], pieces: Sequence[Placed]) -> tuple[Placed, ...]:
    """Small print above the number (else below it) that extends at most halfway to the next tag."""
    before = [other.right for other in rail if other.right < piece.left]
    after = [other.left for other in rail if other.left > piece.right]
    left = max(before, default=piece.left - 4 * piece.height)
    right = (piece.right + min(after)) / 2 if after else piece.right + 2 * piece.height
    near = [
        other
        for other in pieces
        if other is not piece
        and other.height <= 0.75 * piece.height
        and left < other.centre < right
        and -1.6 * piece.height < other.middle - piece.middle < 1.2 * piece.height
        and other.right > piece.left - 2.5 * piece.height
        and looks_like_name(other.text)
    ]
    above = [other for other in near if other.middle < piece.middle]
    return tuple(sorted(above or near, key=lambda other: (other.top, other.left)))[:2]
