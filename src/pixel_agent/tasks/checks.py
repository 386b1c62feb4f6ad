"""Whether one value of an answer fits its schema; made once per answer, asked for every value.

The catalogue's own schemas use `type` and `enum` only, and are checked here directly: a validator built per value took
24 ms for 60 rows, on the loop that serves everybody. Anything richer goes to jsonschema.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from jsonschema import Draft202012Validator
from pydantic import JsonValue

Check: TypeAlias = Callable[[JsonValue], bool]


def compile_check(schema: JsonValue) -> Check:
    """A function that tells whether a value fits. No value fits what is no schema."""
    if not isinstance(schema, dict):
        return lambda _: False
    kinds = _kinds(schema)
    words = schema.get("enum")
    if kinds is not None and not set(schema) - {"type", "enum", "description", "title"}:
        if words is None:
            return lambda value: any(_TYPES[kind](value) for kind in kinds)
        if isinstance(words, list) and all(word is None or isinstance(word, str) for word in words):
            return lambda value: (value is None or isinstance(value, str)) and value in words and _typed(kinds, value)
    validator = Draft202012Validator(schema)
    return lambda value: bool(validator.is_valid(value))


def _kinds(schema: Mapping[str, JsonValue]) -> list[str] | None:
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list):
        return None
    known = [kind for kind in kinds if isinstance(kind, str) and kind in _TYPES]
    return known if len(known) == len(kinds) else None


def _typed(kinds: list[str], value: JsonValue) -> bool:
    return any(_TYPES[kind](value) for kind in kinds)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: JsonValue) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


_TYPES: Mapping[str, Check] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "number": _is_number,
    "integer": _is_integer,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
