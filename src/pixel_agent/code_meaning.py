"""What the text of a code means: its GTIN with a proven check digit, and its GS1 element strings.

Part of the evidence stage; pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby

from biip import EncodeError, ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_element_strings import GS1ElementStrings
from biip.gs1_messages import GS1Message
from biip.gtin import Gtin, GtinFormat

GTIN_LENGTHS = {GtinFormat.GTIN_8: 8, GtinFormat.GTIN_12: 13, GtinFormat.GTIN_13: 13, GtinFormat.GTIN_14: 14}


@dataclass(frozen=True, slots=True)
class Meaning:
    """`text` for people (GS1 data with its application identifiers in brackets), `gtin` and `gs1` as in `core.Code`."""

    text: str
    gtin: str | None = None
    gs1: Mapping[str, str] = field(default_factory=dict)


def gtin_of(digits: str) -> str | None:
    """The GTIN in its own length: 8, 13 (UPC-A with a leading zero) or 14 digits; None if the check digit is wrong.

    Padding is taken off, so that one product has one number whichever code carries it.
    """
    try:
        parsed = Gtin.parse(digits)
    except ParseError:
        return None
    return parsed.as_gtin_14()[-GTIN_LENGTHS[parsed.format] :]


def of_gs1(data: str) -> Meaning:
    """The meaning of GS1 element strings, with the separator (ASCII 29) where one is needed.

    Data that breaks the GS1 rules keeps its text and means nothing.
    """
    try:
        message = GS1Message.parse(data)
        return _meaning(message.as_hri(), message.element_strings)
    except (ParseError, EncodeError):
        return Meaning("".join(character if character.isprintable() else " " for character in data))


def of_text(text: str) -> Meaning:
    """The meaning of free text: that of a GS1 Digital Link which names a product, else none."""
    if text.lower().startswith(("http://", "https://")):
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
