"""Formats numbers for people; pure."""

from __future__ import annotations

from decimal import Decimal


def plain_number(value: float) -> str:
    """A finite number with all its digits, without an exponent or trailing zeros: 28888.88, 4, 0.05."""
    return format(Decimal(repr(value)).normalize(), "f")
