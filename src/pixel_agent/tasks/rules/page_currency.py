"""Determines the currency of a page: by sign, else by script and words, else by the shop's setting, else None."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from pixel_agent.tasks.rules.locale.price_words import PRICE_WORDS
from pixel_agent.tasks.rules.locale.scripts import count_script, has_script, is_simplified, is_traditional
from pixel_agent.tasks.rules.locale.words import word_pattern
from pixel_agent.tasks.rules.money import currency_decimals, currency_of, shares_sign
from pixel_agent.tasks.rules.prices import find_prices

_TAX: Final = PRICE_WORDS["ja"]
_JAPANESE: Final = re.compile(
    "円|"
    + word_pattern(word for word in (*_TAX.tax_included, *_TAX.tax_excluded) if len(word) > 1 and word[0] in "税本")
)
_HAN_SIGNS: Final = 2
"""Minimum number of Han characters: OCR can read a single one from an ornament."""
_YUAN: Final = ("元", "块", "圆", "兀")


@lru_cache(maxsize=64)
def script_currency(text: str) -> str | None:
    """The currency that a page's script and words indicate: 円 and 税込 for JPY, Chinese text for CNY; else None."""
    if _JAPANESE.search(text):
        return "JPY"
    if count_script(text, "Han") < _HAN_SIGNS or has_script(text, "Kana"):
        return None
    return None if is_traditional(text) and not is_simplified(text) else "CNY"


def stated_currency(texts: Iterable[str]) -> str | None:
    """The only currency whose own sign is on a page; None if there is none, or several."""
    codes = {
        price.currency
        for text in texts
        for price in find_prices(text)
        if price.sign and price.currency and not shares_sign(price.sign)
    }
    return next(iter(codes)) if len(codes) == 1 else None


def resolve_currency(
    signs: Sequence[tuple[str, str | None, Decimal]], text: str, stated: str | None, setting: str | None
) -> str | None:
    """The currency of a tag. `signs`: for each price the sign as printed, the currency it names, and the amount.

    `text` is that of the whole page, `stated` the currency of its other signs, `setting` the shop's own currency.
    """
    script = script_currency(text)
    for sign, code, amount in signs:
        shared = _candidates(sign, text)
        if not sign:
            continue
        if not shared:
            return code or currency_of(sign)
        fitting = [one for one in shared if currency_decimals(one) or amount == amount.to_integral_value()]
        for told in (script, stated, setting):
            if told in fitting:
                return told
        return fitting[0] if len(fitting) == 1 else None
    return stated or script or setting


def _candidates(sign: str, text: str) -> tuple[str, ...]:
    """The possible currencies of a shared sign on this page; empty for a sign of only one currency."""
    if sign in _YUAN and is_traditional(text) and not is_simplified(text):
        return "TWD", "HKD"
    return shares_sign(sign)
