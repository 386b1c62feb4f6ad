"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal


def plain_number(value: float) -> str:
    """A finite number with every digit it has, without an exponent and without a needless point: 28888.88, 4, 0.05."""
    return format(Decimal(repr(value)).normalize(), "f")
