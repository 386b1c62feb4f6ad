"""Compares two visits of one shop for one task: what was resolved, what remains, what is new. Pure.

A visit has one or several photos. The rule is that for two photos scanned together (`tasks/compare.py`), applied to the
stored and corrected readings; the photos are not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import JsonValue

from pixel_agent.core import Alert, Change, Lang, Notice, Reading, Row, Severity, Status
from pixel_agent.core.envelope import Envelope, RowOut
from pixel_agent.tasks.compare import Size, compare_readings

VISIT_GAP_MS = 60 * 60 * 1000
"""Photos of one shop and task that are further apart than this belong to different visits."""

CHANGES: tuple[Change, ...] = ("resolved", "remaining", "new")
_ONE_OF_A_KIND = ("gtin", "position_id")
_PHRASES: dict[Lang, dict[Change, str]] = {
    "zh": {"resolved": "{} 项已整改", "remaining": "{} 项仍存在", "new": "{} 项新出现"},
    "en": {"resolved": "{} resolved", "remaining": "{} remaining", "new": "{} new"},
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two visits. Each row has `change`, and in `scan_id` the scan whose photo shows it."""

    resolved: tuple[Row, ...]
    remaining: tuple[Row, ...]
    new: tuple[Row, ...]
    summary: str
    warnings: tuple[Notice, ...]

    @property
    def counts(self) -> dict[Change, int]:
        """Number of rows for each change."""
        return {"resolved": len(self.resolved), "remaining": len(self.remaining), "new": len(self.new)}


def compare_visits(before: Sequence[Envelope], after: Sequence[Envelope], lang: Lang = "zh") -> Difference:
    """Return the difference of two visits. Pass corrected readings, at least one on each side.

    Boxes are compared only if each visit is one photo: two photos of one visit have no common coordinates. A row with
    its own number (GTIN, position) counts once in a visit, even if several photos show it.
    """
    single = len(before) == len(after) == 1
    compared = compare_readings(
        _whole(before),
        _whole(after),
        lang,
        before_size=_size(before[0]) if single else None,
        after_size=_size(after[0]) if single else None,
    )
    rows: dict[str, tuple[Row, ...]] = {
        change: tuple(row for row in compared.findings if row.fields["change"] == change) for change in CHANGES
    }
    return Difference(rows["resolved"], rows["remaining"], rows["new"], _summary(rows, lang), compared.warnings)


def latest_visits(newest_first: Sequence[T], at_ms: Callable[[T], int], number: int = 2) -> list[list[T]]:
    """The latest visits, newest first, each with its scans newest first; a gap of `VISIT_GAP_MS` separates visits."""
    found: list[list[T]] = []
    for one in newest_first:
        if found and at_ms(found[-1][-1]) - at_ms(one) <= VISIT_GAP_MS:
            found[-1].append(one)
        elif len(found) == number:
            break
        else:
            found.append([one])
    return found


def _whole(visit: Sequence[Envelope]) -> Reading:
    """Merge the readings of all photos of a visit into one."""
    parts = [_reading(envelope) for envelope in visit]
    return Reading(
        items=_once([row for part in parts for row in part.items]),
        findings=_once([row for part in parts for row in part.findings]),
        alerts=tuple(alert for part in parts for alert in part.alerts),
        complete=all(part.complete for part in parts),
    )


def _once(rows: Sequence[Row]) -> tuple[Row, ...]:
    kept: list[Row] = []
    seen: dict[tuple[JsonValue, ...], JsonValue] = {}
    for row in rows:
        known = next((name for name in _ONE_OF_A_KIND if row.fields.get(name)), None)
        scan = row.fields["scan_id"]
        if known is None or seen.setdefault((known, row.fields[known], row.fields.get("kind")), scan) == scan:
            kept.append(row)
    return tuple(kept)


def _reading(envelope: Envelope) -> Reading:
    alerts = (Alert(said.code, Severity(said.severity), said.message, said.bbox) for said in envelope.alerts)
    return Reading(
        items=tuple(_row(row, envelope.scan_id) for row in envelope.items),
        findings=tuple(_row(row, envelope.scan_id) for row in envelope.findings),
        alerts=tuple(alerts),
        complete=envelope.status == Status.COMPLETED,
    )


def _row(said: RowOut, scan_id: str) -> Row:
    row = said.as_row()
    return replace(row, fields={**row.fields, "scan_id": scan_id})


def _size(envelope: Envelope) -> Size | None:
    return (envelope.image.width, envelope.image.height) if envelope.image else None


def _summary(rows: dict[str, tuple[Row, ...]], lang: Lang) -> str:
    """`2 项已整改，1 项仍存在，0 项新出现。`, or a sentence that neither side has any row."""
    phrases = _PHRASES[lang]
    if not any(rows.values()):
        return "前后都没有发现需要比较的内容。" if lang == "zh" else "Nothing was found before or after."
    said = [phrases[change].format(len(rows[change])) for change in CHANGES]
    return ("，".join(said) + "。") if lang == "zh" else (", ".join(said) + ".")
