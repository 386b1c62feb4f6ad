from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.tasks.loose_json import MAX_DEPTH, Found, _Reader, find_values

leaves = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(alphabet='ab可"\\\n,:{}[]', max_size=8)
trees = st.dictionaries(
    st.text(alphabet="abc可", min_size=1, max_size=5),
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xyz", min_size=1), inner)
    ),
    min_size=1,
    max_size=5,
)


def values(text: str) -> list[Any]:
    return [found.value for found in find_values(text)]


def loosely(text: str) -> Found:
    reader = _Reader(text, 0)
    return Found(reader.value(0), False, reader.cut)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'a': 'b'}", {"a": "b"}),
        ("{a: b, c: 3}", {"a": "b", "c": 3}),
        ('{"a": 1,,}', {"a": 1}),
        ('{"a": 1 "b": 2}', {"a": 1, "b": 2}),
        ('{"a": "x" "b": 2}', {"a": "x", "b": 2}),
        ('{"a": True, "b": None, "c": NaN}', {"a": True, "b": None, "c": None}),
        ('{"a": "say "hi" now"}', {"a": 'say "hi" now'}),
        ("{'a': 'it's'}", {"a": "it's"}),
        ('{"a": , "b": 2}', {"b": 2}),
        ('{"a": [1, 2}', {"a": [1, 2]}),
        ('[{"a": 1 {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('{"a": 1 // one\n, # two\n /* three */ "b": 2}', {"a": 1, "b": 2}),
        ('{"a": "\\ud83d\\ude00\\n\\/"}', {"a": "😀\n/"}),
        ("{“a”：“b”，“c”：2}", {"a": "b", "c": 2}),
        ('{"a": -1.5e2}', {"a": -150.0}),
    ],
)
def test_what_models_write_is_read(text: str, value: object) -> None:
    assert loosely(text) == Found(value, strict=False, cut=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 12', {}),
        ('{"a": "b', {}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": [1, 2', {"a": [1]}),
        ("{", {}),
        ('{"a": tr', {}),
    ],
)
def test_what_is_cut_off_is_left_out(text: str, value: object) -> None:
    assert loosely(text) == Found(value, strict=False, cut=True)


def test_values_come_in_order_and_none_from_inside_another() -> None:
    assert values('a {"b": {"c": 1}} d [ {"e": 2} ] f {g: 3} [4]') == [{"b": {"c": 1}}, [{"e": 2}], {"g": 3}]


def test_what_is_nested_too_deep_is_cut() -> None:
    found = loosely('{"a":' * (MAX_DEPTH + 5))
    assert found.cut


@given(trees)
@settings(deadline=None, max_examples=100)
def test_good_json_is_read_alike_with_and_without_mending(tree: dict[str, Any]) -> None:
    text = json.dumps(tree, ensure_ascii=False)
    assert values(text) == [tree]


@given(trees, st.data())
@settings(deadline=None, max_examples=100)
def test_a_cut_off_text_says_nothing_new(tree: dict[str, Any], data: st.DataObject) -> None:
    """Escaped, so that no quote inside a text is taken for its end."""
    text = json.dumps(tree)
    short = text[: data.draw(st.integers(1, len(text) - 1))]
    found = loosely(short)
    assert found.cut
    assert isinstance(found.value, dict)
    plain = {name: value for name, value in found.value.items() if isinstance(value, int | str | None)}
    assert all(tree[name] == value for name, value in plain.items())


@given(st.text(alphabet="{}[]\"'“”,:：\\/*#\n 1.-eabnu可`", max_size=300))
@settings(deadline=None, max_examples=100)
def test_any_text_is_read_to_its_end(text: str) -> None:
    for found in find_values(text):
        assert isinstance(found.value, dict | list)


HOSTILE = [
    "{",
    "[{",
    "{'",
    '{"a',
    '{"a":',
    '"',
    "'#\n.",
    "'1'1/*",
    "{/*",
    "{{.:",
    '{"items":[{"name":"',
    "\\",
    "{ ",
    '" ',
    "{“",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_steps_grow_no_faster_than_the_text(unit: str) -> None:
    def steps(length: int) -> int:
        counted = 0

        class Counting(str):
            def __getitem__(self, key: Any) -> str:
                nonlocal counted
                counted += 1
                return super().__getitem__(key)

        reader = _Reader(Counting('{"items":[' + unit * (length // len(unit))), 0)
        reader.value(0)
        return counted

    assert steps(8_000) <= 2.5 * steps(4_000) + 50
