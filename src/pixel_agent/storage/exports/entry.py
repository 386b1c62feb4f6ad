"""One scan on its way into a file: the record as it is answered over HTTP, and its rows with what people put right."""

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
    """One item or finding. `fields` are its values as they hold now, evidence included; `corrections` those put right."""

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
    """One scan. `number` is unique among the scans of a store; `record` has the shape that `GET /v1/scans/{id}` answers."""

    number: int
    record: Fields

    @property
    def reading(self) -> Fields:
        """The envelope with the corrections laid over it; empty where there is none."""
        return mapping(self.record.get("reading"))

    def lines(self) -> list[Line]:
        """Items, then findings, each with the corrections that belong to it."""
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
        """Why it failed, in words; empty where it did not."""
        return words(mapping(self.record.get("problem") or self.record.get("error")).get("detail"))


def mapping(value: JsonValue) -> Fields:
    """The object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def mappings(value: JsonValue) -> list[Fields]:
    """The objects of a list."""
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def words(value: JsonValue) -> str:
    """The text, empty for anything else."""
    return value if isinstance(value, str) else ""


def listed(value: JsonValue) -> list[str]:
    """The texts of a list."""
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def box_of(fields: Fields) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom of a row, in pixels of the original; None without a place, or without an extent."""
    value = fields.get("bbox")
    if not isinstance(value, list) or len(value) != 4:
        return None
    sides = [float(side) for side in value if isinstance(side, int | float) and not isinstance(side, bool)]
    if len(sides) != 4 or sides[2] <= sides[0] or sides[3] <= sides[1]:
        return None
    return sides[0], sides[1], sides[2], sides[3]


def moment(value: JsonValue) -> datetime | None:
    """A time as the wire has it (ISO 8601); None for anything else."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def latest(corrections: Sequence[Fields]) -> Fields:
    """The correction that was made last; empty where there is none."""
    return max(corrections, key=lambda one: words(one.get("at")), default={})
