"""GTINs: which are valid, and which numbers look like one but are valid only within a shop or a region. Pure."""

from __future__ import annotations

LENGTHS = (8, 12, 13, 14)
RESTRICTED_13 = ("02", *(str(prefix) for prefix in range(20, 30)))
"""Prefixes of 13 digits (GS1 General Specifications 1.4.2): 02 and 20-29, within a region or a shop."""
RESTRICTED_8 = ("0", "2")


def check_digit_holds(digits: str) -> bool:
    """Whether the last of the digits is the GS1 check digit of the others (modulo 10, weights 3 and 1)."""
    if len(digits) < 2 or not (digits.isascii() and digits.isdecimal()):
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits))) % 10 == 0


def is_restricted(digits: str) -> bool:
    """Whether 8, 12, 13 or 14 digits are a restricted circulation number: an in-store number, no article's GTIN."""
    if len(digits) == 8 or (len(digits) == 14 and digits.startswith("000000")):
        return digits[-8:].startswith(RESTRICTED_8)
    return len(digits) in LENGTHS and digits.zfill(14)[1:].startswith(RESTRICTED_13)


def normal_gtin(digits: str) -> str | None:
    """The GTIN of 8, 12, 13 or 14 printed digits: 12 get a leading zero, 14 lose their padding (one article has one
    number, whichever code carries it). None for another length, a wrong check digit or a restricted number.
    """
    if len(digits) not in LENGTHS or not check_digit_holds(digits) or is_restricted(digits):
        return None
    if len(digits) == 14 and digits.startswith("0"):
        return digits[6:] if digits.startswith("000000") else digits[1:]
    return digits.zfill(13) if len(digits) == 12 else digits
