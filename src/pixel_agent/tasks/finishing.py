"""Helpers shared by all finishing functions of tasks: wording, review status, counts and the summary sentence."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from pydantic import JsonValue

from pixel_agent.core import Alert, Draft, FinishContext, Lang, Notice, Reading, Review, Row, Severity, Source

FAILED = "fail"
SEVERITIES = tuple(severity.value for severity in Severity)
_SETTLED = frozenset({Review.CONFIRMED, Review.CORRECTED})


@dataclass(frozen=True, slots=True)
class Noun:
    """The name of a task's rows: Chinese with its measure word, English singular and plural."""

    zh: str
    en: str
    plural: str

    def count(self, number: int, lang: Lang) -> str:
        """A number with the name, such as `3 个价签` or `3 price tags`."""
        return f"{number} {self.zh}" if lang == "zh" else f"{number} {self.en if number == 1 else self.plural}"


FINDINGS = Noun("条问题", "finding", "findings")
ALERTS = Noun("条提示", "alert", "alerts")


def say(facts: FinishContext, zh: str, en: str) -> str:
    """Choose the wording in the request's language."""
    return zh if facts.lang == "zh" else en


def compose(
    draft: Draft,
    facts: FinishContext,
    counted: Iterable[tuple[Noun, int]],
    *,
    items: Sequence[Row] = (),
    findings: Sequence[Row] = (),
    alerts: Sequence[Alert] = (),
    totals: Mapping[str, JsonValue] | None = None,
    warnings: Sequence[Notice] = (),
) -> Reading:
    """Build the finished reading. The summary is the draft's own, or a sentence made from `counted`."""
    return Reading(
        items=tuple(items),
        findings=tuple(findings),
        alerts=tuple(alerts),
        summary=draft.summary.strip() or summarise(facts.lang, counted, len(alerts)),
        totals=dict(totals or {}),
        warnings=(*draft.warnings, *warnings),
    )


def summarise(lang: Lang, counted: Iterable[tuple[Noun, int]], alerts: int = 0) -> str:
    """A summary such as `3 个价签，2 条提示`: the first name always, the others and the alerts only if not zero."""
    pairs = list(counted)
    words = [noun.count(number, lang) for index, (noun, number) in enumerate(pairs) if number or not index]
    if alerts:
        words.append(ALERTS.count(alerts, lang))
    return ("，" if lang == "zh" else ", ").join(words)


def edit(row: Row, **changes: JsonValue) -> Row:
    """Return a copy of the row with some fields changed."""
    return replace(row, fields={**row.fields, **changes})


def advise(row: Row) -> Row:
    """Advise a review of the row, unless a person has already reviewed it."""
    return row if row.review in _SETTLED else replace(row, review=Review.ADVISED)


def advise_unless_confirmed(row: Row, *confirming: Source) -> Row:
    """Advise a review of the row, unless one of the `confirming` sources has verified it."""
    return row if set(confirming) & set(row.verified_by) else advise(row)


def verified(row: Row, source: Source) -> Row:
    """Return the row with `source` added to the sources that verified it."""
    return row if source in row.verified_by else replace(row, verified_by=(*row.verified_by, source))


def number(value: JsonValue) -> float | None:
    """The value if it is a finite number, else None (true and false are not numbers)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e15 and math.isfinite(value) else None


def whole(value: JsonValue) -> int | None:
    """The value if it is a count (a whole number from 0), else None."""
    found = number(value)
    return int(found) if found is not None and found >= 0 and found == int(found) else None


def text(value: JsonValue) -> str:
    """The trimmed text; empty if the value is not text."""
    return value.strip() if isinstance(value, str) else ""


def total(rows: Iterable[Row], name: str) -> int | None:
    """The sum of a count over rows; None if no row states it."""
    counts = [count for row in rows if (count := whole(row.fields.get(name))) is not None]
    return sum(counts) if counts else None


def rate(part: int, whole_: int) -> float | None:
    """The share `part / whole_` (0-1), rounded to four decimals; None if `whole_` is 0."""
    return round(part / whole_, 4) if whole_ else None


def counts(rows: Iterable[Row], name: str) -> dict[str, JsonValue]:
    """The number of rows for each value of a field, most frequent first; rows without a value are not counted."""
    found = Counter(word for row in rows if (word := text(row.fields.get(name))))
    return dict(found.most_common())


def of_kind(rows: Iterable[Row], kind: str) -> tuple[Row, ...]:
    """The rows of one kind, for tasks that have several."""
    return tuple(row for row in rows if row.fields.get("kind") == kind)


def alert(row: Row, code: str, severity: Severity, message: str) -> Alert:
    """An alert with the box of a row."""
    return Alert(code, severity, message, row.bbox)


def label(row: Row, *names: str) -> str:
    """The first of the fields that is not empty, cut to a readable length."""
    found = next((words for name in names if (words := text(row.fields.get(name)))), "")
    return found if len(found) <= 40 else f"{found[:39]}…"


def likeness(one: str, other: str, enough: float) -> float:
    """Similarity of two texts, 0-1 (difflib ratio of the first 80 characters); 0 if it cannot reach `enough`."""
    if not one or not other:
        return 0.0
    matcher = SequenceMatcher(None, one[:80].casefold(), other[:80].casefold(), autojunk=False)
    if matcher.real_quick_ratio() < enough or matcher.quick_ratio() < enough:
        return 0.0
    return matcher.ratio()
