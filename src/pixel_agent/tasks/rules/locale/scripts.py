"""The table of scripts: detects the scripts of a text, and lists those that the shipped text models can read."""

from __future__ import annotations

import re
from typing import Final

SCRIPTS: Final[dict[str, str]] = {
    "Han": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff",
    "Kana": "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "Latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff",
    "Greek": "\u0370-\u03ff\u1f00-\u1fff",
    "Cyrillic": "\u0400-\u052f",
    "Hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "Thai": "\u0e00-\u0e7f",
    "Arabic": "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff",
    "Hebrew": "\u0590-\u05ff\ufb1d-\ufb4f",
    "Devanagari": "\u0900-\u097f",
    "Bengali": "\u0980-\u09ff",
    "Tamil": "\u0b80-\u0bff",
    "Telugu": "\u0c00-\u0c7f",
    "Georgian": "\u10a0-\u10ff",
    "Armenian": "\u0530-\u058f",
    "Khmer": "\u1780-\u17ff",
    "Lao": "\u0e80-\u0eff",
    "Burmese": "\u1000-\u109f",
}
"""Name of a script → its characters, as the inside of a character class."""

READABLE: Final = ("Han", "Kana", "Latin", "Greek")
"""Scripts that the shipped text models (PP-OCRv6 small) can read; others are read as nothing or as look-alikes."""

_PATTERNS: Final = {name: re.compile(f"[{signs}]") for name, signs in SCRIPTS.items()}
_TRADITIONAL: Final = re.compile(r"[價單規條麵裝質級飲實銷號與豬雞魚醬糧買賣張額個們這會無當點鹽鮮優產國]")
_SIMPLIFIED: Final = re.compile(r"[价单规条面装质级饮实销号与猪鸡鱼酱粮买卖张额个们这会无当点盐鲜优产国员称净]")


def count_script(text: str, script: str) -> int:
    """The number of characters of a script in a text."""
    return len(_PATTERNS[script].findall(text))


def has_script(text: str, script: str) -> bool:
    """Whether a text contains a character of a script."""
    return _PATTERNS[script].search(text) is not None


def is_traditional(text: str) -> bool:
    """Whether a text contains Han characters used only in traditional Chinese (or Japanese)."""
    return _TRADITIONAL.search(text) is not None


def is_simplified(text: str) -> bool:
    """Whether a text contains Han characters used in simplified Chinese and not in traditional Chinese."""
    return _SIMPLIFIED.search(text) is not None
