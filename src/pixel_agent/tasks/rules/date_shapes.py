"""Finds text in the shape of a date, and its kind (expiry, production, ...) by the words around it.

First step of `dates.py`, which checks each shape against the calendar. Digits are ASCII; month names come from the
language tables.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pixel_agent.tasks.rules.date_words import (
    MONTH_NAME,
    NOT_DATES,
    SURE_MONTH,
    DateKind,
    Word,
    find_words,
    is_month,
    normalise,
)
from pixel_agent.tasks.rules.locale.date_words import BILINGUAL_MONTHS, DATE_WORDS, ERAS

GS1_KINDS: Final[dict[str, DateKind]] = {
    "11": "production",
    "13": "packed",
    "15": "best_before",
    "16": "sell_by",
    "17": "expiry",
}
"""GS1 application identifier → kind of its date (General Specifications 3.4)."""
CLOSING: Final[frozenset[DateKind]] = frozenset({"expiry", "best_before", "use_by", "sell_by"})
OPENING: Final[frozenset[DateKind]] = frozenset({"production", "packed", "received", "opened"})
_GAP_SIGNS: Final = 60
"""Maximum number of characters between a word and its date."""
_STRANGE_SIGNS: Final = 10
"""Maximum length of one unknown word between them: mostly the day of the week."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A match in the normalised text. `weak`: it needs a keyword beside it; `yearless`: its year must be inferred."""

    match: re.Match[str]
    weak: bool
    yearless: bool
    kind: DateKind | None
    start: int
    end: int


def shapes_of(text: str) -> Iterator[Shape]:
    """All text in the shape of a date, left to right; `start` and `end` are offsets in the original text.

    An impossible shape still occupies its place: `2026-02-30` must not be read as February 2026.
    """
    plain, places = normalise(text)
    plain = NOT_DATES.sub(lambda match: "\0" * len(match[0]), plain)
    words = find_words(plain)
    found = _matches(plain, words)
    for (match, weak, yearless), kind in zip(found, _kinds(plain, [one[0] for one in found], words), strict=True):
        identifier = match.groupdict().get("ai")
        kind = GS1_KINDS[identifier] if identifier else kind
        yield Shape(match, weak, yearless, kind, places[match.start()], places[match.end() - 1] + 1)


def printed_order(plain: str) -> str | None:
    """The date order printed on a label (`DD/MM/YY`, `TT.MM.JJ`, `年/月/日`) as `dmy`, `mdy` or `ymd`, or None."""
    return next((order for match in _ORDER.finditer(plain) if (order := _order_of(match))), None)


_D = r"[0-9OIL|]"  # OCR reads 0 and 1 as O, I, l and |
_Y = rf"(?P<y>[12IL]{_D}{{3}})"
_M = rf"(?P<m>{_D}{{1,2}})"
_DAY = rf"(?P<d>{_D}{{1,2}})"
_SEP = r"(?:\s?[./\-,:_一ー]\s?|\s[./\-,]\s)"
# A hyphen before a date means a longer number, unless another date ends there.
_FROM = r"(?<!\d)(?<!\d\.)(?:(?<!\d[-/])|(?<=[./\-]\d\d[-/])|(?<=[./\-]\d[-/])|(?<=20\d{6}[-/])|(?<=[./\-]\d{4}[-/]))"
_TO = r"(?:(?!\d)|(?=\d{2}:\d{2}))"
_HAN = "[〇零O一二三四五六七八九十]"
_ERA = "(?P<era>" + "|".join(r"\s?".join(name) for name in sorted(ERAS, key=len, reverse=True) if len(name) > 1) + ")"
_LETTER_ERA = "(?<![A-Z])(?P<era>" + "|".join(name for name in ERAS if len(name) == 1) + ")"
_LINK = (
    r"(?:\b(?:"
    + "|".join(sorted({normalise(word)[0].strip("'") for table in DATE_WORDS.values() for word in table.links}, key=len, reverse=True))
    + r")\b[.']?\s*){0,2}"
)  # fmt: skip
_NTH = r"(?:ST|ND|RD|TH|\.|ER|E|O|A|:A)?"
_MON, _SURE = rf"(?P<mon>{MONTH_NAME})", rf"(?P<mon>{SURE_MONTH})"
_ROMAN = r"(?=[1L]?[IVX])(?P<roman>X[I1L]{1,2}|[I1L]X|V[I1L]{1,3}|[I1L]V|[I1L]{1,3}|V|X)"
_BETWEEN = r"[\s./\-,']*"

_STRONG = [
    r"\((?P<ai>11|13|15|16|17)\)\s?(?P<gs1>\d{6})(?!\d)",
    rf"(?:{_ERA}\s*)?(?<!\d)(?P<y>[12]\s{_D}\s{_D}\s{_D}|{_D}{{1,4}}|元)\s*[年년]\s*(?P<m>[01]\s\d|{_D}{{1,2}})\s*[月월]"
    rf"(?:\s*(?P<d>[0-3]\s\d(?=\s*[日号號일])|{_D}{{1,2}})(?:\s*[日号號일]|(?![\dA-KM-Z年月个個.%℃°])))?",
    rf"(?<!\d)(?P<han>(?P<y>{_HAN}{{4}}|20\d\d)年(?P<m>{_HAN}{{1,3}})月(?:(?P<d>{_HAN}{{1,3}})[日号號])?)",
    rf"{_ERA}\s?(?P<y>\d{{1,3}})\s?[./\-]\s?(?P<m>\d{{1,2}})\s?[./\-]\s?(?P<d>\d{{1,2}})(?!\d)",
    rf"{_LETTER_ERA}\s?(?P<y>\d{{1,2}})[./\-年](?P<m>\d{{1,2}})[./\-月](?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<y>[12]\s{_D}\s{_D}\s{_D})\s?[./\-]\s?(?P<m>[01]\s\d)\s?[./\-]\s?(?P<d>[0-3]\s\d)(?!\d)",
    rf"{_FROM}{_Y}{_SEP}{_M}{_SEP}{_DAY}{_TO}",
    rf"{_FROM}{_Y}\s?[./\-]\s?(?P<m>\d{{2}})(?P<d>\d{{2}}){_TO}",
    rf"{_FROM}(?P<y>2\d{{3}})(?P<m>[01]\d)\s?[./\-]\s?(?P<d>\d{{2}}){_TO}",
    rf"{_FROM}(?P<y>\d{{4}}){_BETWEEN}{_LINK}{_MON}{_BETWEEN}{_LINK}(?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<y>2\d{{3}})\.?\s*{_LINK}(?P<d>\d{{1,2}})\.?\s*{_MON}",
    rf"(?<!\d)(?P<d>[\dOIL]{{1,2}}){_NTH}[\s./\-]*{_LINK}{_MON}\.?{_BETWEEN}{_LINK}(?P<y>{_D}{{4}}|\d{{2}})(?!\d|:\d)",
    rf"{_MON}\.?[\s./\-]*(?P<d>\d{{1,2}}){_NTH}(?:[\s,./\-]+(?P<y>\d{{4}}|\d{{2}})|(?<=\d\d)(?P<y2>\d{{4}}))(?!\d|:\d)",
    rf"{_SURE}\.?{_BETWEEN}{_LINK}(?P<y>\d{{4}})(?!\d)",
    rf"{_FROM}(?P<y>2\d{{3}}){_BETWEEN}{_SURE}(?![A-Z])",
    r"(?<!\d)(?P<d>\d{1,2})\s*(?:THANG|THG)\s*(?P<m>\d{1,2})[\s,./\-]*(?:NAM\s*)?(?P<y>\d{4})(?!\d)",
    rf"{_FROM}(?P<a>{_D}{{1,2}})\s?(?P<sep>[./\-,])\s?(?P<b>{_D}{{1,2}})\s?[./\-,]\s?(?P<y>[12]{_D}{{3}}){_TO}",
    rf"{_FROM}(?P<d>\d{{1,2}})\s?(?P<sep>[./\-])\s?{_ROMAN}\s?(?P=sep)\s?(?P<y>\d{{4}})(?!\d)",
    rf"{_FROM}(?P<a>[\dO]{{1,2}})\s?(?P<sep>[./\-])\s?(?P<b>[\dO]{{1,2}})\s?(?P=sep)\s?(?P<c>\d{{2}})"
    rf"(?!\d|\s?[./\-]\d(?!\d?[./:]\d))",
    rf"{_FROM}(?P<y>(?:19|2[0O])[\dO]{{2}})(?P<m>[01OIL]{_D})(?P<d>[0-3OIL]{_D})(?:(?!\d)|(?=\d{{2}}:\d{{2}}))",
    rf"{_FROM}{_Y}\s?[./\-]\s?(?P<m>\d{{2}})(?!\d|[./\-]\d)",
    rf"{_FROM}(?P<m>\d{{2}})\s?[./\-]\s?(?P<y>2\d{{3}})(?!\d|[./\-]\d)",
]
_WEAK = [
    rf"(?P<y>20\d{{2}}|\d{{2}})[\s/.\-]?(?P<bilingual>{'|'.join(BILINGUAL_MONTHS)})[\s/.\-]?(?P<d>\d{{2}})(?!\d)",
    rf"{_FROM}(?P<d>\d{{1,2}})(?P<sep>\s?[./\-]\s?|\s){_ROMAN}(?P=sep)(?P<y>\d{{4}}|\d{{2}})(?!\d|:\d)",
    rf"(?<![A-Z]){_ROMAN}\s?[./\-\s]\s?(?P<y>20\d{{2}})(?!\d)",
    rf"{_FROM}(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:\d{{4}}|\d{{6}})(?!\d)",
    rf"{_FROM}(?P<y>2[05]\d{{2}})\s+(?P<m>\d{{1,2}})\s+(?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<y>2[05]\d{{2}})\s?(?P<m>\d{{2}})\s?(?P<d>\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{1,2}})\s+(?P<b>\d{{1,2}})\s+(?P<y>2[05]\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>)(?P<b>\d{{2}})(?P<y>2[05]\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>\s)(?P<b>\d{{2}})\s(?P<c>\d{{2}})(?!\d)",
    rf"{_FROM}(?P<y>20\d{{2}})(?P<sep>[\-/ ]?)(?P<nth>[0-3]\d{{2}})(?!\d)",
    rf"{_FROM}(?P<y>20(?:1[3-9]|[2-4]\d))(?P<m>0[1-9]|1[0-2])(?!\d)",
    rf"{_FROM}(?P<m>0[1-9]|1[0-2])(?P<y>20[2-4]\d)(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>)(?P<b>\d{{2}})(?P<c>\d{{2}})(?:(?!\d)|(?=\d{{2}}:\d{{2}}))",
    rf"{_FROM}(?P<y>\d{{2}})(?P<sep>[\-/ ]?)(?P<nth>[0-3]\d{{2}})(?!\d)",
    rf"{_FROM}(?P<roc>1\d{{2}})\s?[./\-年]\s?(?P<m>\d{{1,2}})\s?[./\-月]\s?(?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<roc>1[1-4]\d)(?P<m>0[1-9]|1[0-2])(?P<d>[0-3]\d)(?!\d)",
    rf"{_FROM}(?P<y>20\d{{2}})\s?[./\-\s]\s?(?P<m>\d{{1,2}})(?!\d|[./\-]\d)",
    rf"{_FROM}(?P<m>\d{{1,2}})\s?[./\-\s]\s?(?P<y>20\d{{2}})(?!\d|[./\-]\d)",
    rf"{_MON}\.?{_BETWEEN}{_LINK}(?P<y>\d{{4}})(?!\d)",
    rf"{_MON}\.?(?P<gap>{_BETWEEN})(?P<short>\d{{2}})(?!\d|:\d|[./\-]\d)",
    rf"{_FROM}(?P<a>\d{{1,2}})\s?(?P<sep>[/\-.])\s?(?P<b>\d{{2}})(?!\d|[./\-:%]\d|\s?[%月KG])",
]
_YEARLESS = [
    rf"(?<!\d)(?P<d>\d{{1,2}}){_NTH}[\s./\-]*{_LINK}{_MON}(?![A-Z])",
    rf"{_MON}\.?[\s./\-]*(?P<d>\d{{1,2}}){_NTH}(?![\dA-Z]|:\d)",
    rf"{_FROM}{_M}\s*[月월]\s*{_DAY}(?:\s*[日号號일]|(?![\dA-KM-Z年月个個.%℃°]))",
    r"(?<!\d)(?P<d>\d{1,2})\s*(?:THANG|THG)\s*(?P<m>\d{1,2})(?!\d)",
    rf"{_FROM}(?P<a>\d{{1,2}})\s?(?P<sep>[/\-.])\s?(?P<b>\d{{1,2}})(?!\d|[/\-:%]\d|\.\d|\s?[%月KG])",
]


@dataclass(frozen=True, slots=True)
class _Pattern:
    """The regular expression of a shape, and what a text must contain for a match (a key of `_NEEDS`)."""

    shape: re.Pattern[str]
    needs: str
    weak: bool
    yearless: bool


_NEEDS: Final = {
    "mon": re.compile(MONTH_NAME),
    "era": re.compile("[" + "".join({name[-1] for name in ERAS}) + "年년]"),
    "han": re.compile("年"),
    "roman": re.compile("[IVX]"),
    "": re.compile("[0-9]"),
}
"""Group of a pattern → a condition that most texts fail, which saves the search for the pattern itself."""


def _compiled(patterns: list[str], *, weak: bool, yearless: bool = False) -> list[_Pattern]:
    def needs(pattern: str) -> str:
        return next((group for group in _NEEDS if group and f"(?P<{group}>" in pattern), "")

    return [_Pattern(re.compile(_ascii(one)), needs(one), weak, yearless) for one in patterns]


def _ascii(pattern: str) -> str:
    """The pattern with ASCII digits only."""
    inside = re.sub(r"\[[^\]]*\]", lambda match: match[0].replace(r"\d", "0-9"), pattern)
    return inside.replace(r"\d", "[0-9]")


_PATTERNS: Final = (
    *_compiled(_STRONG, weak=False),
    *_compiled(_WEAK, weak=True),
    *_compiled(_YEARLESS, weak=True, yearless=True),
)


def _matches(text: str, words: tuple[Word, ...]) -> list[tuple[re.Match[str], bool, bool]]:
    """Matches without overlap, from left to right; of overlapping ones the more certain pattern wins."""
    taken = bytearray(len(text))
    found: list[tuple[re.Match[str], bool, bool]] = []
    word_ends = {word.end for word in words}
    present = {group for group, needed in _NEEDS.items() if needed.search(text)}
    for pattern in _PATTERNS:
        at = 0
        while pattern.needs in present and (match := pattern.shape.search(text, at)):
            at = match.end()
            before = text[match.start() - 1 : match.start()]
            if (re.match(r"[A-Z]", before) and match.start() not in word_ends) or _is_word(match, words):
                at = match.start() + 1
            elif not any(taken[match.start() : match.end()]):
                taken[match.start() : match.end()] = b"\1" * (match.end() - match.start())
                found.append((match, pattern.weak, pattern.yearless))
    return sorted(found, key=lambda one: one[0].start())


def _is_word(match: re.Match[str], words: tuple[Word, ...]) -> bool:
    """Whether an apparent misread month is a word for a date: `DLC` is no `DIC`."""
    name = match.groupdict().get("mon")
    if name is None or is_month(name):
        return False
    last = bisect_right(words, match.start("mon"), key=lambda word: word.start)
    return last > 0 and words[last - 1].end >= match.end("mon")


_LETTERS: Final = {tuple(normalise(table.letters)[0]) for table in DATE_WORDS.values()} | {("日", "月", "年")}
_ORDER: Final = re.compile(
    r"(?<![^\W\d_])([^\W\d_])\1{0,3}\s?[./\-]?\s?([^\W\d_])\2{0,3}\s?[./\-]?\s?([^\W\d_])\3{0,3}(?![^\W\d_])"
    r"|([年月日])\s?/?\s?([年月日])\s?/?\s?([年月日])"
)
_FILLERS: Final = {
    re.sub(r"[\s.'\-]", "", normalise(word)[0])
    for table in DATE_WORDS.values()
    for word in (*table.fillers, *table.links)
} | {"T", "O"}
_GAP_PART: Final = re.compile(
    r"[\s:.,;\-=()\[\]<>{}|#*'\"/_]+|"
    + "|".join(sorted((word for word in _FILLERS if ord(word[0]) > 0xE00), key=len, reverse=True))
    + r"|(?P<word>[A-Z\u0370-\u052f]+)"
)
_BETWEEN_WORDS: Final = re.compile(r"[\s/及和与與&,|+.]*")
_BETWEEN_DATES: Final = re.compile(r"[\s/,;|]*")
_RANGE: Final = re.compile(r"\s*(?:[-~至到]|TO|BIS)\s*")
_TIME: Final = re.compile(r"\s*\d{1,2}:\d{2}(?::\d{2})?")
_AFTER: Final = [
    (re.compile(r"\s?(?:日?之?以?前)?\s?[食饮飲使]?用?\s?最\s?佳"), "best_before"),
    (re.compile(r"\s?日?之?以?前\s?[食饮飲使]\s?用"), "use_by"),
    (re.compile(r"\s?(?:까지|まで|到期|失效|过期|EXP(?![A-Z])|E(?![A-Z\d]))"), "expiry"),
    (re.compile(r"\s?(?:生产|生產|製造|制造|제조|MFG(?![A-Z])|MFD(?![A-Z])|产(?!品))"), "production"),
    (re.compile(r"\s?(?:包装|PKD(?![A-Z]))(?!箱|盒|袋|规)"), "packed"),
    (re.compile(r"\s?(?:BBE?(?![A-Z]))"), "best_before"),
]


def connects(text: str) -> bool:
    """Whether the text between a word and a date connects the two."""
    if len(text) > _GAP_SIGNS:
        return False
    text = _ORDER.sub(lambda match: " " if _order_of(match) else match[0], text)
    at, strangers = 0, 0
    while at < len(text):
        part = _GAP_PART.match(text, at)
        if part is None:
            return False
        # A repeated letter is a placeholder for digits: `MM/YYYY`.
        if part["word"] and part["word"] not in _FILLERS and len(set(part["word"])) > 1:
            strangers += 1
            if strangers > 1 or len(part["word"]) > _STRANGE_SIGNS:
                return False
        at = part.end()
    return True


def _order_of(match: re.Match[str]) -> str | None:
    signs = [sign for sign in match.groups() if sign]
    for day, month, year in _LETTERS:
        if sorted(signs) == sorted((day, month, year)):
            return "".join({day: "d", month: "m", year: "y"}[sign] for sign in signs)
    return None


def _kinds(text: str, matches: list[re.Match[str]], words: tuple[Word, ...]) -> list[DateKind | None]:
    """The kind of each shape, by the word directly before or after it.

    Consecutive words share consecutive dates (`生产日期/保质期至: A/B`); in a range (`有效期 A至B`) the word means the end.
    """
    starts = [match.start() for match in matches[1:]]
    after = [_word_after(text, match.end(), None, words) for match in matches]
    if after and all(after) and not _words_before(text, matches[0].start(), words):
        return after
    kinds: list[DateKind | None] = []
    group: list[DateKind] = []
    place = 0
    for i, match in enumerate(matches):
        direct = _words_before(text, match.start(), words)
        between = text[matches[i - 1].end() : match.start()] if i else None
        if direct:
            group, place = direct, 0
            kinds.append(group[0])
        elif between is not None and _BETWEEN_DATES.fullmatch(between) and place + 1 < len(group):
            place += 1
            kinds.append(group[place])
        elif between is not None and _RANGE.fullmatch(between) and len(group) == 1 and kinds[-1] in CLOSING:
            kinds.append(kinds[-1])
            kinds[-2] = None
        else:
            group = []
            kinds.append(_word_after(text, match.end(), starts[i] if i < len(starts) else None, words))
    return kinds


def _words_before(text: str, start: int, words: tuple[Word, ...]) -> list[DateKind]:
    """The kinds of the consecutive words directly before an offset, from left to right."""
    last = bisect_right(words, start, key=lambda word: word.end)
    if not last or not connects(text[words[last - 1].end : start]):
        return []
    first = last - 1
    while first and _BETWEEN_WORDS.fullmatch(text[words[first - 1].end : words[first].start]):
        first -= 1
    row = [word.kind for word in words[first:last]]
    return [kind for kind in row if kind != "lot"] or row


def _word_after(text: str, end: int, next_start: int | None, words: tuple[Word, ...]) -> DateKind | None:
    time = _TIME.match(text, end)
    end = time.end() if time else end

    def free(at: int) -> bool:
        """Whether the word belongs to no date after it."""
        return next_start is None or not connects(text[at:next_start])

    for pattern, kind in _AFTER:
        match = pattern.match(text, end)
        if match and free(match.end()):
            return kind  # type: ignore[return-value]  # the table contains kinds only
    following = bisect_left(words, end, key=lambda word: word.start)
    if following < len(words):
        word = words[following]
        behind = word.kind != "lot" and word.end - word.start > 1 and ord(text[word.start]) < 0x2E80
        behind = behind and re.match(r"[\s:.]*[0-9]", text[word.end : word.end + 8]) is None
        if behind and re.fullmatch(r"\s{1,2}[(\[]?", text[end : word.start]) and free(word.end):
            return word.kind
    return None
