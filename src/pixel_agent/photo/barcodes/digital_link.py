"""Reads GS1 Digital Links: web addresses that name an article, with any path before it. Used by `gs1.py`; pure."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote, urlsplit

from pixel_agent.core.gtin import LENGTHS, check_digit_holds
from pixel_agent.photo.barcodes.element_strings import fits

KEYS = {"01": "01", "gtin": "01"}
QUALIFIERS = {"22": "22", "cpv": "22", "10": "10", "lot": "10", "21": "21", "ser": "21", "235": "235"}
ALIASES = QUALIFIERS | {"exp": "17", "expdt": "7003", "prod": "11"}


def read_digital_link(text: str) -> dict[str, str]:
    """Application identifiers of a Digital Link that names an article: `/01/…`, `/gtin/…`, with qualifiers and
    attributes. Empty for any other address, and if the article number fails its check digit.
    """
    try:
        address = urlsplit(text.strip())
        query = parse_qsl(address.query)
    except ValueError:
        return {}
    if address.scheme.lower() not in ("http", "https") or not address.netloc:
        return {}
    parts = [unquote(part) for part in address.path.split("/")]
    for place, part in enumerate(parts[:-1]):
        number = parts[place + 1]
        if part.lower() in KEYS and len(number) in LENGTHS and check_digit_holds(number):
            return {"01": number.zfill(14), **_qualifiers(parts[place + 2 :]), **_attributes(query)}
    return {}


def _qualifiers(parts: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in zip(parts[::2], parts[1::2], strict=False):
        ai = QUALIFIERS.get(name.lower())
        if ai is None or not fits(ai, value):
            break
        found[ai] = value
    return found


def _attributes(query: list[tuple[str, str]]) -> dict[str, str]:
    named = ((ALIASES.get(name.lower(), name), value) for name, value in query)
    return {ai: value for ai, value in named if ai not in KEYS and ai.isdecimal() and fits(ai, value)}
