"""Dates as labels print them: Chinese, Japanese, Korean, English and European forms, through the noise of OCR.

A date is refused where it is impossible, far from today, or looks like another number (a telephone, a standard, a
price). Short forms that could be anything (`261122`, `11/26`) are dates only beside a keyword such as `EXP`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from pixel_agent.tasks.rules.date_words import KEYWORDS, MONTH_NAME, NOT_DATES, DateKind, month_number, normalise
from pixel_agent.tasks.rules.durations import Duration, number, parse_duration

__all__ = ["DateKind", "DateMention", "Duration", "find_dates", "parse_date", "parse_duration", "parse_gs1_date"]

WINDOW_YEARS = (10, 15)
"""How many years before and after today a date on a label may lie."""

_NEAR_YEARS = (3, 6)
"""Of two readings of a two-digit year, one outside this window yields to one inside."""


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date and where it stands: `raw == text[start:end]`.

    A date of `precision` month is the month's first day for what is produced, packed, received or opened, and its last
    day otherwise ("best before end"). `ambiguous`: day and month, or year and day, could be swapped.
    """

    date: date
    precision: Literal["day", "month"]
    kind: DateKind | None
    start: int
    end: int
    raw: str
    ambiguous: bool = False


def find_dates(
    text: str, today: date, *, window: tuple[int, int] = WINDOW_YEARS, labelled: bool = False
) -> list[DateMention]:
    """Every date in a text, left to right, within `window` years before and after `today`.

    `labelled`: the caller knows that a date is meant, so short forms need no keyword.
    """
    found = []
    for shape in _shapes_of(text):
        if shape.weak and shape.kind is None and not labelled:
            continue
        read = shape.read(today, window)
        if read is not None:
            start, end = shape.start, shape.end
            found.append(replace(read, kind=shape.kind, start=start, end=end, raw=text[start:end]))
    return found


def impossible_dates(text: str, today: date) -> list[str]:
    """What is printed like a whole date of a year within `WINDOW_YEARS` but is none: `2026.02.30`, as printed."""
    before, after = WINDOW_YEARS
    found = []
    for shape in _shapes_of(text):
        parts = shape.match.groupdict()
        year = _digits(parts.get("y") or "0") if re.fullmatch(r"[\dOIL|\s]{4,}", parts.get("y") or "") else 0
        near = today.year - before <= year <= today.year + after
        whole = parts.get("d") is not None or parts.get("b") is not None
        if near and whole and not shape.weak and shape.kind != "lot" and shape.read(today, WINDOW_YEARS) is None:
            found.append(text[shape.start : shape.end])
    return found


def parse_date(text: str, today: date, *, window: tuple[int, int] = WINDOW_YEARS) -> date | None:
    """The one date that a text states; None where it states none, or several different ones."""
    bare = re.fullmatch(r"[\d\s./\-]+", normalise(text)[0]) is not None
    dates = {mention.date for mention in find_dates(text, today, window=window, labelled=bare)}
    return dates.pop() if len(dates) == 1 else None


def parse_gs1_date(value: str, today: date) -> date | None:
    """A GS1 date YYMMDD (AIs 11 to 17), None where impossible; day 00 is the last day of the month.

    The century follows GS1 General Specifications 7.12: the year lies 49 years before to 50 years after this one.
    """
    if not re.fullmatch(r"[0-9]{6}", value):
        return None
    year, month, day = int(value[:2]), int(value[2:4]), int(value[4:])
    century, this = divmod(today.year, 100)
    century += -1 if year - this >= 51 else 1 if year - this <= -50 else 0
    year += century * 100
    if day == 0 and 1 <= month <= 12:
        day = calendar.monthrange(year, month)[1]
    return _date(year, month, day)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is shaped like a date in a text, and what the words around it say that it is."""

    match: re.Match[str]
    weak: bool
    kind: DateKind | None
    start: int
    end: int
    plain: str

    def read(self, today: date, window: tuple[int, int]) -> DateMention | None:
        """The date, None where there is no such day or it lies outside the window."""
        cjk = bool(re.search(r"[぀-ヿ一-鿿가-힯]", self.plain))
        return _Reader(today, window, _order(self.plain), self.kind, cjk).read(self.match)


def _shapes_of(text: str) -> Iterator[_Shape]:
    """Everything shaped like a date, left to right."""
    plain, places = normalise(text)
    plain = NOT_DATES.sub(lambda match: "\0" * len(match[0]), plain)
    words = list(KEYWORDS.finditer(plain))
    spans = list(_shapes(plain, words))
    for (match, weak), kind in zip(spans, _kinds(plain, spans, words), strict=True):
        yield _Shape(match, weak, kind, places[match.start()], places[match.end() - 1] + 1, plain)


_D = r"[\dOIL|]"  # O, I, l and | are what OCR makes of 0 and 1
_Y = rf"(?P<y>[12IL]{_D}{{3}})"
_M = rf"(?P<m>{_D}{{1,2}})"
_DAY = rf"(?P<d>{_D}{{1,2}})"
_TWO = r"(?P<{}>\d{{2}})"
_SEP = r"(?:\s?[./\-,:_一ー]\s?|\s[./\-,]\s)"
# A hyphen before a date means a longer number, unless another date ends there.
_FROM = r"(?<!\d)(?<!\d\.)(?:(?<!\d[-/])|(?<=[./\-]\d\d[-/])|(?<=[./\-]\d[-/])|(?<=20\d{6}[-/]))"
_TO = r"(?:(?!\d)|(?=\d{2}:\d{2}))"
_HAN = "[〇零O一二三四五六七八九十]"
_ERA = r"(?:(?P<era>令和|平成|昭和|民\s?[国國]|西[暦历曆]|公元)\s*)?"

_STRONG = [
    rf"{_ERA}(?<!\d)(?P<y>[12]\s{_D}\s{_D}\s{_D}|{_D}{{1,4}}|元)\s*[年년]\s*(?P<m>[01]\s\d|{_D}{{1,2}})\s*[月월]"
    rf"(?:\s*(?P<d>[0-3]\s\d(?=\s*[日号號일])|{_D}{{1,2}})(?:\s*[日号號일]|(?![\dA-KM-Z年月个個.%℃°])))?",
    rf"(?<!\d)(?P<han>(?P<y>{_HAN}{{4}}|20\d\d)年(?P<m>{_HAN}{{1,3}})月(?:(?P<d>{_HAN}{{1,3}})[日号號])?)",
    r"(?<![A-Z])(?P<era>[RH])\s?(?P<y>\d{1,2})[./\-年](?P<m>\d{1,2})[./\-月](?P<d>\d{1,2})(?!\d)",
    rf"{_FROM}(?P<y>[12]\s{_D}\s{_D}\s{_D})\s?[./\-]\s?(?P<m>[01]\s\d)\s?[./\-]\s?(?P<d>[0-3]\s\d)(?!\d)",
    rf"{_FROM}{_Y}{_SEP}{_M}{_SEP}{_DAY}{_TO}",
    rf"{_FROM}{_Y}\s?[./\-]\s?(?P<m>\d{{2}})(?P<d>\d{{2}}){_TO}",
    rf"{_FROM}(?P<y>2\d{{3}})(?P<m>[01]\d)\s?[./\-]\s?(?P<d>\d{{2}}){_TO}",
    rf"{_FROM}(?P<y>\d{{4}})[\s./\-]*(?P<mon>{MONTH_NAME})[\s./\-]*(?P<d>\d{{1,2}})(?!\d)",
    rf"(?<!\d)(?P<d>[\dOIL]{{1,2}})(?:ST|ND|RD|TH|\.|ER)?[\s./\-]*(?:(?:DE|OF)\s+)?(?P<mon>{MONTH_NAME})\.?[\s./\-,']*(?:DEL?\s+)?"
    rf"(?P<y>{_D}{{4}}|\d{{2}})(?!\d|:\d)",
    rf"(?P<mon>{MONTH_NAME})\.?[\s./\-]*(?P<d>\d{{1,2}})(?:ST|ND|RD|TH)?(?:[\s,./\-]+(?P<y>\d{{4}}|\d{{2}})|(?<=\d\d)(?P<y2>\d{{4}}))(?!\d|:\d)",
    rf"(?P<mon>{MONTH_NAME})\.?[\s./\-,']*(?:DEL?\s+)?(?P<y>\d{{4}})(?!\d)",
    rf"{_FROM}(?P<y>2\d{{3}})[\s./\-]*(?P<mon>{MONTH_NAME})(?![A-Z])",
    rf"{_FROM}(?P<a>{_D}{{1,2}})\s?(?P<sep>[./\-,])\s?(?P<b>{_D}{{1,2}})\s?[./\-,]\s?(?P<y>[12]{_D}{{3}}){_TO}",
    rf"{_FROM}(?P<a>\d{{1,2}})\s?(?P<sep>[./\-])\s?(?P<b>\d{{1,2}})\s?(?P=sep)\s?(?P<c>\d{{2}})"
    rf"(?!\d|\s?[./\-]\d(?!\d?[./:]\d))",
    rf"{_FROM}(?P<y>(?:19|2[0O])[\dO]{{2}})(?P<m>[01OIL]{_D})(?P<d>[0-3OIL]{_D})(?:(?!\d)|(?=\d{{2}}:\d{{2}}))",
    rf"{_FROM}{_Y}\s?[./\-]\s?(?P<m>\d{{2}})(?!\d|[./\-]\d)",
    rf"{_FROM}(?P<m>\d{{2}})\s?[./\-]\s?(?P<y>2\d{{3}})(?!\d|[./\-]\d)",
]
_WEAK = [
    r"(?P<y>20\d{2})\s?(?P<mon2>JA|FE|MR|AL|MA|JN|JL|AU|SE|OC|NO|DE)\s?(?P<d>\d{2})(?!\d)",
    rf"{_FROM}(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:\d{{4}}|\d{{6}})(?!\d)",
    rf"{_FROM}(?P<y>20\d{{2}})\s+(?P<m>\d{{1,2}})\s+(?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<y>20\d{{2}})\s?(?P<m>\d{{2}})\s?(?P<d>\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{1,2}})\s+(?P<b>\d{{1,2}})\s+(?P<y>20\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>)(?P<b>\d{{2}})(?P<y>20\d{{2}})(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>\s)(?P<b>\d{{2}})\s(?P<c>\d{{2}})(?!\d)",
    rf"{_FROM}(?P<y>20(?:1[3-9]|[2-4]\d))(?P<m>0[1-9]|1[0-2])(?!\d)",
    rf"{_FROM}(?P<a>\d{{2}})(?P<sep>)(?P<b>\d{{2}})(?P<c>\d{{2}})(?:(?!\d)|(?=\d{{2}}:\d{{2}}))",
    rf"{_FROM}(?P<roc>1\d{{2}})\s?[./\-年]\s?(?P<m>\d{{1,2}})\s?[./\-月]\s?(?P<d>\d{{1,2}})(?!\d)",
    rf"{_FROM}(?P<y>20\d{{2}})\s?[./\-\s]\s?(?P<m>\d{{1,2}})(?!\d|[./\-]\d)",
    rf"{_FROM}(?P<m>\d{{1,2}})\s?[./\-\s]\s?(?P<y>20\d{{2}})(?!\d|[./\-]\d)",
    rf"(?P<mon>{MONTH_NAME})\.?[\s./\-,']*(?P<y>\d{{2}})(?!\d|:\d|[./\-]\d)",
    rf"{_FROM}(?P<a>\d{{1,2}})\s?[/\-.]\s?(?P<b>\d{{2}})(?!\d|[./\-:%]\d|\s?[%月KG])",
]
_PATTERNS = [(re.compile(pattern), False) for pattern in _STRONG] + [(re.compile(pattern), True) for pattern in _WEAK]


def _shapes(text: str, words: list[re.Match[str]]) -> Iterator[tuple[re.Match[str], bool]]:
    """What is shaped like a date, left to right, each with whether it needs a keyword.

    A shape that turns out impossible still occupies its place: `2026-02-30` must not come back as February 2026.
    """
    taken: list[tuple[re.Match[str], bool]] = []
    word_ends = {word.end() for word in words}
    for pattern, weak in _PATTERNS:
        at = 0
        while match := pattern.search(text, at):
            at = match.end()
            before = text[match.start() - 1 : match.start()]
            if re.match(r"[A-Z]", before) and match.start() not in word_ends:
                at = match.start() + 1
            elif all(match.end() <= other.start() or match.start() >= other.end() for other, _ in taken):
                taken.append((match, weak))
    return iter(sorted(taken, key=lambda shape: shape[0].start()))


_GAP = re.compile(
    r"(?:[\s:.,;\-=()\[\]<>{}|#*'\"/_为為是至到于於在约TO]|DATE|DD?|ON|END|BY|OF|NO|IS|見|일|年\s?/?\s?月\s?/?\s?日|日\s?/\s?月\s?/\s?年|时间"
    r"|[YMD]{1,4}(?:\s?[./\- ]?\s?[YMD]{1,4}){1,2}){0,24}"
)
_BETWEEN_WORDS = re.compile(r"[\s/及和与與&,|+.]*")
_BETWEEN_DATES = re.compile(r"[\s/,;|]*")
_RANGE = re.compile(r"\s*(?:[-~至到]|TO|BIS)\s*")
_AFTER = [
    (re.compile(r"\s?(?:日?之?以?前)?\s?[食饮飲使]?用?\s?最\s?佳"), "best_before"),
    (re.compile(r"\s?日?之?以?前\s?[食饮飲使]\s?用"), "use_by"),
    (re.compile(r"\s?(?:까지|まで|到期|失效|过期|EXP(?![A-Z])|E(?![A-Z\d]))"), "expiry"),
    (re.compile(r"\s?(?:生产|生產|製造|制造|제조|MFG(?![A-Z])|MFD(?![A-Z])|产(?!品))"), "production"),
    (re.compile(r"\s?(?:包装|PKD(?![A-Z]))(?!箱|盒|袋|规)"), "packed"),
    (re.compile(r"\s?(?:BBE?(?![A-Z]))"), "best_before"),
]
_CLOSING: frozenset[DateKind] = frozenset({"expiry", "best_before", "use_by", "sell_by"})
_OPENING: frozenset[DateKind] = frozenset({"production", "packed", "received", "opened"})


def _kinds(text: str, shapes: list[tuple[re.Match[str], bool]], words: list[re.Match[str]]) -> list[DateKind | None]:
    """What each shape is by the keyword right before it, or right after it.

    Words in a row share dates in a row (`生产日期/保质期至: A/B`); of a range (`有效期 A至B`) the word means the end.
    """
    after = [_word_after(text, match.end(), None) for match, _ in shapes]
    if after and all(after) and not _words_before(text, shapes[0][0].start(), words):
        return after
    kinds: list[DateKind | None] = []
    group: list[DateKind] = []
    place = 0
    for i, (match, _) in enumerate(shapes):
        direct = _words_before(text, match.start(), words)
        between = text[shapes[i - 1][0].end() : match.start()] if i else None
        if direct:
            group, place = direct, 0
            kinds.append(group[0])
        elif between is not None and _BETWEEN_DATES.fullmatch(between) and place + 1 < len(group):
            place += 1
            kinds.append(group[place])
        elif between is not None and _RANGE.fullmatch(between) and len(group) == 1 and kinds[-1] in _CLOSING:
            kinds.append(kinds[-1])
            kinds[-2] = None
        else:
            group = []
            kinds.append(_word_after(text, match.end(), shapes[i + 1][0].start() if i + 1 < len(shapes) else None))
    return kinds


def _words_before(text: str, start: int, words: list[re.Match[str]]) -> list[DateKind]:
    row: list[DateKind] = []
    edge = start
    for word in reversed([word for word in words if word.end() <= start]):
        gap = _BETWEEN_WORDS if row else _GAP
        if not gap.fullmatch(text[word.end() : edge]):
            break
        row.insert(0, word.lastgroup)  # type: ignore[arg-type]  # the groups are named after the kinds
        edge = word.start()
    return [kind for kind in row if kind != "lot"] or row


def _word_after(text: str, end: int, next_start: int | None) -> DateKind | None:
    time = re.compile(r"\s*\d{1,2}:\d{2}(?::\d{2})?").match(text, end)
    end = time.end() if time else end
    for pattern, kind in _AFTER:
        match = pattern.match(text, end)
        if match and not (next_start is not None and _GAP.fullmatch(text[match.end() : next_start])):
            return kind  # type: ignore[return-value]  # the table holds kinds only
    return None


def _order(text: str) -> str | None:
    """The order that a label prints beside its dates, as `dmy`, `mdy` or `ymd`."""
    printed = re.search(
        r"(?<![A-Z])(D+[./\- ]?M+[./\- ]?Y+|M+[./\- ]?D+[./\- ]?Y+|Y+[./\- ]?M+[./\- ]?D+)(?![A-Z])", text
    )
    if printed:
        return "".join(dict.fromkeys(re.sub(r"[^YMD]", "", printed[0]))).lower()
    han = re.search(r"([年月日])\s?/\s?([年月日])\s?/\s?([年月日])", text)
    return han and "".join({"年": "y", "月": "m", "日": "d"}[sign] for sign in han.groups())


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns one shape into a date, with what is known around it."""

    today: date
    window: tuple[int, int]
    order: str | None
    kind: DateKind | None
    cjk: bool

    def read(self, match: re.Match[str]) -> DateMention | None:
        parts = {name: value for name, value in match.groupdict().items() if value is not None}
        if "c" in parts:
            return self._two_digit_year(parts)
        if "a" in parts and "y" in parts:
            return self._choose(
                [
                    ("dmy", _digits(parts["y"]), parts["b"], parts["a"]),
                    ("mdy", _digits(parts["y"]), parts["a"], parts["b"]),
                ]
            )
        if "a" in parts:
            return self._month_and_year(int(parts["a"]), int(parts["b"]))
        year, month = self._year(parts), _month(parts)
        if "d" not in parts:
            return self._month(year, month, ambiguous=False)
        day = _han(parts["d"]) if "han" in parts else _digits(parts["d"])
        if "mon" in parts and len(parts.get("y", "")) == 2 and not self._near(year) and self._near(2000 + day):
            # 27NOV21 on goods of 2026: the year was printed first.
            return self._day(2000 + day, month, _digits(parts["y"]), ambiguous=False)
        return self._day(year, month, day, ambiguous=False)

    def _year(self, parts: dict[str, str]) -> int:
        if "roc" in parts:
            return 1911 + int(parts["roc"])
        printed = parts.get("y") or parts["y2"]
        if "han" in parts:
            return int("".join(str(int(number(sign.replace("O", "零")) or 0)) for sign in printed))
        year = 1 if printed == "元" else _digits(printed)
        era = re.sub(r"\s", "", parts.get("era", ""))
        offset = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "民国": 1911, "民國": 1911}.get(era)
        if offset is not None:
            return offset + year
        return year + 2000 if len(printed) == 2 else year

    def _near(self, year: int) -> bool:
        before, after = _NEAR_YEARS
        return -before <= year - self.today.year <= after

    def _month_and_year(self, month: int, year: int) -> DateMention | None:
        """`11/26` beside a Latin word; among Chinese signs it is a day of this year, and `22.11` is one everywhere."""
        if self.cjk or not self._near(2000 + year):
            return None
        return self._month(2000 + year, month, ambiguous=year <= 31)

    def _two_digit_year(self, parts: dict[str, str]) -> DateMention | None:
        a, b, c = parts["a"], parts["b"], parts["c"]
        dmy, mdy, ymd = ("dmy", 2000 + int(c), b, a), ("mdy", 2000 + int(c), a, b), ("ymd", 2000 + int(a), b, c)
        day_first = self.kind is not None and not self.cjk and parts["sep"] in (".", "/", " ")
        return self._choose([dmy, ymd, mdy] if day_first else [ymd, dmy, mdy])

    def _choose(self, readings: list[tuple[str, int, str, str]]) -> DateMention | None:
        """The first possible reading, after the printed order; a two-digit year far from today yields."""
        possible = [
            (order, found)
            for order, y, m, d in readings
            if (found := self._day(y, _digits(m), _digits(d), ambiguous=False))
        ]
        printed = [found for order, found in possible if order == self.order]
        if printed:
            return printed[0]
        near = [found for _, found in possible if self._near(found.date.year)]
        chosen = near or [found for _, found in possible]
        if not chosen:
            return None
        return replace(chosen[0], ambiguous=len({found.date for found in chosen}) > 1)

    def _day(self, year: int, month: int, day: int, *, ambiguous: bool) -> DateMention | None:
        found = _date(year, month, day)
        before, after = self.window
        if found is None or not self.today.year - before <= year <= self.today.year + after:
            return None
        return DateMention(found, "day", None, 0, 0, "", ambiguous)

    def _month(self, year: int, month: int, *, ambiguous: bool) -> DateMention | None:
        if not 1 <= month <= 12 or not 1 <= year <= 9999:
            return None
        day = 1 if self.kind in _OPENING else calendar.monthrange(year, month)[1]
        found = self._day(year, month, day, ambiguous=ambiguous)
        return found and replace(found, precision="month")


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _digits(text: str) -> int:
    return int(re.sub(r"\s", "", text).translate(str.maketrans("OIL|", "0111")))


def _month(parts: dict[str, str]) -> int:
    if "mon2" in parts:
        # The two-letter months of Canadian bilingual labels.
        return "JAFEMRALMAJNJLAUSEOCNODE".index(parts["mon2"]) // 2 + 1
    if "mon" in parts:
        return month_number(parts["mon"])
    return _han(parts["m"]) if "han" in parts else _digits(parts["m"])


def _han(text: str) -> int:
    return int(number(text) or 0)
