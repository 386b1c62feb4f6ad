from __future__ import annotations

import json

import pytest
from pydantic import JsonValue

from pixel_agent.core.errors import InvalidRequest
from pixel_agent.tasks.scoring import Case, read_cases, same, score_case, tally


def case(**expected: JsonValue) -> Case:
    return Case("a.jpg", "price_tag", {}, "tags", expected)


def reading(*rows: dict[str, JsonValue], **more: JsonValue) -> dict[str, JsonValue]:
    return {"items": [*rows], "warnings": [], **more}


@pytest.mark.parametrize(
    ("wanted", "got", "equal"),
    [
        (5.9, 5.901, True),
        (5.9, 5.91, False),
        ("Oat  Milk", "oat milk", True),
        ({"any": [1, None]}, None, True),
        ({"any": [1, 2]}, 3, False),
        (True, 1.0, True),
        (None, "", False),
    ],
)
def test_values_are_compared_as_people_would(wanted: JsonValue, got: JsonValue, equal: bool) -> None:
    assert same(wanted, got) is equal


def test_rows_are_matched_by_what_fits_best_whatever_their_order() -> None:
    score = score_case(
        case(rows=[{"name": "a", "price": 1}, {"name": "b", "price": 2}], count=2),
        reading({"name": "b", "price": 2}, {"name": "a", "price": 1}),
    )
    assert score.right


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ({"price": 590, "confidence": 0.99, "review": "advised"}, "sure"),
        ({"price": 590, "confidence": 0.3, "review": "advised"}, "wrong"),
        ({"price": 590, "confidence": None, "review": "none"}, "sure"),
        ({"price": 590, "confidence": None, "review": "advised"}, "wrong"),
        ({"price": None}, "missed"),
        ({"price": 5.9}, "right"),
    ],
)
def test_a_wrong_value_is_sure_where_nothing_says_that_it_may_be_wrong(row: dict[str, JsonValue], verdict: str) -> None:
    (value,) = score_case(case(rows=[{"price": 5.9}]), reading(row)).values
    assert value.verdict == verdict


def test_rows_texts_and_warnings_that_are_wrong_are_named() -> None:
    found = reading({"text": "Milk 1 l"}, {"text": "Bread"})
    assert score_case(case(no_rows=True), found).misses == ("2 rows, not 0",)
    assert score_case(case(contains=["Milk 1 l"], lacks=["Bread"]), found).misses == ("has 'Bread'",)
    assert score_case(case(warning="not_understood"), found).misses == ("no warning not_understood",)
    failed: dict[str, JsonValue] = {"items": [], "error": {"detail": "The file is no photo."}}
    assert score_case(case(no_rows=True), failed).misses == ("not read: The file is no photo.",)


def test_rates_by_kind_and_field() -> None:
    good = score_case(case(rows=[{"name": "a", "price": 1}]), reading({"name": "a", "price": 1}))
    bad = score_case(case(rows=[{"name": "a", "price": 1}]), reading({"name": "a", "price": 100}))
    by_field = tally([good, bad], "field")
    assert (by_field["name"].precision, by_field["price"].precision, by_field["price"].recall) == (1.0, 0.5, 0.5)
    total = tally([good, bad], "kind")["total"]
    assert (total.cases_right, total.cases, total.wrong, total.counts["sure"]) == (1, 2, 1, 1)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"file": "../a.jpg", "task": "x", "expected": {}}',
        '{"file": "a", "task": "x", "expected": {"row": 1}}',
    ],
)
def test_a_wrong_line_of_a_truth_file_is_named(line: str) -> None:
    good = json.dumps({"file": "a.jpg", "task": "code_read", "expected": {"no_rows": True}})
    with pytest.raises(InvalidRequest, match="line 2"):
        read_cases(f"{good}\n{line}\n")
