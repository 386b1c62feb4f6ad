"""Turns a model's untrusted text into a draft: limits its size, repairs it and checks it against the task's schema.

Used by `reading`. Lists of objects become rows: `findings`, `gaps` and `misplaced` become findings, all others items.
If a schema has several lists of one type, `kind` names the list of each row. All other values go to `Draft.extra`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import cast

from pydantic import JsonValue

from pixel_agent.core import Box, Draft, Row, Source
from pixel_agent.tasks.checks import Check, compile_check
from pixel_agent.tasks.loose_json import MAX_DEPTH, find_values
from pixel_agent.tasks.rules.prices import find_prices

MAX_TEXT = 40_000
"""Only this many characters of an answer are read; 4,096 new tokens are about 16,000."""

MAX_VALUES = 500
"""Only this many values of a text are read; in a sequence of rows, each row is one value."""
MAX_STRING = 2_000
MAX_ROWS = 500
MAX_PRICE = 40
"""A text longer than this (in characters) is not read as a price."""
MAX_NUMBER = 1e15
FINDING_LISTS = frozenset({"findings", "gaps", "misplaced"})
BOX_FIELD = "bbox_2d"
BOX_SCALE = 1000
"""Models of the Qwen3-VL family give positions in thousandths of the photo's sides."""
BOX_SLIP = 200
"""A corner up to this far outside the photo is clipped. Beyond that the numbers are not thousandths and the box is
dropped: no position is better than a wrong one."""

_SINGULAR = {"levels": "level", "products": "product", "gaps": "gap", "items": "item", "findings": "finding"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Answer:
    """The usable part of a model's text: the draft, the numbers of dropped rows and values, and whether the text was
    cut off before the answer ended.
    """

    draft: Draft
    dropped_rows: int = 0
    dropped_values: int = 0
    cut: bool = False


def parse_answer(text: str, schema: Mapping[str, JsonValue], width: int, height: int) -> Answer | None:
    """Read an answer to `schema` about a photo of `width` x `height` pixels; None if nothing fits the schema.

    A row that does not fit is dropped; a value that does not fit becomes null where null is allowed. Never raises for
    any text, and takes time linear in its (bounded) length.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return None
    found = _content(_answers(text), properties)
    if found is None:
        return None
    content, cut = found
    reader = _Reader(properties, width, height)
    for name, part in properties.items():
        reader.read(name, part, content.get(name))
    return replace(reader.answer(), cut=cut)


def takes_prose(schema: Mapping[str, JsonValue]) -> bool:
    """Whether plain words are a valid answer: the schema has a top-level text field `answer`."""
    properties = schema.get("properties")
    answer = properties.get("answer") if isinstance(properties, dict) else None
    kinds = answer.get("type") if isinstance(answer, dict) else None
    return kinds == "string" or (isinstance(kinds, list) and "string" in kinds)


def clean(text: str, limit: int = MAX_STRING) -> str:
    """Remove control characters and lone surrogates from a model's text and cut it to `limit` characters."""
    return _CONTROL.sub("", text[:limit])


def pixel_box(value: JsonValue, width: int, height: int) -> Box | None:
    """Convert a box in thousandths to pixels of the photo, corners sorted and clipped; None for a bad or empty box."""
    value = _flat(value)
    if not isinstance(value, list) or len(value) != 4:
        return None
    parts: list[float] = []
    for part in value:
        if isinstance(part, bool) or not isinstance(part, int | float) or not math.isfinite(part):
            return None
        if not -BOX_SLIP <= part <= BOX_SCALE + BOX_SLIP:
            return None
        parts.append(min(max(float(part), 0.0), float(BOX_SCALE)))
    left, right = sorted((parts[0], parts[2]))
    top, bottom = sorted((parts[1], parts[3]))
    if left == right or top == bottom:
        return None
    return (
        math.floor(left * width / BOX_SCALE),
        math.floor(top * height / BOX_SCALE),
        math.ceil(right * width / BOX_SCALE),
        math.ceil(bottom * height / BOX_SCALE),
    )


def _flat(value: JsonValue) -> JsonValue:
    """Flatten a box written with an extra pair of brackets, or as two corners, into four numbers."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, list) for part in value):
        return [number for part in value if isinstance(part, list) for number in part]
    return value


class _Reader:
    """Sorts the values of one answer into rows and `extra`."""

    def __init__(self, properties: Mapping[str, JsonValue], width: int, height: int) -> None:
        self._size = width, height
        self._items: list[Row] = []
        self._findings: list[Row] = []
        self._extra: dict[str, JsonValue] = {}
        self._dropped_rows = 0
        self._dropped_values = 0
        lists = [name for name, part in properties.items() if _row_schema(part) is not None]
        sides = [{name for name in lists if (name in FINDING_LISTS) is side} for side in (True, False)]
        self._named = frozenset(name for side in sides if len(side) > 1 for name in side)

    def read(self, name: str, part: JsonValue, value: JsonValue) -> None:
        """Add one top-level value, checked against its schema `part`."""
        schema = _row_schema(part)
        if schema is None:
            self._extra[name] = self._value(compile_check(part), value)
            return
        rows = _RowChecks(schema)
        kind = _SINGULAR.get(name, name) if name in self._named else None
        value = _as_rows(value, rows)
        for entry in value[:MAX_ROWS] if isinstance(value, list) else ():
            row = self._row(rows, entry, kind)
            if row is None:
                self._dropped_rows += 1
            else:
                (self._findings if name in FINDING_LISTS else self._items).append(row)
        if isinstance(value, list):
            self._dropped_rows += max(0, len(value) - MAX_ROWS)
        elif value is not None:
            self._dropped_values += 1

    def answer(self) -> Answer:
        """Return the draft of all values read, and the counts of what was dropped."""
        draft = Draft(items=tuple(self._items), findings=tuple(self._findings), extra=self._extra)
        return Answer(draft, self._dropped_rows, self._dropped_values)

    def _row(self, checks: _RowChecks, entry: JsonValue, kind: str | None) -> Row | None:
        if not isinstance(entry, dict):
            return None
        fields = {name: self._value(check, entry.get(name)) for name, check in checks.fields.items()}
        if all(value is None for value in fields.values()) or not checks.accepts(fields):
            return None
        named: dict[str, JsonValue] = {} if kind is None else {"kind": kind}
        return Row({**named, **fields}, bbox=pixel_box(entry.get(BOX_FIELD), *self._size), source=Source.MODEL)

    def _value(self, fits: Check, value: JsonValue) -> JsonValue:
        """Return the value if it fits, else a simple conversion that fits, else null."""
        if value is None or fits(value):
            return value
        for candidate in _conversions(value):
            if fits(candidate):
                return candidate
        self._dropped_values += 1
        return None


def _as_rows(value: JsonValue, checks: _RowChecks) -> JsonValue:
    """Turn a single row, or an object whose values are rows, into a list; return anything else unchanged."""
    if not isinstance(value, dict):
        return value
    if set(value) & set(checks.fields):
        return [value]
    return list(value.values()) if value and all(isinstance(part, dict) for part in value.values()) else value


class _RowChecks:
    """The checks for the rows of one list: one per field, and the fields that must not be null."""

    def __init__(self, schema: Mapping[str, JsonValue]) -> None:
        properties = cast("dict[str, JsonValue]", schema["properties"])
        self.fields = {name: compile_check(part) for name, part in properties.items() if name != BOX_FIELD}
        required = schema.get("required")
        names = {str(name) for name in required} if isinstance(required, list) else set[str]()
        self._stated = [name for name, fits in self.fields.items() if name in names and not fits(None)]
        beyond = {"type", "properties", "required", "additionalProperties", "title", "description"}
        rest = {name: part for name, part in schema.items() if name not in beyond}
        self._rest = compile_check(rest) if rest else None

    def accepts(self, fields: Mapping[str, JsonValue]) -> bool:
        """Whether a row of checked fields is complete: all fields that cannot be null are present."""
        return all(fields[name] is not None for name in self._stated) and (
            self._rest is None or self._rest(dict(fields))
        )


def _answers(text: str) -> str:
    """Remove the model's thinking from its text; empty if the thinking never ended. An answer that is JSON inside a
    JSON string is unpacked.
    """
    body = text[:MAX_TEXT].rpartition("</think>")[2].strip()
    if body.startswith('"'):
        with suppress(ValueError):
            body = str(json.loads(body))
    return "" if body.startswith("<think>") else body


def _content(text: str, properties: Mapping[str, JsonValue]) -> tuple[Mapping[str, JsonValue], bool] | None:
    """The answer's object and whether it was cut off; None if nothing fits.

    Models write examples and drafts first, so the last fitting value wins; a value that is not empty goes before an
    empty one, and valid JSON before repaired JSON. Rows one after another form one list.
    """
    found = [(value, _tame(value.value, MAX_DEPTH)) for value in islice(find_values(text), MAX_VALUES)]
    for strict in (True, False):
        fitting = [
            (content, value.cut)
            for value, tamed in found
            if value.strict is strict and (content := _object(tamed, properties, strict)) is not None
        ]
        telling = [pair for pair in fitting if any(pair[0].values())]
        if fitting:
            return (telling or fitting)[-1]
        rows = [(tamed, value.cut) for value, tamed in found if value.strict is strict and isinstance(tamed, dict)]
        content = _object([tamed for tamed, _ in rows], properties, strict) if rows else None
        if content is not None:
            return content, any(cut for _, cut in rows)
    return None


def _tame(value: object, depth: int) -> JsonValue:
    """Limit the value: clean texts of bounded length, finite numbers, bounded depth; anything else becomes null."""
    if depth <= 0:
        return None
    match value:
        case bool():
            return value
        case str():
            return clean(value)
        case int() | float():
            return value if abs(value) <= MAX_NUMBER else None
        case list():
            return [_tame(part, depth - 1) for part in value]
        case dict():
            return {clean(str(name), 100): _tame(part, depth - 1) for name, part in value.items()}
        case _:
            return None


def _object(
    content: JsonValue, properties: Mapping[str, JsonValue], strict: bool, wrapped: bool = False
) -> Mapping[str, JsonValue] | None:
    """The answer's object, also inside one wrapper object; a bare list of rows is taken as the schema's first list.

    An empty list counts as an answer only if it is valid JSON (`strict`), not if repair left it empty.
    """
    if isinstance(content, list):
        first = next((name for name, part in properties.items() if _row_schema(part) is not None), None)
        row = _row_schema(properties[first]) if first is not None else None
        if first is None or row is None or not (content or strict):
            return None
        names = cast("dict[str, JsonValue]", row["properties"])
        rows = [part for part in content if isinstance(part, dict) and set(part) & set(names)]
        return {first: content} if rows or not content else None
    if not isinstance(content, dict):
        return None
    if set(content) & set(properties):
        return content
    inner = () if wrapped else (part for part in content.values() if isinstance(part, dict | list) and part)
    return next((found for part in inner if (found := _object(part, properties, strict, True)) is not None), None)


def _row_schema(part: JsonValue) -> dict[str, JsonValue] | None:
    """The schema of a list's rows; None if the schema is not a list of objects."""
    items = part.get("items") if isinstance(part, dict) and part.get("type") == "array" else None
    return items if isinstance(items, dict) and isinstance(items.get("properties"), dict) else None


def _conversions(value: JsonValue) -> Sequence[JsonValue]:
    """Harmless conversions of a value to try: text to number, number to text, text without padding or in lower case."""
    if isinstance(value, str):
        plain = value.strip()
        numbers: list[JsonValue] = []
        if (found := _stated_number(plain)) is not None:
            numbers = [int(found) if found == int(found) else found]
        return [plain, plain.lower(), *numbers, *({"true": [True], "false": [False]}.get(plain.lower(), []))]
    if isinstance(value, float) and value == int(value):
        return [int(value), str(value)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [str(value)]
    return []


def _stated_number(words: str) -> float | None:
    """A number as people write it, `1,299.00` or `3元5角`; None if the text states no number or several."""
    if match := re.fullmatch(
        r"[¥￥]?\s*(-?(?:[0-9]{1,12}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,6})?)\s*元?", words
    ):
        return float(match[1].replace(",", ""))
    prices = find_prices(words) if len(words) <= MAX_PRICE else []
    return float(prices[0].amount) if len(prices) == 1 else None
