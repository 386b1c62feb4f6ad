"""Formats values as table cells, safe against formula injection in spreadsheets. Used by the exports and the CLI."""

from __future__ import annotations

import json
import re
import unicodedata

from pydantic import JsonValue

from pixel_agent.core.numbers import plain_number
from pixel_agent.core.text import printable

EVIDENCE = ("bbox", "source", "confidence", "verified_by", "review")
"""Fields that every row of a reading has in addition to its own."""

FORMULA_STARTS = ("=", "+", "-", "@")
"""Characters that start a formula in spreadsheets (OWASP, CSV injection); tab and carriage return become spaces."""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""JSON in one line; `json.dumps` would make an encoder for each value."""

_NEGATIVE = re.compile(r"-\d+(\.\d+)?")
_BLANK = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def cell(value: JsonValue) -> str:
    """A cell of a CSV file: numbers unchanged, text in one line, escaped if a spreadsheet would run it as a formula."""
    shown = plain(value)
    return f"'{shown}" if isinstance(value, str) and is_formula(shown) else shown


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could run the text as a formula: also after spaces and in full width. `-5.9` is not one."""
    if not text or text[0].isalnum():
        return False
    start = next((sign for sign in text if unicodedata.category(sign) not in _BLANK), "")
    return unicodedata.normalize("NFKC", start).startswith(FORMULA_STARTS) and not _NEGATIVE.fullmatch(text)


def plain(value: JsonValue) -> str:
    """A value in one line: empty for null, `yes` and `no`, every digit of a number, JSON for lists and objects."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return plain_number(value)
        case list() | dict():
            return printable(to_json(value))
        case _:
            return printable(str(value))
