"""Scores readings against a truth file: values that are right, wrong, or wrong with high confidence. Pure.

A truth file is `cases.jsonl` next to the photos. Each line is one case: `file`, `task`, `options`, `kind`, `expected`.
`expected` can have

- `rows`: for each, a row of the reading must have these values (numbers within 0.005; case and repeated spaces of texts
  are ignored; `{"any": [...]}` allows several values, and with null among them the row can be missing);
- `count`, the number of rows, or `no_rows`; `contains` and `lacks`, parts of the text of all rows; `warning`, a code.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.errors import InvalidRequest

Fields: TypeAlias = Mapping[str, JsonValue]
Verdict: TypeAlias = Literal["right", "missed", "wrong", "sure"]
TOLERANCE = 0.005
SURE = 0.75
"""From this confidence a wrong value counts as sure. Without a confidence it counts as sure unless a review is
advised."""
EXPECTATIONS = frozenset({"rows", "count", "no_rows", "contains", "lacks", "warning"})


@dataclass(frozen=True, slots=True)
class Case:
    """One photo, its task and the expected reading."""

    file: str
    task: str
    options: Fields
    kind: str
    expected: Fields


@dataclass(frozen=True, slots=True)
class Value:
    """One expected value and the value read. Verdict `sure`: wrong, and the row gives no sign of doubt."""

    field: str
    wanted: JsonValue
    got: JsonValue
    verdict: Verdict
    row: Fields | None


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one case: its values, and a text for each mistake (none if the case is right)."""

    case: Case
    values: tuple[Value, ...]
    misses: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the reading has no mistake."""
        return not self.misses


@dataclass(slots=True)
class Tally:
    """Counts of values and cases; a rate is None if its denominator is 0."""

    cases: int = 0
    cases_right: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("right", "missed", "wrong", "sure"), 0))

    @property
    def precision(self) -> float | None:
        """Share of right values among all values read."""
        return _share(self.counts["right"], self.counts["right"] + self.wrong)

    @property
    def recall(self) -> float | None:
        """Share of right values among all expected values."""
        return _share(self.counts["right"], sum(self.counts.values()))

    @property
    def wrong(self) -> int:
        """Number of wrong values, sure or not."""
        return self.counts["wrong"] + self.counts["sure"]


def read_cases(text: str) -> list[Case]:
    """Parse the cases of a truth file. Raises InvalidRequest with the number of the wrong line."""
    cases = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                cases.append(_case(json.loads(line)))
            except (ValueError, TypeError, KeyError) as error:
                raise InvalidRequest(
                    f"cases.jsonl, line {number}: {error}.", "Each line is an object with file, task and expected."
                ) from None
    return cases


def score_case(case: Case, reading: Fields) -> Score:
    """Compare one reading with its truth."""
    if not isinstance(reading.get("items"), list) or "error" in reading:
        error = reading.get("error")
        return Score(case, (), (f"not read: {error.get('detail') if isinstance(error, dict) else 'no reading'}",))
    rows = _objects(reading.get("items"))
    values: list[Value] = []
    misses: list[str] = []
    free = list(rows)
    for wanted in _objects(case.expected.get("rows")):
        row = min(
            free, key=lambda one: sum(not same(value, one.get(name)) for name, value in wanted.items()), default=None
        )
        if row is not None:
            free.remove(row)
        elif all(same(value, None) for value in wanted.values()):
            continue
        found = [_value(name, value, row) for name, value in wanted.items()]
        values += [one for one in found if not (one.verdict == "right" and one.got is None)]
        misses += [_said(one) for one in found if one.verdict != "right"]
    return Score(case, tuple(values), (*misses, *_other_misses(case.expected, rows, reading)))


def same(wanted: JsonValue, got: JsonValue) -> bool:
    """Whether the value read (`got`) equals the expected one (`wanted`), with the tolerances of the truth file."""
    if isinstance(wanted, dict) and isinstance(alternatives := wanted.get("any"), list):
        return any(same(one, got) for one in alternatives)
    if _is_number(wanted) and _is_number(got):
        return abs(float(str(wanted)) - float(str(got))) < TOLERANCE
    if isinstance(wanted, str) and isinstance(got, str):
        return " ".join(wanted.split()).casefold() == " ".join(got.split()).casefold()
    return wanted == got


def tally(scores: Iterable[Score], by: Literal["kind", "field"]) -> dict[str, Tally]:
    """Count by kind of case or by field; the last entry, `total`, counts everything."""
    found: dict[str, Tally] = {}
    total = Tally()
    for score in scores:
        groups = {score.case.kind} if by == "kind" else {value.field for value in score.values}
        for one in (total, *(found.setdefault(name, Tally()) for name in groups)):
            one.cases += 1
            one.cases_right += score.right
        for value in score.values:
            for one in (total, found[score.case.kind if by == "kind" else value.field]):
                one.counts[value.verdict] += 1
    return dict(sorted(found.items())) | {"total": total}


def _case(entry: object) -> Case:
    if not isinstance(entry, dict) or not isinstance(entry.get("expected"), dict):
        raise ValueError("it is no object with an object `expected`")
    if unknown := set(entry["expected"]) - EXPECTATIONS:
        raise ValueError(f"`expected` has {', '.join(sorted(unknown))}; accepted: {', '.join(sorted(EXPECTATIONS))}")
    file, task = str(entry["file"]), str(entry["task"])
    if PurePosixPath(file).is_absolute() or ".." in PurePosixPath(file).parts:
        raise ValueError("`file` leaves the folder")
    options = entry.get("options") or {}
    if not isinstance(options, dict):
        raise ValueError("`options` is no object")
    return Case(file, task, options, str(entry.get("kind") or task), entry["expected"])


def _value(name: str, wanted: JsonValue, row: Fields | None) -> Value:
    got = None if row is None else row.get(name)
    if row is not None and same(wanted, got):
        return Value(name, wanted, got, "right", row)
    if row is None or got is None:
        return Value(name, wanted, got, "right" if same(wanted, None) else "missed", row)
    return Value(name, wanted, got, "sure" if _is_sure(row) else "wrong", row)


def _is_sure(row: Fields) -> bool:
    confidence = row.get("confidence")
    if isinstance(confidence, int | float):
        return confidence >= SURE
    return row.get("review") != "advised"


def _other_misses(expected: Fields, rows: Sequence[Fields], reading: Fields) -> list[str]:
    misses = []
    count = 0 if expected.get("no_rows") else expected.get("count")
    if isinstance(count, int) and len(rows) != count:
        misses.append(f"{len(rows)} rows, not {count}")
    text = " ".join(" | ".join(str(row.get("text") or "") for row in rows).split())
    misses += [f"lacks {piece!r}" for piece in _texts(expected.get("contains")) if piece not in text]
    misses += [f"has {piece!r}" for piece in _texts(expected.get("lacks")) if piece in text]
    warning = expected.get("warning")
    if warning is not None and warning not in [notice.get("code") for notice in _objects(reading.get("warnings"))]:
        misses.append(f"no warning {warning}")
    return misses


def _said(value: Value) -> str:
    if value.row is None:
        return f"{value.field}: no row, not {value.wanted!r}"
    return f"{value.field}: {value.got!r}, not {value.wanted!r}{' (and sure)' if value.verdict == 'sure' else ''}"


def _objects(value: JsonValue) -> list[Fields]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _texts(value: JsonValue) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
