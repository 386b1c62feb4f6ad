"""Interprets the text of a code: its GTIN with a valid check digit, and its GS1 element strings.

Part of the barcodes stage; pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from biip import ParseError
from biip.gs1_prefixes import GS1Prefix

from pixel_agent.core.gtin import normal_gtin as gtin_of
from pixel_agent.core.text import printable
from pixel_agent.photo.barcodes.digital_link import read_digital_link
from pixel_agent.photo.barcodes.element_strings import Elements, read_bracketed, read_elements

__all__ = ["Meaning", "gtin_of", "of_digits", "of_gs1", "of_text"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """Human-readable `text` (GS1 data with application identifiers in brackets); `gtin` and `gs1` as in `core.Code`."""

    text: str
    gtin: str | None = None
    gs1: Mapping[str, str] = field(default_factory=dict)


def of_gs1(data: str) -> Meaning:
    """The meaning of GS1 element strings, with the separator (ASCII 29) where one is needed.

    If an element breaks the GS1 rules, it is left out and the text stays unchanged; valid elements are still returned.
    """
    elements = read_bracketed(data) or read_elements(data)
    return _meaning(elements.text if elements.complete else printable(data), elements)


def of_text(text: str) -> Meaning:
    """The meaning of free text: a GS1 Digital Link, element strings in brackets, or element strings that begin with a
    plain article identifier; otherwise no GTIN and no elements.
    """
    link = read_digital_link(text)
    if link:
        return Meaning(text, gtin_of(link["01"]), link)
    bracketed = read_bracketed(text)
    if bracketed is not None and bracketed.values:
        return _meaning(text, bracketed)
    if text.startswith("01") or (text.startswith("]") and text[3:5] == "01"):
        plain = read_elements(text)
        if plain.complete and "01" in plain.values and len(text) > 16:
            return _meaning(plain.text, plain)
    return Meaning(text)


def of_digits(text: str) -> Meaning:
    """The meaning of a matrix code's text that can be a bare article number: 13 digits, or 14 with a leading zero, with
    a valid check digit and a prefix that GS1 has assigned (times and telephone numbers have none).
    """
    digits = text.strip()
    gtin = gtin_of(digits) if len(digits) in (13, 14) else None
    if gtin is None or len(gtin) != 13:
        return of_text(text)
    try:
        known = GS1Prefix.extract(gtin) is not None
    except ParseError:
        known = False
    return Meaning(text, gtin) if known else Meaning(text)


def _meaning(text: str, elements: Elements) -> Meaning:
    values = elements.values
    return Meaning(text, gtin_of(values["01"]) if "01" in values else None, values)
