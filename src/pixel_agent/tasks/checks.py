"""Checks whether one value of an answer fits its schema; each schema is compiled once. Used by `answers`.

`jsonschema-rs` takes 0.4-8 µs a value, `jsonschema` 17-320 µs; an answer has up to 60 rows, and the check runs on the
event loop that serves all clients.
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
"""Number of compiled schemas in the cache: compiling one takes 50 µs."""


def compile_check(schema: JsonValue) -> Check:
    """Compile a schema into a function: does a value fit? No value fits an invalid schema or one with references."""
    return _compiled(json.dumps(schema)) if isinstance(schema, dict) else _nothing


@lru_cache(KEPT)
def _compiled(schema: str) -> Check:
    try:
        return jsonschema_rs.Draft202012Validator(json.loads(schema), offline=True).is_valid
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return _nothing


def _nothing(_: JsonValue) -> bool:
    return False
