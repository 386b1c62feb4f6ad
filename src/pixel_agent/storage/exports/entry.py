"""One scan of an export, the input of all formats: the record as the API answers it, and its rows with corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import JsonValue

Fields: TypeAlias = Mapping[str, JsonValue]
Part: TypeAlias = Literal["items", "findings"]
PARTS: tuple[Part, ...] = ("items", "findings")


@dataclass(frozen=True, slots=True)
class Line:
    """One item or finding. `fields`: its current values, evidence included; `corrections`: the corrected values."""

    part: Part
    index: int
    fields: Fields
    corrections: tuple[Fields, ...] = ()

    @property
    def noun(self) -> str:
        """`item` or `finding`."""
        return "item" if self.part == "items" else "finding"


@dataclass(frozen=True, slots=True)
class Entry:
    """One scan. `number` is unique within a store; `record` has the shape of the answer to `GET /v1/scans/{id}`."""

    number: int
    record: Fields

    @property
    def reading(self) -> Fields:
        """The envelope with its corrections applied; empty if there is none."""
        return mapping(self.record.get("reading"))

    def lines(self) -> list[Line]:
        """Items, then findings, each with its corrections."""
        corrections: dict[tuple[str, int], list[Fields]] = {}
        for correction in mappings(self.record.get("corrections")):
            row = correction.get("row")
            if isinstance(row, int):
                corrections.setdefault((words(correction.get("part")), row), []).append(correction)
        reading = self.reading
        return [
            Line(part, index, row, tuple(corrections.get((part, index), ())))
            for part in PARTS
            for index, row in enumerate(mappings(reading.get(part)))
        ]

    def error(self) -> str:
        """The error message of a failed scan, else empty."""
        return words(mapping(self.record.get("problem") or self.record.get("error")).get("detail"))


def mapping(value: JsonValue) -> Fields:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: JsonValue) -> list[Fields]:
    """The objects of a list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def words(value: JsonValue) -> str:
    """The value if it is a text, else an empty text."""
    return value if isinstance(value, str) else ""


def listed(value: JsonValue) -> list[str]:
    """The texts of a list."""
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def box_of(fields: Fields) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of a row, in pixels of the original; None without a box, or if its area is empty."""
    value = fields.get("bbox")
    if not isinstance(value, list) or len(value) != 4:
        return None
    sides = [float(side) for side in value if isinstance(side, int | float) and not isinstance(side, bool)]
    if len(sides) != 4 or sides[2] <= sides[0] or sides[3] <= sides[1]:
        return None
    return sides[0], sides[1], sides[2], sides[3]


def moment(value: JsonValue) -> datetime | None:
    """Parse a time of the API (ISO 8601); None for anything else."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def latest(corrections: Sequence[Fields]) -> Fields:
    """The last correction; empty if there is none."""
    return max(corrections, key=lambda one: words(one.get("at")), default={})
