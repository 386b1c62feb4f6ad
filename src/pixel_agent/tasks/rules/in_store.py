"""Splits in-store numbers (02, 20-29): a shop's own item, and a price or a weight, in one EAN. They are no GTINs.

Each country has its own rule for the digits (GS1 General Specifications 2.1.11). Without a country the split into five
and five digits, common to most countries, is used, and the measure is left open.
"""

from __future__ import annotations

from biip import EncodeError, ParseConfig, ParseError
from biip.checksums import gs1_price_weight_check_digit
from biip.gtin import Gtin
from biip.rcn import Rcn, RcnRegion
from pydantic import JsonValue

from pixel_agent.core.gtin import check_digit_holds, is_restricted

COUNTRIES = tuple(sorted(region.value.upper() for region in RcnRegion))
"""Countries with known rules (ISO 3166 codes)."""
UPC = "02"
"""Prefix of a UPC with a price: five digits for the item, a check digit of the price, four digits for the price."""


def split_in_store(digits: str, country: str | None = None) -> dict[str, JsonValue] | None:
    """`item` and `value` as printed, `measure` (`price`, `weight`, `count` or `price_or_weight`), and the amount if the
    measure is known: `price`, `weight_kg` or `count`. None unless `digits` is an in-store number of 12 or 13 digits.
    """
    if len(digits) not in (12, 13) or not check_digit_holds(digits) or not is_restricted(digits):
        return None
    padded = digits.zfill(13)
    by_rule = _by_country(padded, country) if country else None
    if by_rule is not None:
        return by_rule
    if padded.startswith(UPC) and _price_check_holds(padded[8:12], padded[7]):
        value = padded[8:12]
        return {"item": padded[2:7], "value": value, "measure": "price", "price": int(value) / 100}
    return {"item": padded[2:7], "value": padded[7:12], "measure": "price_or_weight"}


def _by_country(digits: str, country: str) -> dict[str, JsonValue] | None:
    if country.upper() not in COUNTRIES:
        return None
    try:
        number = Gtin.parse(
            digits, config=ParseConfig(rcn_region=RcnRegion(country.lower()), rcn_verify_variable_measure=False)
        )
    except (ParseError, EncodeError):
        return None
    if not isinstance(number, Rcn) or not number.item_reference:
        return None
    item = number.item_reference
    split: dict[str, JsonValue] = {"item": item, "value": digits[2 + len(item) : 12]}
    if number.price is not None:
        return {**split, "measure": "price", "price": float(number.price)}
    if number.weight is not None:
        return {**split, "measure": "weight", "weight_kg": float(number.weight)}
    if number.count is not None:
        return {**split, "measure": "count", "count": number.count}
    return None


def _price_check_holds(value: str, check: str) -> bool:
    try:
        return str(gs1_price_weight_check_digit(value)) == check
    except (ParseError, EncodeError, ValueError):
        return False
