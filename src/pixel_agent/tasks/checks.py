"""Whether one value of an answer fits its schema; made once for each schema, asked for every value.

`jsonschema-rs` takes 0.4-8 µs a value, `jsonschema` 17-320 µs: with 60 rows an answer, on the loop that serves everybody.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import jsonschema_rs
from pydantic import JsonValue

Check: TypeAlias = Callable[[JsonValue], bool]

KEPT = 512
"""Compiled schemas that are remembered: compiling one takes 50 µs."""


def compile_check(schema: JsonValue) -> Check:
    """A function that says whether a value fits. No value fits what is no schema, or one that refers to others."""
    return _compiled(json.dumps(schema)) if isinstance(schema, dict) else _nothing


@lru_cache(KEPT)
def _compiled(schema: str) -> Check:
    try:
        return jsonschema_rs.Draft202012Validator(json.loads(schema), offline=True).is_valid
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return _nothing


def _nothing(_: JsonValue) -> bool:
    return False
