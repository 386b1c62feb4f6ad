"""Validates a person's correction of a finished row: is the field known, and has the value the field's type? Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from pydantic import JsonValue

from pixel_agent.core import Severity, Task
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.dates import DATE_FIELDS
from pixel_agent.tasks.names import shown
from pixel_agent.tasks.rules.tags import proven_gtin

FIXED: Final = frozenset({"source", "confidence", "verified_by", "review", "kind", "change", "gtin_source"})
"""Fields that record how a row was made; a correction cannot change them."""
MAX_TEXT = 2000
MAX_JSON = 20_000
"""Limit in characters: of a text, and of a list or an object written as JSON."""
MAX_NUMBER = 1e15

Kinds = frozenset[str]
_NUMBER, _WHOLE, _FLAG, _TEXT = (
    frozenset({"number"}),
    frozenset({"integer"}),
    frozenset({"boolean"}),
    frozenset({"string"}),
)
_ANY: Kinds = frozenset({"string", "number", "boolean", "array", "object"})
# Fields that code or rules fill; no schema gives their type.
_FILLED: Final[Mapping[str, Kinds]] = {
    **dict.fromkeys(("price", "expected_price", "fill_rate", "threshold_deg"), _NUMBER),
    "days_left": _WHOLE,
    **dict.fromkeys(("expiry_computed", "expected_present", "count_is_estimate"), _FLAG),
    **dict.fromkeys(("status", "reason", "evidence", "action", "text", "sign", "answer", "verdict"), _TEXT),
    **dict.fromkeys(("issues", "qr"), frozenset({"array"})),
}
_DATES = frozenset({*DATE_FIELDS, "valid_until"})
_SEVERITIES = tuple(severity.value for severity in Severity)
_SAID = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


def check_value(
    row: Mapping[str, JsonValue],
    field: str,
    value: JsonValue,
    task: Task | None,
    inner: Task | None = None,
    size: tuple[int, int] | None = None,
) -> JsonValue:
    """Return the value to store for one field of a finished row (the task's own fields only).

    Null is always accepted: it means "unreadable". `task` is None if the catalogue no longer has it, `inner` is the
    inner task of a comparison, `size` the photo's width and height. Raises InvalidRequest that says what is accepted.
    """
    asked = inner or task
    _check_field(row, field, task, inner)
    if field == "bbox":
        return _box(value, size)
    if value is None:
        return None
    if field == "gtin":
        return _gtin(value)
    if field in _DATES:
        return _date(field, value)
    if field == "severity":
        return _one_of(field, value, _SEVERITIES)
    schemas = list(_schemas(asked, field)) if asked else []
    words = [word for schema in schemas for word in _words(schema)]
    present = row.get(field)
    # Rules can fill a field with words that the model's schema does not list; then any text is accepted.
    if words and (present is None or present in words):
        return _one_of(field, value, words)
    _check_kind(field, value, _kinds(schemas) or _FILLED.get(field) or _kind_of(present))
    return value


def _check_field(row: Mapping[str, JsonValue], field: str, task: Task | None, inner: Task | None) -> None:
    known = dict.fromkeys((*row, *(columns_of(task, inner) if task else ()), "bbox"))
    accepted = [name for name in known if name not in FIXED]
    if field not in accepted:
        raise InvalidRequest(
            f'This row has no field "{shown(field)}" to correct.', f"Accepted are: {', '.join(accepted)}."
        )


def _box(value: JsonValue, size: tuple[int, int] | None) -> JsonValue:
    if value is None:
        return None
    width, height = size or (1_000_000, 1_000_000)
    if isinstance(value, list) and len(value) == 4 and all(type(side) is int for side in value):
        left, top, right, bottom = (side for side in value if isinstance(side, int))
        if 0 <= left < right <= width and 0 <= top < bottom <= height:
            return value
    limits = f", within {width} x {height} pixels" if size else ""
    raise _wrong("bbox", value, f"[left, top, right, bottom] in whole pixels of the photo{limits}, or null")


def _gtin(value: JsonValue) -> JsonValue:
    proven = proven_gtin(value.strip()) if isinstance(value, str) else None
    if proven is None:
        raise _wrong("gtin", value, "a text of 8, 12, 13 or 14 digits whose last one is the right check digit, or null")
    return proven


def _date(field: str, value: JsonValue) -> JsonValue:
    try:
        return date.fromisoformat(value.strip() if isinstance(value, str) else "").isoformat()
    except ValueError:
        raise _wrong(field, value, "a date like 2026-11-22, or null") from None


def _one_of(field: str, value: JsonValue, words: tuple[str, ...] | list[str]) -> JsonValue:
    if value not in words:
        raise _wrong(field, value, f"one of {', '.join(words)}, or null")
    return value


def _schemas(task: Task, field: str) -> Iterator[Mapping[str, JsonValue]]:
    """All schemas of fields with this name in a task's answer: several lists can have such a field."""
    properties = task.schema.get("properties")
    for name, part in properties.items() if isinstance(properties, dict) else []:
        if name == field and isinstance(part, dict):
            yield part
        items = part.get("items") if isinstance(part, dict) else None
        fields = items.get("properties") if isinstance(items, dict) else None
        schema = fields.get(field) if isinstance(fields, dict) else None
        if isinstance(schema, dict):
            yield schema


def _words(schema: Mapping[str, JsonValue]) -> list[str]:
    choices = schema.get("enum")
    return [word for word in choices if isinstance(word, str)] if isinstance(choices, list) else []


def _kinds(schemas: list[Mapping[str, JsonValue]]) -> Kinds:
    """The JSON types that the schemas name, without null."""
    found: set[str] = set()
    for schema in schemas:
        said = schema.get("type")
        found |= {kind for kind in (said if isinstance(said, list) else [said]) if isinstance(kind, str)}
    return frozenset(found & set(_SAID))


def _kind_of(value: JsonValue) -> Kinds:
    match value:
        case None:
            return _ANY
        case bool():
            return _FLAG
        case int() | float():
            return _NUMBER
        case str():
            return _TEXT
        case list():
            return frozenset({"array"})
        case dict():
            return frozenset({"object"})


def _check_kind(field: str, value: JsonValue, kinds: Kinds) -> None:
    said = " or ".join(words for kind, words in _SAID.items() if kind in kinds)
    own = _kind_of(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if not (own & kinds or (own == _NUMBER and "integer" in kinds and whole)):
        raise _wrong(field, value, f"{said}, or null")
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise _wrong(field, value, f"a text of at most {MAX_TEXT} characters")
    if isinstance(value, list | dict) and len(json.dumps(value)) > MAX_JSON:
        raise _wrong(field, value, f"at most {MAX_JSON} characters as JSON")
    if own == _NUMBER and isinstance(value, int | float):
        _check_number(field, value)


def _check_number(field: str, value: float) -> None:
    if abs(value) > MAX_NUMBER:
        raise _wrong(field, value, f"a number up to {MAX_NUMBER:.0e}")
    if value < 0 and (field.endswith("price") or field in ("facings", "empty_slots", "slots", "level", "portion")):
        raise _wrong(field, value, "a number from 0, or null")


def _wrong(field: str, value: JsonValue, accepted: str) -> InvalidRequest:
    said = json.dumps(value, ensure_ascii=False)
    return InvalidRequest(
        f"{said[:60]}{'…' if len(said) > 60 else ''} is no value for {field}.", f"Accepted is {accepted}."
    )
