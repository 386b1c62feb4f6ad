"""Matches corrections of a reading to another reading of the same photo and task. Pure; for `correction_transfer`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from pydantic import JsonValue

from pixel_agent.core import Box
from pixel_agent.core.envelope import Envelope, RowOut
from pixel_agent.core.geometry import overlap
from pixel_agent.schemas.reviews import Part
from pixel_agent.storage.corrections import PARTS, ReviewRecord, rows_of, value_of

SAME_NAME = 0.6
SAME_PLACE_IOU = 0.5
"""Minimum overlap of boxes, with a minimum similarity of names, at which two rows mean the same object; two different
neighbouring objects reach neither."""

_NAMES = ("name", "shop_name", "rule_id", "hazard", "position_id", "object", "tag_text", "sign_text", "text", "item")
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class Carried:
    """A transferred correction: its row in the new reading (None: no match), and the model's value there."""

    correction: ReviewRecord
    row: int | None
    model_value: JsonValue


@dataclass(frozen=True, slots=True)
class _Face:
    """The features that identify a row; for a corrected row also the corrected values."""

    whole: Mapping[str, JsonValue]
    kind: JsonValue
    gtins: frozenset[str]
    names: frozenset[str]
    box: Box | None


def carried(fixed: Sequence[ReviewRecord], before: Envelope, after: Envelope) -> list[Carried]:
    """Find the rows of `after` for corrections of `before` (the model's uncorrected reading).

    Rows match if all their values are equal, else by the same GTIN, else by overlapping boxes and similar names, else
    by a name that is unique in both readings. The best match goes first; every row matches at most once.
    """
    pairs = {part: _pairs(before, after, part, fixed) for part in PARTS}
    return [_land(correction, pairs, after) for correction in fixed]


def _land(correction: ReviewRecord, pairs: Mapping[Part, Mapping[int, int]], after: Envelope) -> Carried:
    part, row, field = correction.part, correction.row, correction.field
    if part is None or row is None or field is None or row not in pairs[part]:
        return Carried(correction, None, correction.model_value)
    landed = pairs[part][row]
    return Carried(correction, landed, value_of(rows_of(after, part)[landed], field))


def _pairs(before: Envelope, after: Envelope, part: Part, fixed: Sequence[ReviewRecord]) -> dict[int, int]:
    """Match all rows against all rows, so that no correction takes the match of a row that was right."""
    old = [
        _face(row, [c for c in fixed if (c.part, c.row) == (part, n)]) for n, row in enumerate(rows_of(before, part))
    ]
    new = [_face(row, ()) for row in rows_of(after, part)]
    once = _once(old) & _once(new)
    scored = [(_score(one, other, once), i == j, -i, -j) for i, one in enumerate(old) for j, other in enumerate(new)]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for score, _, i, j in sorted(scored, reverse=True):
        if score > 0 and -i not in pairs and -j not in taken:
            pairs[-i] = -j
            taken.add(-j)
    return pairs


def _face(row: RowOut, fixed: Sequence[ReviewRecord]) -> _Face:
    right = {correction.field: correction.value for correction in fixed}
    names = {_name(row, {}), _name(row, right)}
    gtins = {str(gtin).zfill(14) for gtin in (value_of(row, "gtin"), right.get("gtin")) if gtin}
    whole = {**(row.model_extra or {}), "bbox": value_of(row, "bbox")}
    return _Face(whole, value_of(row, "kind"), frozenset(gtins), frozenset(names) - {""}, row.bbox)


def _name(row: RowOut, right: Mapping[str | None, JsonValue]) -> str:
    """The first descriptive text of a row, corrected where a correction exists."""
    texts = (right.get(field) or value_of(row, field) for field in _NAMES)
    return next((text.strip().casefold()[:_LONGEST] for text in texts if isinstance(text, str) and text.strip()), "")


def _once(faces: Sequence[_Face]) -> frozenset[str]:
    """Names that exactly one row has."""
    counted = Counter(name for face in faces for name in face.names)
    return frozenset(name for name, number in counted.items() if number == 1)


def _score(one: _Face, other: _Face, once: frozenset[str]) -> float:
    """0 for different objects, else above 0 and higher for a surer match."""
    if one.whole == other.whole:
        return 10.0
    if one.kind != other.kind or (one.gtins and other.gtins and not one.gtins & other.gtins):
        return 0.0
    place = _same_place(one.box, other.box)
    if one.gtins & other.gtins:
        return 5.0 + place
    if place >= SAME_PLACE_IOU and (alike := _likeness(one.names, other.names)) >= SAME_NAME:
        return 1.0 + place + alike
    return 0.5 if one.names & other.names & once else 0.0


def _likeness(some: frozenset[str], others: frozenset[str]) -> float:
    """Similarity of the most similar pair of names; 1 if neither row has a name."""
    if not some and not others:
        return 1.0
    return max((SequenceMatcher(None, a, b, autojunk=False).ratio() for a in some for b in others), default=0.0)


def _same_place(one: Box | None, other: Box | None) -> float:
    """Intersection over union of two boxes."""
    if one is None or other is None:
        return 0.0
    return overlap(one, other)
