"""Prepares a scan for the report, as plain values for the template: numbered rows, boxes, corrections. Pure.

All external text is cleaned here (no control or direction characters, cut to a length that fits a page) and escaped by
the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor

from pydantic import JsonValue

from pixel_agent.core import Lang
from pixel_agent.core.geometry import area, shared_area
from pixel_agent.core.text import one_line
from pixel_agent.photo.annotate import HEADS
from pixel_agent.storage.exports.cells import EVIDENCE
from pixel_agent.storage.exports.entry import Entry, Fields, Line, box_of, listed, mapping, mappings, moment, words
from pixel_agent.storage.exports.report_words import SEVERITIES, TOTALS, WORDS
from pixel_agent.tasks.listing import HIDDEN, field_words
from pixel_agent.tasks.wording import VALUES, field_name

MAX_ROWS = 300
"""Maximum rows shown per scan."""
MAX_TEXT = 400
"""Maximum characters shown per value."""
_HEADS = ("sign", *(name for name in HEADS if name != "status"), "status")
"""Fields that name a row, as on annotated photos, except that the verdict comes last."""
_PASSED = frozenset({"pass", "ok"})
_NOT_RATED = len(SEVERITIES)
_LAST = _NOT_RATED + 1


@dataclass(frozen=True, slots=True)
class Told:
    """A field as text; `was` is the model's value if a reviewer corrected it."""

    label: str
    text: str
    was: str | None = None


@dataclass(frozen=True, slots=True)
class RowView:
    """One row of a table. `number` is its number on the photo; `rank` orders findings, the worst first."""

    number: int
    finding: bool
    severity: str
    severity_was: str | None
    passed: bool
    head: Told
    details: tuple[Told, ...]
    source: str
    confidence: str
    verified_by: str
    review: str
    box: tuple[float, float, float, float] | None
    rank: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A box on the photo, in pixels of the photo, and the position of its number."""

    number: int
    severity: str
    finding: bool
    box: tuple[float, float, float, float]
    badge: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ScanView:
    """Everything that the report shows of one scan, except the photo."""

    index: int
    facts: tuple[Told, ...]
    title: str
    status: str
    simulated: bool
    summary: str
    error: str
    alerts: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    totals: tuple[Told, ...]
    findings: tuple[RowView, ...]
    items: tuple[RowView, ...]
    left_out: int
    corrections: tuple[Mapping[str, str], ...]
    comments: tuple[Mapping[str, str], ...]
    width: float
    height: float
    stroke: float = 1.0
    marks: tuple[Mark, ...] = field(default=())


class Speaker:
    """Formats values in one language."""

    def __init__(self, lang: Lang, task_names: Mapping[str, str]) -> None:
        self.lang: Lang = lang
        self.words = WORDS[lang]
        self._tasks = task_names

    def clean(self, text: str) -> str:
        """An external text in one line, without control characters, cut to `MAX_TEXT`."""
        text = one_line(text)
        return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + self.words["cut"].format(len(text) - MAX_TEXT)

    def task(self, task_id: str) -> str:
        """A task's name, or its id if it is no longer in the catalogue."""
        return self.clean(self._tasks.get(task_id, task_id))

    def value(self, name: str, value: JsonValue) -> str:
        """A field's value as text; words of a closed list without underscores."""
        if name.endswith("price") and isinstance(value, int | float) and not isinstance(value, bool):
            return f"{value:.2f}"
        if name.endswith("_rate") and isinstance(value, int | float):
            return f"{value:.1%}"
        said = field_words(name, value, self.lang)
        return self.clean(said.replace("_", " ") if name in VALUES and self.lang == "en" else said)

    def total(self, name: str, value: JsonValue) -> Told:
        """A total with its name; counts per value of a field list those values."""
        label = TOTALS.get(name) if self.lang == "zh" else None
        said = self.value(name, value)
        if name.startswith("by_") and isinstance(value, dict):
            field = {"by_issue": "issues"}.get(name, name.removeprefix("by_"))
            said = " · ".join(f"{self.value(field, word)} {self.value('', number)}" for word, number in value.items())
        return Told(label or self.clean(field_name(name, self.lang)), said)

    def time(self, value: JsonValue) -> str:
        """A time in the local time zone, to the minute."""
        when = moment(value)
        return "" if when is None else when.astimezone().strftime("%Y-%m-%d %H:%M")


def view(entry: Entry, index: int, speaker: Speaker) -> ScanView:
    """Prepare a scan for the report; `index` counts from 1."""
    record, reading = entry.record, entry.reading
    lines = in_order(entry.lines())
    rows = [row_view(line, number, speaker) for number, line in enumerate(lines, 1)]
    numbers: dict[tuple[str, int], int] = {(line.part, line.index): number for number, line in enumerate(lines, 1)}
    image = mapping(reading.get("image"))
    width, height = _side(image.get("width")), _side(image.get("height"))
    kept = rows[:MAX_ROWS]
    boxed = sum(row.box is not None for row in kept)
    said = speaker.words
    return ScanView(
        index=index,
        facts=tuple(_facts(record, speaker)),
        title=speaker.clean(words(record.get("filename"))) or speaker.task(words(record.get("task"))),
        status=said.get(f"status_{record.get('status')}", speaker.clean(words(record.get("status")))),
        simulated=record.get("simulated") is True,
        summary=speaker.clean(words(reading.get("summary")) or words(record.get("summary"))),
        error=speaker.clean(entry.error()),
        alerts=tuple(
            sorted(
                (
                    (_known(words(alert.get("severity"))), speaker.clean(words(alert.get("message"))))
                    for alert in mappings(reading.get("alerts"))
                ),
                key=lambda alert: _rank(alert[0]),
            )
        ),
        warnings=tuple(speaker.clean(words(one.get("message"))) for one in mappings(reading.get("warnings"))),
        totals=tuple(total for pair in mapping(reading.get("totals")).items() if (total := speaker.total(*pair)).text),
        findings=tuple(row for row in kept if row.finding),
        items=tuple(row for row in kept if not row.finding),
        left_out=len(rows) - len(kept),
        corrections=tuple(_correction(one, numbers, speaker) for one in mappings(record.get("corrections"))),
        comments=tuple(_comments(record, speaker)),
        width=width,
        height=height,
        stroke=number_size(boxed, width, height) / 10,
        marks=tuple(place_marks(kept, width, height)) if width and height else (),
    )


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Findings, the worst first and passed ones last, then items in their order."""
    found = sorted((line for line in lines if line.part == "findings"), key=lambda line: _order(line.fields))
    return [*found, *(line for line in lines if line.part == "items")]


def place_marks(rows: Iterable[RowView], width: float, height: float) -> list[Mark]:
    """Place boxes, the largest first so that small ones stay on top, and numbers where they cover the fewest others."""
    boxed = [(row, row.box) for row in rows if row.box is not None]
    size = number_size(len(boxed), width, height)
    marks: list[Mark] = []
    for row, box in sorted(boxed, key=lambda pair: -area(pair[1])):
        wide = size * (0.5 + 0.62 * len(str(row.number)))
        spots = [_within(spot, wide, size, width, height) for spot in _spots(box, wide, size)]
        taken = [mark.badge for mark in marks]
        badge = min(spots, key=lambda spot: sum(shared_area(spot, other) for other in taken))
        marks.append(Mark(row.number, row.severity, row.finding, box, badge))
    return marks


def number_size(marks: int, width: float, height: float) -> float:
    """Height of a number on the photo: a 40th of its longer side, down to a 70th where there are many."""
    return max(width, height) / min(70.0, 40.0 + max(0, marks - 12) / 2)


def row_view(line: Line, number: int, speaker: Speaker) -> RowView:
    """One row for the template; its most descriptive field is the head."""
    fields = line.fields
    was = {words(one.get("field")): one.get("model_value") for one in reversed(line.corrections)}
    head_name = next((name for name in _HEADS if speaker.value(name, fields.get(name))), None)
    shown = [
        name for name in fields if name != head_name and name not in HIDDEN and name not in (*EVIDENCE, "severity")
    ]
    confidence = fields.get("confidence")
    return RowView(
        number=number,
        finding=line.part == "findings",
        severity=_known(words(fields.get("severity"))),
        severity_was=_told("severity", None, speaker, was).was,
        passed=words(fields.get("status")) in _PASSED,
        head=_told(head_name, fields.get(head_name), speaker, was) if head_name else Told("", speaker.words["none"]),
        details=tuple(
            told for name in shown if (told := _told(name, fields[name], speaker, was)).text or told.was is not None
        ),
        source=_source(words(fields.get("source")), speaker),
        confidence=f"{floor(confidence * 100)}%" if isinstance(confidence, int | float) else "",  # 99.6 is not 100
        verified_by="、".join(_source(one, speaker) for one in listed(fields.get("verified_by"))),
        review=words(fields.get("review")) or "none",
        box=None if fields.get("change") == "resolved" else box_of(fields),  # its box is on the earlier photo
        rank=_order(fields),
    )


def _told(name: str, value: JsonValue, speaker: Speaker, was: Fields | None = None) -> Told:
    before = None
    if was is not None and name in was:
        before = speaker.value(name, was[name]) or speaker.words["none"]
    return Told(speaker.clean(field_name(name, speaker.lang)), speaker.value(name, value), before)


def _facts(record: Fields, speaker: Speaker) -> list[Told]:
    """The known metadata of the scan; unknown values are omitted."""
    said = speaker.words
    facts = {
        "store": speaker.clean(words(record.get("store_id"))),
        "task": speaker.task(words(record.get("task"))),
        "captured": speaker.time(record.get("captured_at")),
        "received": speaker.time(record.get("received_at")),
        "question": speaker.clean(words(record.get("question"))),
        "engine": speaker.clean(words(record.get("engine"))),
        "scan": speaker.clean(words(record.get("scan_id"))),
    }
    return [Told(said[key], text) for key, text in facts.items() if text]


def _correction(one: Fields, numbers: Mapping[tuple[str, int], int], speaker: Speaker) -> Mapping[str, str]:
    name, row = words(one.get("field")), one.get("row")
    number = numbers.get((words(one.get("part")), row)) if isinstance(row, int) else None
    return {
        "number": "" if number is None else str(number),
        "field": speaker.clean(field_name(name, speaker.lang)) if name else "",
        "model_value": speaker.value(name, one.get("model_value")) or speaker.words["none"],
        "value": speaker.value(name, one.get("value")) or speaker.words["none"],
        "by": speaker.clean(words(one.get("by"))),
        "at": speaker.time(one.get("at")),
    }


def _comments(record: Fields, speaker: Speaker) -> list[Mapping[str, str]]:
    return [
        {
            "text": speaker.clean(words(one.get("comment"))),
            "by": speaker.clean(words(one.get("by"))),
            "at": speaker.time(one.get("at")),
        }
        for one in mappings(record.get("reviews"))
        if words(one.get("comment")).strip() and one.get("undone") is not True
    ]


def _source(source: str, speaker: Speaker) -> str:
    return speaker.words.get(f"source_{source}", speaker.clean(source))


def _known(severity: str) -> str:
    return severity if severity in SEVERITIES else ""


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else _NOT_RATED


def _order(fields: Fields) -> int:
    return _LAST if words(fields.get("status")) in _PASSED else _rank(words(fields.get("severity")))


def _side(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0.0


def _spots(box: tuple[float, float, float, float], wide: float, high: float) -> list[tuple[float, float]]:
    """Possible positions of a number, best first: the upper left corner, then the others, then inside."""
    left, top, right, bottom = box
    outer = [(left, top - high), (right - wide, top - high), (left, bottom), (right - wide, bottom)]
    beside = [(left - wide, top), (right, top), (left - wide, bottom - high), (right, bottom - high)]
    return [*outer, *beside, (left, top), (right - wide, bottom - high)]


def _within(
    spot: tuple[float, float], wide: float, high: float, width: float, height: float
) -> tuple[float, float, float, float]:
    left, top = max(0.0, min(spot[0], width - wide)), max(0.0, min(spot[1], height - high))
    return left, top, left + wide, top + high
