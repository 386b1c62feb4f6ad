"""Reads the dates on labels, in all languages and calendars of the tables, despite OCR errors.

A date is rejected if it is impossible, far from today, or looks like another number (a telephone, a standard, a
price). Ambiguous short forms (`261122`, `11/26`) are dates only beside a keyword such as `EXP`. If the order of day,
month and year is not certain, the rest of the label decides (`Evidence`), else the reading is marked `ambiguous`. A
printed date that is not in the calendar is never changed into another day. Used by the expiry and promotion rules.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final, Literal

from pixel_agent.tasks.rules.date_shapes import OPENING, Shape, printed_order, shapes_of
from pixel_agent.tasks.rules.date_words import DateKind, american, languages_of, month_numbers, normalise
from pixel_agent.tasks.rules.durations import Duration, number, parse_duration
from pixel_agent.tasks.rules.locale.date_words import BILINGUAL_MONTHS, BUDDHIST_YEARS, DATE_WORDS, ERAS, ROC_YEARS

__all__ = [
    "DateKind",
    "DateMention",
    "Doubt",
    "Duration",
    "Evidence",
    "doubtful_dates",
    "evidence_of",
    "find_dates",
    "impossible_dates",
    "parse_date",
    "parse_duration",
    "parse_gs1_date",
]

WINDOW_YEARS = (10, 15)
"""Maximum number of years before and after today for a date on a label."""

_NEAR_YEARS = (3, 6)
"""Years before and after today: of two readings of a two-digit year, one inside this window wins."""
_CLOSES_WITHIN: Final = (timedelta(days=-91), timedelta(days=183))
"""Range around today for a last day without a year: only goods with a shelf life of up to three months can omit the
year (Regulation (EU) 1169/2011, annex X)."""
_OPENED_WITHIN: Final = (timedelta(days=-300), timedelta(days=0))
"""Range around today for a production day without a year."""
_ROMAN: Final = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")


@dataclass(frozen=True, slots=True)
class DateMention:
    """A date and its position: `raw == text[start:end]`.

    A date of `precision` month is the first day of the month for production, packing, receipt or opening, and its last
    day otherwise ("best before end"). `ambiguous`: day and month, or year and day, could be swapped. `year_assumed`: no
    year is printed; the nearest plausible one is used.
    """

    date: date
    precision: Literal["day", "month"]
    kind: DateKind | None
    start: int
    end: int
    raw: str
    ambiguous: bool = False
    year_assumed: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of a label for its date format: the printed order, and the languages of its words."""

    order: str | None = None
    languages: frozenset[str] = frozenset()
    american: bool = False

    @property
    def decided(self) -> str | None:
        """The date order of the label; None if the evidence does not decide."""
        orders = {DATE_WORDS[language].order for language in self.languages}
        return self.order or (orders.pop() if len(orders) == 1 else None) or None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text printed like a date that gives no date: no such day, or no plausible year."""

    raw: str
    reason: Literal["impossible", "year_unknown"]


class _NotTold(Exception):
    """A date is printed, but its day cannot be determined."""

    def __init__(self, reason: Literal["impossible", "year_unknown"]) -> None:
        super().__init__(reason)
        self.reason = reason


def evidence_of(texts: Iterable[str]) -> Evidence:
    """The evidence of all lines of a label for its date format."""
    plain = "\n".join(normalise(text)[0] for text in texts)
    return Evidence(printed_order(plain), languages_of(plain), american(plain))


def find_dates(
    text: str,
    today: date,
    *,
    window: tuple[int, int] = WINDOW_YEARS,
    labelled: bool = False,
    yearless: bool = False,
    evidence: Evidence | None = None,
) -> list[DateMention]:
    """Every date in a text, left to right, within `window` years before and after `today`.

    `labelled`: the caller knows that a date is meant, so short forms need no keyword. `yearless`: also accept a day and
    a month without a year. `evidence`: that of the whole label; None: of this text only.
    """
    return [one for one in _read(text, today, window, labelled, yearless, evidence) if isinstance(one, DateMention)]


def doubtful_dates(text: str, today: date, *, evidence: Evidence | None = None) -> list[Doubt]:
    """Texts that are printed like a date and cannot be read as one, with the reason, left to right."""
    read = _read(text, today, WINDOW_YEARS, labelled=False, yearless=True, evidence=evidence)
    return [one for one in read if isinstance(one, Doubt)]


def impossible_dates(text: str, today: date) -> list[str]:
    """Complete dates that do not exist, as printed: `2026.02.30`."""
    return [doubt.raw for doubt in doubtful_dates(text, today) if doubt.reason == "impossible"]


def parse_date(
    text: str, today: date, *, window: tuple[int, int] = WINDOW_YEARS, yearless: bool = False
) -> date | None:
    """The only date in a text; None if there is none, or several different ones."""
    bare = re.fullmatch(r"[\d\s./\-]+", normalise(text)[0]) is not None
    dates = {mention.date for mention in find_dates(text, today, window=window, labelled=bare, yearless=yearless)}
    return dates.pop() if len(dates) == 1 else None


def parse_gs1_date(value: str, today: date) -> date | None:
    """A GS1 date YYMMDD (AIs 11 to 17), None if impossible; day 00 is the last day of the month.

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


def _read(
    text: str,
    today: date,
    window: tuple[int, int],
    labelled: bool,
    yearless: bool,
    evidence: Evidence | None,
) -> list[DateMention | Doubt]:
    """Every shape of a text as a date, or as a doubt; shapes that are no dates are left out."""
    known = evidence or evidence_of([text])
    cjk = re.search(r"[぀-ヿ一-鿿가-힯]", text) is not None
    found: list[DateMention | Doubt] = []
    for shape in shapes_of(text):
        if (shape.weak and shape.kind is None and not labelled) or (shape.yearless and not yearless):
            continue
        raw = text[shape.start : shape.end]
        try:
            read = _Reader(today, window, known, shape, cjk, yearless).read()
        except _NotTold as doubt:
            if shape.kind != "lot" and not (shape.weak and shape.kind is None):
                found.append(Doubt(raw, doubt.reason))
            continue
        if read is not None:
            found.append(replace(read, kind=shape.kind, start=shape.start, end=shape.end, raw=raw))
    return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns one shape into a date, with the evidence of its context."""

    today: date
    window: tuple[int, int]
    evidence: Evidence
    shape: Shape
    cjk: bool
    yearless: bool

    def read(self) -> DateMention | None:
        """The date; None if the shape is no date. Raises _NotTold if a printed date cannot be determined."""
        parts = {name: value for name, value in self.shape.match.groupdict().items() if value is not None}
        if "gs1" in parts:
            return self._gs1(parts["gs1"])
        if "c" in parts:
            return self._two_digit_year(parts)
        if "a" in parts and "y" in parts:
            year = self._year(parts)
            return self._choose([("dmy", year, parts["b"], parts["a"]), ("mdy", year, parts["a"], parts["b"])])
        if "a" in parts:
            return self._two_numbers(parts)
        if "nth" in parts:
            return self._day_of_year(self._year(parts), int(parts["nth"]))
        if "short" in parts:
            return self._month_and_number(parts)
        if not parts.keys() & {"y", "y2", "roc"}:
            return self._without_year(self._month_of(parts)[0], _digits(parts["d"]), self._month_of(parts)[1])
        return self._with_year(parts)

    def _with_year(self, parts: dict[str, str]) -> DateMention | None:
        year, (month, unsure) = self._year(parts), self._month_of(parts)
        if "d" not in parts:
            return self._month(year, month, ambiguous=unsure)
        day = _han(parts["d"]) if "han" in parts else _digits(parts["d"])
        printed = parts.get("y") or parts.get("y2") or parts["roc"]
        named = "mon" in parts or "roman" in parts or "bilingual" in parts
        if named and len(printed) == 2:
            return self._named_two_digits(parts, year, month, day, unsure)
        if named and not self._in_window(year) and not 1900 <= year < 2100:
            return self._machine_number(month, day, unsure)
        return self._day(year, month, day, ambiguous=unsure)

    def _named_two_digits(
        self, parts: dict[str, str], year: int, month: int, day: int, unsure: bool
    ) -> DateMention | None:
        """`27NOV21`: the year is first; `24JUN 03 1031`: the separate digits are a machine number."""
        raw = self.shape.match[0]
        apart = re.search(r"[A-Z.]\s+\d{2}$", raw) is not None and re.match(r"\d{1,2}[A-Z]", raw) is not None
        timed = re.match(r"\s*\d{1,2}:?\d{2}(?!\d)", self.shape.match.string[self.shape.match.end() :]) is not None
        if self._near(year):
            return self._day(year, month, day, ambiguous=unsure or (apart and timed))
        if apart or (timed and self.yearless):
            return self._machine_number(month, day, unsure)
        if self._near(2000 + day):
            return self._day(2000 + day, month, _digits(parts["y"]), ambiguous=unsure or self._in_window(year))
        return self._day(year, month, day, ambiguous=unsure)

    def _machine_number(self, month: int, day: int, unsure: bool) -> DateMention | None:
        if not self.yearless or self.shape.kind is None:
            return None
        found = self._without_year(month, day, unsure)
        return found and replace(found, ambiguous=True)

    def _gs1(self, value: str) -> DateMention | None:
        found = parse_gs1_date(value, self.today)
        if found is None:
            raise _NotTold("impossible")
        return self._day(found.year, found.month, found.day, ambiguous=False)

    def _year(self, parts: dict[str, str]) -> int:
        if "roc" in parts:
            return ROC_YEARS + int(parts["roc"])
        printed = parts.get("y") or parts["y2"]
        if "han" in parts:
            return int("".join(str(int(number(sign.replace("O", "零")) or 0)) for sign in printed))
        year = 1 if printed == "元" else _digits(printed)
        era = re.sub(r"\s", "", parts.get("era", ""))
        if era:
            return ERAS[era] + year
        if len(printed) == 3 and self.cjk:
            return ROC_YEARS + year
        return year + 2000 if len(printed) == 2 else year

    def _month_of(self, parts: dict[str, str]) -> tuple[int, bool]:
        """The month, and whether another is possible: some names mean different months in different languages."""
        if "bilingual" in parts:
            return BILINGUAL_MONTHS.index(parts["bilingual"]) + 1, False
        if "roman" in parts:
            numeral = parts["roman"].translate(str.maketrans("1L", "II"))
            return _ROMAN.index(numeral) + 1, False
        if "mon" not in parts:
            return (_han(parts["m"]) if "han" in parts else _digits(parts["m"])), False
        meanings = month_numbers(parts["mon"])
        spoken = {month: some for month, some in meanings.items() if some & self.evidence.languages} or meanings
        usual = max(spoken, key=lambda month: len(spoken[month]))
        return usual, any(2 * len(some) >= len(spoken[usual]) for month, some in spoken.items() if month != usual)

    def _near(self, year: int) -> bool:
        before, after = _NEAR_YEARS
        return -before <= year - self.today.year <= after

    def _in_window(self, year: int) -> bool:
        before, after = self.window
        return -before <= year - self.today.year <= after

    def _two_digit_year(self, parts: dict[str, str]) -> DateMention | None:
        a, b, c = parts["a"], parts["b"], parts["c"]
        dmy, mdy, ymd = ("dmy", 2000 + int(c), b, a), ("mdy", 2000 + int(c), a, b), ("ymd", 2000 + _digits(a), b, c)
        era = {DATE_WORDS[language].era_years for language in self.evidence.languages}
        if (years := max(era, default=0)) and self._near(years + _digits(a)):
            return self._choose([("ymd", years + _digits(a), b, c)])
        buddhist = 2500 + int(c) - BUDDHIST_YEARS
        if parts["sep"] and not any(self._near(year) for _, year, *_ in (dmy, ymd)) and self._near(buddhist):
            found = self._choose([("dmy", buddhist, b, a)])
            return found and replace(found, ambiguous=True)
        day_first = self.shape.kind is not None and not self.cjk and parts["sep"] in (".", "/", " ", "-")
        return self._choose([dmy, ymd, mdy] if day_first else [ymd, dmy, mdy])

    def _two_numbers(self, parts: dict[str, str]) -> DateMention | None:
        """`11/26`: month and year; without a year also day and month, in the order that the evidence gives."""
        a, b = int(parts["a"]), int(parts["b"])
        year_last = len(parts["b"]) == 2 and not self.cjk and self._near(2000 + b) and 1 <= a <= 12
        days = self._days(a, b, parts["sep"]) if self.yearless else []
        month = self._month(2000 + b, a, ambiguous=b <= 31) if year_last else None
        soon = self.shape.kind in ("use_by", "sell_by") and 2000 + b < self.today.year
        readings = [*days, month] if soon or self.cjk else [month, *days]
        found = [one for one in readings if one is not None]
        if not found:
            if self.yearless and self.shape.kind is not None and 1 <= min(a, b) <= 12 and max(a, b) <= 31:
                raise _NotTold("year_unknown")
            return None
        return replace(found[0], ambiguous=found[0].ambiguous or len({one.date for one in found}) > 1)

    def _days(self, a: int, b: int, sep: str) -> list[DateMention | None]:
        order = "mdy" if self.cjk else self.evidence.decided
        first_month, first_day = (a, b), (b, a)
        ways = [first_day, first_month]
        if order in ("mdy", "ymd"):
            ways = [first_month]
        elif order == "dmy" or sep == ".":
            ways = [first_day]
        elif self.evidence.american:
            ways = [first_month, first_day]
        return [self._nearest(month, day) for month, day in ways if 1 <= month <= 12 and 1 <= day <= 31]

    def _month_and_number(self, parts: dict[str, str]) -> DateMention | None:
        """`NOV 26`: a month of a year, or a day of a month."""
        (month, unsure), short = self._month_of(parts), int(parts["short"])
        whole = self._month(2000 + short, month, ambiguous=unsure) if self._near(2000 + short) else None
        day = self._nearest(month, short) if self.yearless and 1 <= short <= 31 else None
        soon = self.shape.kind in ("use_by", "sell_by")
        readings = [one for one in ((day, whole) if soon else (whole, day)) if one is not None]
        if not readings:
            return None
        possible = whole is not None and _date(2028, month, short) is not None and self.yearless
        return replace(readings[0], ambiguous=readings[0].ambiguous or len(readings) > 1 or possible)

    def _day_of_year(self, year: int, nth: int) -> DateMention | None:
        """`27045`: the 45th day of 2027."""
        if not self._near(year) or not 1 <= nth <= 365 + calendar.isleap(year):
            return None
        found = date(year, 1, 1) + timedelta(days=nth - 1)
        return self._day(found.year, found.month, found.day, ambiguous=False)

    def _without_year(self, month: int, day: int, unsure: bool) -> DateMention | None:
        if not 1 <= month <= 12 or _date(2028, month, day) is None:
            raise _NotTold("impossible")
        found = self._nearest(month, day)
        if found is None:
            raise _NotTold("year_unknown")
        return replace(found, ambiguous=unsure)

    def _nearest(self, month: int, day: int) -> DateMention | None:
        """The day in the nearest plausible year; None if no year is plausible."""
        earliest, latest = _OPENED_WITHIN if self.shape.kind in OPENING else _CLOSES_WITHIN
        for year in (self.today.year, self.today.year + 1, self.today.year - 1):
            found = _date(year, month, day)
            if found is not None and earliest <= found - self.today <= latest:
                return DateMention(found, "day", None, 0, 0, "", year_assumed=True)
        return None

    def _choose(self, readings: list[tuple[str, int, str, str]]) -> DateMention | None:
        """The first reading within the calendar's ranges, the label's own order first; years far from today come last.

        The chosen reading must be an existing day: it is never replaced by the next reading.
        """
        inside = [(order, self._common(y), _digits(m), _digits(d)) for order, y, m, d in readings]
        inside = [one for one in inside if self._in_window(one[1])]
        ranged = [one for one in inside if 1 <= one[2] <= 12 and (1 if self.shape.kind is None else 0) <= one[3] <= 31]
        ranged = [one for one in ranged if self._near(one[1])] or ranged
        if not ranged:
            if inside:
                raise _NotTold("impossible")
            return None
        decided = [one for one in ranged if one[0] == self.evidence.decided]
        if not decided and self.evidence.american:
            ranged = sorted(ranged, key=lambda one: one[0] != "mdy")
        _, year, month, day = (decided or ranged)[0]
        found = self._day(year, month, day, ambiguous=False)
        others = {other for _, y, m, d in ranged if (other := _date(y, m, d))} if not decided else set()
        return found and replace(found, ambiguous=bool(others - {found.date}))

    def _common(self, year: int) -> int:
        """The year in the common era; Thai years are 543 ahead."""
        shifted = year - BUDDHIST_YEARS
        return shifted if year > 2400 and self._in_window(shifted) else year

    def _day(self, year: int, month: int, day: int, *, ambiguous: bool) -> DateMention | None:
        """A day; day 0 beside a word is the whole month, as in GS1 codes. Raises _NotTold if the day does not exist."""
        year = self._common(year)
        if not self._in_window(year):
            return None
        if day == 0 and self.shape.kind is not None:
            return self._month(year, month, ambiguous=ambiguous)
        found = _date(year, month, day)
        if found is None:
            raise _NotTold("impossible")
        return DateMention(found, "day", None, 0, 0, "", ambiguous)

    def _month(self, year: int, month: int, *, ambiguous: bool) -> DateMention | None:
        year = self._common(year)
        if not 1 <= month <= 12 or not self._in_window(year):
            return None
        day = 1 if self.shape.kind in OPENING else calendar.monthrange(year, month)[1]
        return DateMention(date(year, month, day), "month", None, 0, 0, "", ambiguous)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _digits(text: str) -> int:
    return int(re.sub(r"\s", "", text).translate(str.maketrans("OIL|", "0111")))


def _han(text: str) -> int:
    return int(number(text) or 0)
