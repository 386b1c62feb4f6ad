"""What the text of a code means: its GTIN with a proven check digit, and its GS1 element strings.

Part of the evidence stage; pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from biip import EncodeError, ParseError
from biip.checksums import gs1_standard_check_digit as numeric_check_digit
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementStrings
from biip.gs1_messages import GS1Message

from pixel_agent.core.text import printable

LENGTHS = (8, 12, 13, 14)
NAMED_PRODUCT = re.compile(r"/(?:01|gtin)/(?:[0-9]{8}|[0-9]{12,14})(?:[/?#]|$)")
"""The part of a GS1 Digital Link that names a product; biip pads a shorter number, and any page may end in /01/123."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """`text` for people (GS1 data with its application identifiers in brackets), `gtin` and `gs1` as in `core.Code`."""

    text: str
    gtin: str | None = None
    gs1: Mapping[str, str] = field(default_factory=dict)


def gtin_of(digits: str) -> str | None:
    """The GTIN of 8, 12, 13 or 14 printed digits: 12 get a leading zero, 14 lose their padding (one product has one
    number, whichever code carries it). None for another length or a wrong check digit.
    """
    if len(digits) not in LENGTHS or not (digits.isascii() and digits.isdecimal()):
        return None
    if numeric_check_digit(digits[:-1]) != int(digits[-1]):
        return None
    if len(digits) == 14 and digits.startswith("0"):
        return digits[6:] if digits.startswith("000000") else digits[1:]
    return digits.zfill(13) if len(digits) == 12 else digits


def of_gs1(data: str) -> Meaning:
    """The meaning of GS1 element strings, with the separator (ASCII 29) where one is needed.

    Data that breaks the GS1 rules keeps its text and means nothing.
    """
    try:
        message = GS1Message.parse(data)
        meaning = _meaning(message.as_hri(), message.element_strings)
    except (ParseError, EncodeError):
        meaning = None
    if meaning is None or ("01" in meaning.gs1 and meaning.gtin is None):
        return Meaning(printable(data))
    return meaning


def of_text(text: str) -> Meaning:
    """The meaning of free text: that of a GS1 Digital Link which names a product, else none."""
    if text.lower().startswith(("http://", "https://")) and NAMED_PRODUCT.search(text):
        try:
            meaning = _meaning(text, GS1DigitalLinkURI.parse(text).element_strings)
        except (ParseError, EncodeError, ValueError):
            return Meaning(text)
        if meaning.gtin is not None:
            return meaning
    return Meaning(text)


def _meaning(text: str, elements: GS1ElementStrings) -> Meaning:
    by_ai = groupby(elements, key=lambda element: element.ai.ai)
    gs1 = {ai: next(same).value for ai, same in by_ai}
    return Meaning(text, gtin_of(gs1["01"]) if "01" in gs1 else None, gs1)
