"""Parses amounts of money in international formats: sign before or after, points or commas, dashes, raised digits.

Pure functions over the table of currencies. `prices.py` decides the meaning of an amount (price, saving, deposit).
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pixel_agent.tasks.rules.locale.currencies import CURRENCIES, DECIMALS, SHARED
from pixel_agent.tasks.rules.locale.words import without_marks, word_pattern

RAISED: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_ON_THE_LINE: Final = str.maketrans(RAISED, "0123456789")
_SPACE: Final = "[ \u00a0\u202f\u2009]"
_DASH: Final = "[-‐‑‒–—―=]"
_GROUPED: Final = (
    r"\d{1,3}(?:(?:\.\d{3})+(?:\s?,\s?\d{1,2}(?!\d))?|(?:,\d{3})+(?:\s?\.\s?\d{1,3}(?!\d))?"
    r"|(?:['’ʼ´`]\d{3})+(?:[.,]\d{1,2}(?!\d))?"
    rf"|(?:{_SPACE}\d{{3}})+(?:\s?[.,]\s?\d{{1,2}}(?!\d))?|(?:,\d{{2}})+,\d{{3}}(?:\.\d{{1,2}}(?!\d))?)(?!\d)"
)
AMOUNT: Final = (
    rf"(?:(?:{_GROUPED}|\d+)\s?[.,:]\s?(?:{_DASH}{{1,2}}|\*)(?!\d)|{_GROUPED}|\d+[{RAISED}]{{1,2}}"
    r"|\d+\s?[.,]\s?\d{1,2}(?!\d)|\d+(?!\d|[.,]\d))"
)
"""Pattern of one number in a price format. All parts are bounded, so that a search takes time linear in the text."""

LEADING: Final = r"(?<![\d.,])[.,]\d{2}(?!\d)"
"""Pattern of hundredths without a whole part: `,89 €`, `$.79`."""

WHOLE_AMOUNT: Final = re.compile(rf"(?:{AMOUNT}|\d{{1,6}}\s?{_DASH})\s*")
"""Pattern of a text with only such a number; alone, a dash for the cents can also follow without a point."""


def _written(text: str) -> str:
    return re.sub(r"\s+", " ", without_marks(text.casefold())).strip()


_OF: Final[dict[str, str | None]] = {
    **{_written(word): None for word in SHARED},
    **{_written(word): one.code for one in CURRENCIES for word in (*one.signs, *one.words)},
    **{one.code.casefold(): one.code for one in CURRENCIES},
}
_MINOR: Final[dict[str, str | None]] = {
    **{_written(word): one.code for one in CURRENCIES for word in one.minor},
    **dict.fromkeys(("¢", "￠", "c", "ct", "cent", "cents", "ore"), None),
}
_SIGNS: Final = tuple(
    {*SHARED, *(word for one in CURRENCIES for word in (*one.signs, *one.words, one.code.casefold()))}
)
SIGN: Final = rf"(?:{word_pattern(_SIGNS)}(?:(?<=[A-Za-z]{{3}})\s?\$)?)"
"""Pattern of a currency's sign, word or code, before or after an amount."""
MINOR: Final = word_pattern({*(word for one in CURRENCIES for word in one.minor), "¢", "￠", "c", "ct"})
"""Pattern of a sign or word for hundredths, after a whole number."""
_CODES: Final = re.compile(r"[a-z]{3}")


@lru_cache(maxsize=1024)
def currency_of(sign: str) -> str | None:
    """The ISO code of a sign, word or code; None if it is unknown or several currencies share it."""
    return _OF.get(_written(sign)) or _OF.get(_written(sign).removesuffix("$").strip())


@lru_cache(maxsize=1024)
def minor_currency(sign: str) -> str | None:
    """The currency whose hundredths a word names (`p` → GBP); None if several share it (`¢`)."""
    return _MINOR.get(_written(sign))


def shares_sign(sign: str) -> tuple[str, ...]:
    """The currencies that share a sign: `kr` → NOK, SEK, DKK, ISK; empty for other signs."""
    plain = _written(sign)
    return next((codes for word, codes in SHARED.items() if _written(word) == plain), ())


def to_decimal(text: str, decimals: int = 2) -> Decimal | None:
    """The value of a number as printed; `decimals` are those of its currency. None for text that is no number.

    With two kinds of separators the last is the decimal point. A repeated separator groups thousands; so does one
    before three digits, unless the currency has three decimals or the whole part is 0.
    """
    plain = re.sub(rf"\s?[.,:]?\s?(?:{_DASH}{{1,2}}|\*)\s*$", "", text.strip())
    raised = re.search(rf"[{RAISED}]+$", plain)
    if raised:
        plain = f"{plain[: raised.start()]}.{raised[0].translate(_ON_THE_LINE)}"
    plain = re.sub(r"[\s'’ʼ´`]", "", plain)
    if not re.fullmatch(r"[0-9.,]*[0-9]", plain) or len(plain) > 30:
        return None
    marks = re.findall(r"[.,]", plain)
    if not marks:
        return Decimal(plain)
    whole, _, rest = plain.rpartition(marks[-1])
    repeated = marks.count(marks[-1]) > 1
    grouped = len(rest) == 3 and len(set(marks)) == 1 and decimals != 3 and re.fullmatch(r"0*", whole) is None
    if repeated or grouped:
        return Decimal(re.sub(r"[.,]", "", plain))
    return Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{rest}")


def currency_decimals(code: str | None) -> int:
    """The number of decimals of a currency's prices; 2 if it is unknown."""
    return DECIMALS.get(code or "", 2)
