"""Values as cells of a table, safe for the spreadsheets that open them. Used by the exports and by the command line."""

from __future__ import annotations

import json
import re
import unicodedata

from pydantic import JsonValue

from pixel_agent.core.numbers import plain_number
from pixel_agent.core.text import printable

EVIDENCE = ("bbox", "source", "confidence", "verified_by", "review")
"""What every row of a reading carries beside its own fields."""

FORMULA_STARTS = ("=", "+", "-", "@")
"""What spreadsheets take for the start of a formula (OWASP, CSV injection); tab and carriage return become spaces."""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""JSON in one line; `json.dumps` would make an encoder for each value."""

_NEGATIVE = re.compile(r"-\d+(\.\d+)?")
_BLANK = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})


def cell(value: JsonValue) -> str:
    """A cell of a CSV file: numbers as they are, text in one line, and guarded where a spreadsheet would run it."""
    shown = plain(value)
    return f"'{shown}" if isinstance(value, str) and is_formula(shown) else shown


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for a formula: also after blanks, and in full width. `-5.9` is none."""
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
