"""Corrects prices with an invisible decimal point and marks them as doubtful, so that none is a hundred times too high.

OCR reads raised or low decimals as digits of the line (`36⁹⁰` as 3690), or loses one (`36.9`). Used by `tags.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from pixel_agent.core import Notice, Row
from pixel_agent.tasks.rules.money import RAISED, currency_decimals
from pixel_agent.tasks.rules.offers import Offer, Prices
from pixel_agent.tasks.rules.page import Page

DOUBTFUL: Final = 0.3
"""Confidence of a price with a guessed decimal point; it needs a review."""
_LONG: Final = 1000
_SHORT: Final = 100


def doubt_points(prices: Prices, currency: str | None) -> tuple[Prices, bool]:
    """The prices with doubtful decimal points corrected, and whether any was doubtful.

    Applies only to numbers without sign, label or unit: of four or more digits the last two are taken as decimals;
    three digits are ambiguous and left out; a single decimal can lack its second. Prices in currencies without
    decimals, and on Chinese tags, are usually whole and stay unchanged.
    """
    if currency in ("CNY", "TWD", "HKD") or (currency is not None and currency_decimals(currency) == 0):
        return prices, False
    doubted = [offer for offer in prices.offers if _is_doubtful(offer)]
    if not doubted:
        return prices, False
    amounts = {offer.amount: _pointed(offer.amount) for offer in doubted}

    def mended(amount: Decimal | None) -> Decimal | None:
        return amounts.get(amount, amount) if amount is not None else None

    mended_prices = replace(
        prices, regular=mended(prices.regular), sale=mended(prices.sale), member=mended(prices.member)
    )
    return mended_prices, True


def doubt_notices(rows: Sequence[Row], page: Page) -> tuple[Notice, ...]:
    """Warnings for prices that were detected and not understood, or are doubtful, with their places."""
    lost = [row for row in rows if all(row.fields.get(name) is None for name in _PRICES)]
    unsure = [row for row in rows if row not in lost and row.confidence is not None and row.confidence <= DOUBTFUL]
    notices = []
    if lost:
        zh, en = f"{len(lost)} 个价签的价格看不懂，请人工查看：", f"Prices not understood, please look: {len(lost)}, at"
        notices.append(Notice("not_understood", f"{zh if page.lang == 'zh' else en} {_places(lost)}"))
    if unsure:
        zh, en = f"{len(unsure)} 个价格的小数点看不清：", f"Prices whose point cannot be seen: {len(unsure)}, at"
        notices.append(Notice("price_doubtful", f"{zh if page.lang == 'zh' else en} {_places(unsure)}"))
    return tuple(notices)


_PRICES: Final = ("sale_price", "regular_price", "member_price")


def _places(rows: Sequence[Row]) -> str:
    boxes = [row.bbox for row in rows if row.bbox is not None][:5]
    return ", ".join("[" + " ".join(str(round(side)) for side in box) + "]" for box in boxes) + "."


def _is_doubtful(offer: Offer) -> bool:
    if offer.sign or offer.labelled or offer.unit or offer.kind or any(sign in offer.pieces[0].text for sign in RAISED):
        return False
    text = offer.pieces[0].text
    if any(dash in text for dash in "-–—") or len(offer.pieces) > 1 or len(offer.pieces[0].lines) > 1:
        return False
    whole = offer.amount == offer.amount.to_integral_value()
    one_decimal = -int(offer.amount.as_tuple().exponent) == 1
    return one_decimal or (whole and "." not in text and "," not in text)


def _pointed(amount: Decimal) -> Decimal | None:
    if amount != amount.to_integral_value() or amount < _SHORT:
        return amount
    return amount / 100 if amount >= _LONG else None
