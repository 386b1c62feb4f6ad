"""Finds the words around dates on labels (kinds of dates, month names), and the numbers on labels that are no dates.

The words are data: `locale/date_words.py`, one table per language. They are found with any spaces, points and hyphens
between their letters. Used by `date_shapes.py` and `dates.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, Final, Literal, TypeAlias, get_args

from pixel_agent.tasks.rules.locale.date_words import DATE_WORDS, SINGLE_LETTERS

DateKind: TypeAlias = Literal[
    "production", "packed", "received", "opened", "expiry", "best_before", "use_by", "sell_by", "lot"
]
"""Kind of a date, stated by the keyword beside it."""

KINDS: Final[tuple[DateKind, ...]] = get_args(DateKind)
_ENGLISH: Final = ("en", "en-us")
_SKIPPED: Final = frozenset(" \t.-'·")
"""Characters that a label can print or omit between the letters of a word."""
_MOST_SIGNS: Final = 80
"""Maximum number of characters of a word."""
_READ_AS: Final = {"0": "O", "1": "IL", "5": "S", "8": "B", "|": "I"}
"""Misread character → the letters it can stand for inside a word."""

NOT_DATES = re.compile(
    r"(?:\b|(?<=\W))(?:(?:GB|QB|SB|NY|LS|SN|YC|YY|WS|HJ|JB|DB[S\d]*|JIS|ISO|EN|SC|CNS)\s*(?:/\s*[A-Z]+)?|[QT]\s*/\s*[0-9A-Z]*)\s*\d[\d.]*"
    r"\s*[A-Z]?\s*[-]\s*\d{4}(?!\d)"  # standards: GB 7718-2011, Q/XX 0001S-2024
    r"|SC\s?[\dOIL]{10,14}|(?:准\s*字|健\s*[字注]|备\s*案?|许\s*可\s*证?|[字证]\s*第|注\s*册\s*证|编\s*[号码]|编\s*號|信\s*用\s*代\s*码|货\s*号|款\s*号|条\s*形?\s*码|条\s*码)"
    r"\s*(?:[编号码]\s*)*[:.]?\s*[A-Z]*\s*[(\[]?[\dA-Z][\d\-A-Z ]*\d"
    r"|第\s*\d[\d\-]*\s*号"
    r"|(?<![\d])(?:\+?\s?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"
    r"|(?<![\d.])\(?0\d{2,3}\)?[-\s]*\d{3,4}[-\s]?\d{4}(?!\d)|(?<!\d)[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)"
    r"|(?:电\s*话|热\s*线|手\s*机|传\s*真|服\s*务\s*号|QQ|微\s*信|(?<![A-Z])(?:TEL|FAX|PHONE|MOBILE|PLU|SKU|EAN|UPC|GTIN|BARCODE))"
    r"\s*(?:NO)?[:.]?\s*\+?[\d(][\d\-() ]*"
    r"|[¥$€£]\s*\d[\d.,]*|(?<![\d.])\d[\d,]*(?:\.\d+)?\s*[元円圆]"
    r"|(?<!\d)\d\s\d{6}\s\d{6}(?!\d)|(?<!\d)\d{4}\s\d{4}\s\d{4,5}(?!\d)"
)
"""Numbers that are no dates: standards, licences, telephones, prices, article numbers."""


@dataclass(frozen=True, slots=True)
class Word:
    """A date keyword in a normalised text: its kind, its position, and the languages that use it."""

    kind: DateKind
    start: int
    end: int
    languages: frozenset[str]


@lru_cache(maxsize=512)
def find_words(plain: str) -> tuple[Word, ...]:
    """Every word for a kind of date in a normalised text, left to right; of several at one place, the longest."""
    places = [place for place, sign in enumerate(plain) if sign not in _SKIPPED]
    singles = {match.start(): match for match in _SINGLE.finditer(plain)}
    words: list[Word] = []
    at = 0
    while at < len(places):
        start = places[at]
        begins = plain[start] in _TREE and (start == 0 or not _joins(plain, start))
        found = _longest(plain, places, at) if begins else None
        if found is not None:
            words.append(found[0])
            at += found[1]
            continue
        single = singles.get(start)
        if single is not None:
            words.append(Word(single.lastgroup, start, start + 1, frozenset(_ENGLISH)))  # type: ignore[arg-type]
        at += 1
    return tuple(words)


def languages_of(plain: str) -> frozenset[str]:
    """The languages that the words of a text indicate; English words are on labels everywhere and indicate none."""
    spoken: frozenset[str] = frozenset()
    for word in sorted(find_words(plain), key=lambda word: len(word.languages)):
        if word.languages.isdisjoint(_ENGLISH):
            spoken = (spoken & word.languages) or spoken or word.languages
    return spoken


def american(plain: str) -> bool:
    """Whether a text contains words that are common in the United States and rare elsewhere."""
    return any("en-us" in word.languages for word in find_words(plain))


def month_numbers(name: str) -> dict[int, frozenset[str]]:
    """The possible months of a name matched by `MONTH_NAME`, each with the languages that use the name for it."""
    letters = re.sub(r"[\s.]", "", name)
    return _MONTHS.get(name) or _MONTHS.get(letters) or _MISREAD_MONTHS[_canonical(letters)]


def is_month(name: str) -> bool:
    """Whether letters are the exact name of a month, without misread characters."""
    return name in _MONTHS


def _longest(plain: str, places: list[int], at: int) -> tuple[Word, int] | None:
    """The longest word that starts at an offset, and its length in characters."""
    node, best, depth = _TREE, None, 0
    for depth, place in enumerate(places[at : at + _MOST_SIGNS], 1):
        sign = plain[place]
        onward = node.get(sign) or (
            next((node[letter] for letter in _READ_AS.get(sign, "") if letter in node), None) if depth > 1 else None
        )
        if onward is None:
            break
        node = onward
        if _END in node and sign not in _READ_AS and _ends(plain, place):
            kind, languages = node[_END]
            best = Word(kind, places[at], place + 1, languages), depth
    return best


def _joins(plain: str, place: int) -> bool:
    """Whether the character at an offset continues the word of the character before it."""
    return _bordered(plain[place]) and _bordered(plain[place - 1])


def _ends(plain: str, place: int) -> bool:
    """Whether a word can end at an offset: no letter follows, or a date begins there."""
    rest = plain[place + 1 : place + 24]
    return (
        not rest or not _joins(plain, place + 1) or rest.startswith("DATE") or _MONTH_AND_FIGURE.match(rest) is not None
    )


def _bordered(sign: str) -> bool:
    """Whether a character belongs to a script with spaces between words."""
    return sign.isalpha() and (ord(sign) < 0x530 or 0x1E00 <= ord(sign) < 0x2000)


def _forms(word: str) -> Iterator[str]:
    """Every spelling of a word of a table: `x?` is optional, `[xy]` is one of several characters."""
    parts = [
        (*(match[1] or match[2]), "") if match[3] else tuple(match[1] or match[2])
        for match in re.finditer(r"(?:\[([^\]]+)\]|(.))(\?)?", word)
    ]
    return ("".join(form) for form in product(*parts))


def _tree() -> dict[str, Any]:
    """All words as a trie of nested dictionaries, one character per level; `_END` maps to kind and languages."""
    spoken: dict[str, dict[DateKind, set[str]]] = {}
    for language, table in DATE_WORDS.items():
        for kind in KINDS:
            for form in (form for word in getattr(table, kind) for form in _forms(word)):
                letters = "".join(sign for sign in normalise(form)[0] if sign not in _SKIPPED)
                spoken.setdefault(letters, {}).setdefault(kind, set()).add(language)
    tree: dict[str, Any] = {}
    for letters, kinds in spoken.items():
        node = tree
        for sign in letters:
            node = node.setdefault(sign, {})
        kind = max(kinds, key=lambda kind: len(kinds[kind]))
        node[_END] = (kind, frozenset(kinds[kind]))
    return tree


def _canonical(name: str) -> str:
    return name.translate(str.maketrans("01L|58U6", "OIIISBVG"))


def _month_table() -> dict[str, dict[int, frozenset[str]]]:
    found: dict[str, dict[int, set[str]]] = {}
    for language, table in DATE_WORDS.items():
        for number, names in enumerate(table.months, 1):
            for name in names.split():
                key = normalise(name)[0]
                found.setdefault(key, {}).setdefault(number, set()).add(language)
    return {name: {number: frozenset(some) for number, some in months.items()} for name, months in found.items()}


def _misread(months: dict[str, dict[int, frozenset[str]]]) -> dict[str, dict[int, frozenset[str]]]:
    """The table with keys as OCR can misread them; of two names that look the same, the one of more languages."""
    rarest_first = sorted(months, key=lambda name: len(frozenset().union(*months[name].values())))
    return {_canonical(name.replace(".", "")): months[name] for name in rarest_first}


def _any_of(names: Iterable[str]) -> str:
    """A pattern of any of the names, with shared prefixes merged, tolerant of OCR confusions."""
    tree: dict[str, Any] = {}
    for name in names:
        node = tree
        for sign in name:
            node = node.setdefault(sign, {})
        node[_END] = True
    return _LETTERS_FIRST + _branches(tree)


def _branches(node: dict[str, Any]) -> str:
    confused = {
        "O": "[O0]",
        "I": "[I1L|]",
        "L": "[L1I]",
        "S": "[S5]",
        "B": "[B8]",
        "G": "[G6]",
        "V": "[VU]",
        "U": "[UV]",
        ".": r"\.?\s?",
    }
    ways = [confused.get(sign, re.escape(sign)) + _branches(onward) for sign, onward in node.items() if sign != _END]
    if not ways:
        return ""
    body = ways[0] if len(ways) == 1 and _END not in node else "(?:" + "|".join(ways) + ")"
    return body + "?" if _END in node else body


_DASHES = str.maketrans({"–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "﹣": "-", "·": ".", "•": ".", "・": "."})
_POINTS = str.maketrans({"。": ".", "、": "/", "\\": "/", "٫": ".", "’": "'", "‘": "'", "￥": "¥"})
_STROKES = str.maketrans({"Ø": "O", "Ł": "L", "Đ": "D", "Ð": "D", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ħ": "H"})


@lru_cache(maxsize=512)
def normalise(text: str) -> tuple[str, list[int]]:
    """Convert full width to half width and to upper case, remove accents, and unify dashes.

    The second value gives, for each character of the first, its offset in `text`, and one more for the end.
    """
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        plain = sign.upper() if sign.isascii() else _plain(sign)
        signs.extend(plain)
        places.extend([place] * len(plain))
    return "".join(signs).translate(_POINTS), [*places, len(text)]


def _plain(sign: str) -> str:
    plain = unicodedata.normalize("NFKC", sign).upper()
    if ord(sign) < 0x530 or 0x1E00 <= ord(sign) < 0x2000:
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return plain.translate(_STROKES).translate(_DASHES)


def any_word(words: Iterable[str]) -> str:
    """A pattern of any of the words in normalised text, not inside another word, with any number of spaces."""
    forms = sorted({normalise(word)[0] for word in words}, key=lambda form: (-len(form), form))
    return "(?:" + "|".join(_alone(form) for form in forms) + ")"


def _alone(form: str) -> str:
    body = r"\s*".join(re.escape(part) for part in form.split())
    return rf"(?<![^\W\d_]){body}(?![^\W\d_])" if _bordered(form[0]) else body


_END: Final = ""
_LETTERS_FIRST: Final = r"(?=[^\x00-\x7f]|[0-9|]?[A-Z]{2}|[A-Z][0-9|][A-Z])"
"""At least two of the first three characters of a name must be letters: `115` is no `LIS`."""
_MONTHS: Final = _month_table()
_MISREAD_MONTHS: Final = _misread(_MONTHS)
MONTH_NAME: Final = _any_of(_MONTHS)
"""Pattern of a month name of any language in a normalised text."""
SURE_MONTH: Final = _any_of(
    name for name, months in _MONTHS.items() if len(name) > 3 or len(set().union(*months.values())) > 1
)
"""The same without short names of a single language, which are ambiguous without a word for a date."""
_MONTH_AND_FIGURE: Final = re.compile(rf"{MONTH_NAME}[\s.\-/,]*[0-9]")
_TREE: Final = _tree()
_SINGLE: Final = re.compile(
    r"(?<![A-Z0-9./])(?:"
    + "|".join(f"(?P<{kind}>[{letters}])" for kind, letters in SINGLE_LETTERS.items())
    + r")(?=\s?[:.]?\s?[0-9]{6}|\s?:\s?[0-9]|\s[0-9]{1,2}[./\s][0-9]{1,2}[./\s][0-9])"
)
