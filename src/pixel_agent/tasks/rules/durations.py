"""Reads shelf lives for the expiry rules: from `保质期12个月` or `24 MONTHS` to a duration that can be added to a date."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

from pixel_agent.tasks.rules.date_words import any_word, normalise
from pixel_agent.tasks.rules.expiry_words import LIFE
from pixel_agent.tasks.rules.locale.duration_words import words_of

MAX_YEARS = 30
"""A longer shelf life is a misreading."""

_NUMERALS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_HAN = "[零〇一二三四五六七八九十两兩百廿卅]"
_NUMBER = rf"(?:\d{{1,4}}(?:\.\d)?|{_HAN}{{1,6}}|半)"
_UNITS = {
    "year": rf"(?:周\s*)?年(?!\s*\d{{1,2}}\s*月)|년|{any_word(words_of('year'))}",
    "month": rf"[个個箇ケカヶヵか]\s*月|月(?!\s*\d{{1,2}}\s*[日号])|MO?\b|개월|{any_word(words_of('month'))}",
    "week": rf"[个個]?\s*(?:星期|礼拜)|周|週間?|주|{any_word(words_of('week'))}",
    "day": rf"天|日間?|D\b|일|{any_word(words_of('day'))}",
    "hour": rf"[个個]?\s*(?:小\s*时|小\s*時)|時間|H\b|{any_word(words_of('hour'))}",
}
_PART = re.compile(
    rf"(?<![\d.,\-~A-Z])(?P<number>{_NUMBER})\s*-?\s*(?:"
    + "|".join(rf"(?P<{name}>{unit})" for name, unit in _UNITS.items())
    + r")(?P<half>\s*半)?"
)
_RANGE = re.compile(rf"{_NUMBER}\s*(?:[-~至到]|TO)\s*{_NUMBER}\s*(?:[个個]\s*月|[天年]|日(?!期)|MONTHS?|DAYS?|YEARS?)")
_TEMPERATURE = re.compile(
    r"(?<!\d)[-+]?\d{1,3}(?:\.\d{1,2})?\s*(?:°\s*C?|[度℃])?\s*(?:[-~至到]\s*[-+]?\d{1,3}(?:\.\d{1,2})?\s*)?(?:°\s*C?|度(?:以下)?|℃)"
)
_WRITTEN_DATE = re.compile(
    r"\d{1,4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*[日号]|(?:\d{2,4}|元)\s*年\s*\d{1,2}\s*月(?:\s*\d{1,2}\s*[日号]?)?|\d{1,2}\s*月\s*\d{1,2}\s*[日号]"
)


@dataclass(frozen=True, slots=True)
class Duration:
    """A printed length of time. Months are stored as months, because they have no fixed number of days."""

    months: int = 0
    days: int = 0

    def after(self, start: date) -> date:
        """The day `months` later in the calendar, clamped to the end of a shorter month, then `days` later.

        The production day itself counts as day 0: 2026-08-31 + 6 months = 2027-02-28, 2026-11-22 + 12 months =
        2027-11-22. Raises OverflowError past the year 9999.
        """
        year, month = divmod(start.year * 12 + start.month - 1 + self.months, 12)
        if year > date.max.year:
            raise OverflowError("The date lies past the year 9999.")
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        return date(year, month + 1, day) + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class DurationMention:
    """A duration and its position; `raw` is the text as printed, `text[start:end]`."""

    duration: Duration
    start: int
    end: int
    raw: str


def parse_duration(text: str) -> Duration | None:
    """The shelf life in a text; None if there is none, a range, or several different ones.

    Reads days, weeks, months, years, whole days in hours, Chinese numerals and halves (`一年半`, `1.5年`). Temperatures
    and calendar dates are no durations. A duration beside a keyword (`保质期`) has priority.
    """
    found = find_durations(text)
    labelled = [mention for mention in found if LIFE.search(normalise(text[: mention.start])[0])]
    different = {mention.duration for mention in labelled or found}
    return different.pop() if len(different) == 1 else None


def find_durations(text: str) -> list[DurationMention]:
    """Every duration in a text, left to right; ranges such as `6-12个月` are left out."""
    plain, places = normalise(text)
    for noise in (_TEMPERATURE, _WRITTEN_DATE, _RANGE):
        plain = noise.sub(lambda match: "\0" * len(match[0]), plain)
    found: list[DurationMention] = []
    for match in _PART.finditer(plain):
        duration = _duration(match)
        if duration is None:
            continue
        start, end = places[match.start()], places[match.end() - 1] + 1
        before = found[-1] if found else None
        if (
            before
            and re.fullmatch(r"[\s零又加+和]*", text[before.end : start])
            and _continues(before.duration, duration)
        ):
            joined = Duration(before.duration.months + duration.months, before.duration.days + duration.days)
            found[-1] = DurationMention(joined, before.start, end, text[before.start : end])
        else:
            found.append(DurationMention(duration, start, end, text[start:end]))
    return found


def number(text: str) -> float | None:
    """A number in digits or Chinese numerals up to 999 (`十二`, `一百八十`, `半`); None for any other text."""
    if text == "半":
        return 0.5
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return float(text)
    total, pending = 0, 0
    plain = text.replace("廿", "二十").replace("卅", "三十")
    for sign in plain:
        if sign in _NUMERALS:
            pending = _NUMERALS[sign]
        elif sign in "十百":
            total += (pending or 1) * (10 if sign == "十" else 100)
            pending = 0
        else:
            return None
    return float(total + pending)


def _continues(before: Duration, after: Duration) -> bool:
    return before.months > 0 and ((after.days > 0 and before.days == 0) or before.months % 12 == 0 > -after.months)


def _duration(match: re.Match[str]) -> Duration | None:
    count = number(match["number"])
    if count is None or count <= 0:
        return None
    count += 0.5 if match["half"] else 0
    years, months, days = 0.0, 0.0, 0.0
    match next(unit for unit in _UNITS if match[unit] is not None):
        case "year":
            years = count
        case "month":
            months = count
        case "week":
            days = count * 7
        case "day":
            days = count
        case _:
            days = count / 24
    months += years * 12
    # A printed half month means fifteen days.
    days += 15 if months % 1 == 0.5 else 0
    months = float(int(months)) if months % 1 == 0.5 else months
    if months % 1 or days % 1 or months > MAX_YEARS * 12 or days > MAX_YEARS * 366:
        return None
    return Duration(int(months), int(days))
