"""Validates a scan's options before it runs: each task declares its options as JSON Schemas; all others are rejected.

Supported JSON Schema keywords: `type`, `minimum`, `maximum`, `minLength`, `maxLength`, `maxItems`, `items`,
`properties`, `anyOf` (as `required` alternatives) and `format: date`. Null means that the option is not given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date

from pydantic import JsonValue

from pixel_agent.core import Task
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.tasks.names import shown

COMMON: Mapping[str, JsonValue] = {"today": {"type": "string", "format": "date"}}
"""Options that every task accepts."""

INNER = "task"
"""The option that names a comparison's inner task."""

MAX_DEPTH = 16
MAX_VALUES = 20_000
MAX_NUMBER = 1e15
"""Limits of any option's value: nesting depth, number of values, and size of its numbers."""

_KINDS: Mapping[str, tuple[tuple[str, str], type | tuple[type, ...]]] = {
    "string": (("a text", "texts"), str),
    "integer": (("a whole number", "whole numbers"), int),
    "number": (("a number", "numbers"), (int, float)),
    "array": (("a list", "lists"), list),
    "object": (("an object", "objects"), dict),
    "boolean": (("true or false", "flags"), bool),
}


def check_options(task: Task, options: Mapping[str, JsonValue], inner: Task | None = None) -> None:
    """Reject options that the task does not have, or whose values it cannot use. Pure; takes time linear in the size.

    `inner` is the inner task of a comparison: its options are accepted too. Without it, only a comparison's own options
    are checked; the scans of the inner task check the rest. Raises InvalidRequest that names the option and what is
    accepted.
    """
    accepted = option_schemas(task) | (option_schemas(inner) if inner is not None else {})
    for name, value in options.items():
        if name not in accepted:
            if task.photos > 1 and inner is None:
                continue
            whose = inner.id if inner is not None else task.id
            raise InvalidRequest(
                f'{whose} has no option "{shown(name)}".', f"Accepted are: {', '.join(sorted(accepted))}."
            )
        if value is None:
            continue
        schema = accepted[name]
        rules = schema if isinstance(schema, dict) else {}
        problem = _problem(value, rules, f"options.{name}") or _unfit(value, f"options.{name}")
        if problem:
            raise InvalidRequest(f"{problem}.", f"Accepted for options.{name}: {describe_option(rules)}, or null.")


def option_schemas(task: Task) -> dict[str, JsonValue]:
    """The JSON Schema of each option that a task accepts. Options of custom tasks have no schema and take any JSON."""
    return {**COMMON, **{name: {} for name in task.options}, **task.option_schema}


def inner_options(options: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The options of a comparison that belong to its inner task."""
    return {name: value for name, value in options.items() if name != INNER}


def describe_option(schema: Mapping[str, JsonValue]) -> str:
    """Describe in words which values an option accepts."""
    if not schema:
        return f"any JSON of at most {MAX_VALUES} values"
    if schema.get("format") == "date":
        return "a date like 2026-11-22"
    kind = _kind_names(schema, plural=False)
    if "minimum" in schema or "maximum" in schema:
        kind += f" from {schema.get('minimum', '-∞')} to {schema.get('maximum', '∞')}"
    if "maxLength" in schema:
        kind += f" of {schema.get('minLength', 0)} to {schema['maxLength']} signs"
    if "maxItems" in schema:
        items = schema.get("items")
        kind += f" of at most {schema['maxItems']} {_kind_names(items, plural=True) if isinstance(items, dict) else ''}"
    properties = schema.get("properties")
    if isinstance(properties, dict):
        kind += f" with {', '.join(properties)}"
    return kind.strip()


def _problem(value: JsonValue, schema: Mapping[str, JsonValue], where: str) -> str:
    """What is wrong with a value; empty if it is valid. Nested values are checked only as deep as the schema goes."""
    kinds = _kinds(schema)
    if kinds and not any(_is(value, kind) for kind in kinds):
        return f"{where} is {_name(value)}, not {_kind_names(schema, plural=False)}"
    match value:
        case bool():
            return ""
        case int() | float():
            return _number_problem(value, schema, where)
        case str():
            return _text_problem(value, schema, where)
        case list():
            return _list_problem(value, schema, where)
        case dict():
            return _object_problem(value, schema, where)
    return ""


def _number_problem(value: float, schema: Mapping[str, JsonValue], where: str) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{where} is not a finite number"
    low, high = schema.get("minimum"), schema.get("maximum")
    least = low if isinstance(low, int | float) else -MAX_NUMBER
    most = high if isinstance(high, int | float) else MAX_NUMBER
    return "" if least <= value <= most else f"{where} is out of range"


def _text_problem(value: str, schema: Mapping[str, JsonValue], where: str) -> str:
    if schema.get("format") == "date":
        return "" if _is_date(value) else f'{where} is not a date: "{shown(value)}"'
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(value.strip()) < least:
        return f"{where} is empty" if least == 1 else f"{where} is too short"
    return f"{where} is longer than {most} signs" if isinstance(most, int) and len(value) > most else ""


def _list_problem(value: list[JsonValue], schema: Mapping[str, JsonValue], where: str) -> str:
    most, items = schema.get("maxItems"), schema.get("items")
    if isinstance(most, int) and len(value) > most:
        return f"{where} holds {len(value)} entries, more than {most}"
    rules = items if isinstance(items, dict) else {}
    found = (_problem(entry, rules, f"{where}[{index}]") for index, entry in enumerate(value))
    return next(filter(None, found), "")


def _object_problem(value: dict[str, JsonValue], schema: Mapping[str, JsonValue], where: str) -> str:
    properties, anyof = schema.get("properties"), schema.get("anyOf")
    for name, rules in properties.items() if isinstance(properties, dict) else []:
        if value.get(name) is not None and isinstance(rules, dict):
            problem = _problem(value[name], rules, f"{where}.{name}")
            if problem:
                return problem
    wanted = (
        [name for part in anyof if isinstance(part, dict) for name in _names(part)] if isinstance(anyof, list) else []
    )
    if wanted and not any(value.get(name) not in (None, "") for name in wanted):
        return f"{where} has none of {', '.join(wanted)}"
    return ""


def _unfit(value: JsonValue, where: str) -> str:
    """What is wrong with a value whatever its schema: a number too large, nesting too deep, or too many values."""
    for count, (part, depth) in enumerate(_parts(value)):
        if depth > MAX_DEPTH or count >= MAX_VALUES:
            return f"{where} nests deeper than {MAX_DEPTH} or holds more than {MAX_VALUES} values"
        if isinstance(part, int | float) and not isinstance(part, bool) and _number_problem(part, {}, where):
            return f"{where} holds a number that is not finite or too large"
    return ""


def _parts(value: JsonValue) -> Iterator[tuple[JsonValue, int]]:
    waiting: list[tuple[JsonValue, int]] = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        yield part, depth
        inside = part if isinstance(part, list) else list(part.values()) if isinstance(part, dict) else []
        waiting.extend((entry, depth + 1) for entry in inside)


def _kinds(schema: Mapping[str, JsonValue]) -> list[str]:
    kinds = schema.get("type")
    return [
        kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str) and kind in _KINDS
    ]


def _kind_names(schema: Mapping[str, JsonValue], *, plural: bool) -> str:
    return " or ".join(_KINDS[kind][0][plural] for kind in _kinds(schema)) or ("values" if plural else "a value")


def _is(value: JsonValue, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind][1])


def _name(value: JsonValue) -> str:
    """Describe a value for a message: `the text "99"`, `a list`."""
    if isinstance(value, str):
        return f'the text "{shown(value)}"'
    if value is None:
        return "null"
    return next(names[0] for kind, (names, _) in _KINDS.items() if kind != "integer" and _is(value, kind))


def _names(part: Mapping[str, JsonValue]) -> list[str]:
    required = part.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def _is_date(value: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True
