"""Builds regular expressions from the tables of plain words, for the price rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LONG = 4
"""Minimum length of words also matched without accents (`minimalni`): shorter ones would become other words."""
_ALONE = str.maketrans({"ø": "o", "æ": "a", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "þ": "t", "œ": "o"})


def without_marks(text: str) -> str:
    """The text without accents and strokes on its letters; the length never changes, so spans stay valid."""
    if text.isascii():
        return text
    return "".join(_plain(sign) for sign in text)


def word_pattern(words: Iterable[str]) -> str:
    """A pattern (for IGNORECASE) of any of the words, the longest first; no word matches inside another.

    A space in a word matches any number of spaces, or none, because OCR loses them. Characters of scripts without
    spaces between words need no word boundary.
    """
    every = {word for given in words for word in (given, without_marks(given) if len(given) >= _LONG else given)}
    return "(?:" + "|".join(_bordered(word) for word in sorted(every, key=lambda word: (-len(word), word))) + ")"


def _bordered(word: str) -> str:
    body = r"\s*".join(re.escape(part) for part in word.split())
    before = r"(?<![^\W\d_])" if _needs_border(word[0]) else ""
    after = r"(?![^\W\d_])" if _needs_border(word[-1]) else ""
    return before + body + after


def _needs_border(sign: str) -> bool:
    return sign.isalpha() and ord(sign) < 0x2E80 and not 0x0E00 <= ord(sign) < 0x0F00


def _plain(sign: str) -> str:
    upper = sign.isupper()
    base = unicodedata.normalize("NFD", sign)[0] if ord(sign) < 0x0400 or 0x1E00 <= ord(sign) < 0x2000 else sign
    base = base.lower().translate(_ALONE)
    return base.upper() if upper and len(base.upper()) == 1 else base if not sign.isupper() else sign
