from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import JsonValue

from pixel_agent.tasks.checks import compile_check
from pixel_agent.tasks.forms import BOX, COUNT, FLAG, NUMBER, TEXT, choice

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["a", "b", "", "1"])
catalogue = [
    TEXT,
    NUMBER,
    COUNT,
    FLAG,
    BOX,
    choice("a", "b"),
    {"type": "string"},
    {"type": "array"},
    {"type": "object"},
]
richer = [{"enum": [1, "a"]}, {"type": "string", "maxLength": 0}, {"type": "integer", "enum": [1, None]}, {}]
schemas = st.sampled_from([*catalogue, *richer])


@given(schemas, values | st.lists(values, max_size=4) | st.dictionaries(st.just("a"), values))
@settings(deadline=None, max_examples=100)
def test_it_agrees_with_the_reference_implementation(schema: dict[str, JsonValue], value: JsonValue) -> None:
    assert compile_check(schema)(value) == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("schema", [None, 3, "string", [], {"type": 5}, {"$ref": "https://example.com/schema"}])
def test_nothing_fits_what_is_no_schema(schema: JsonValue) -> None:
    assert not compile_check(schema)("a")
