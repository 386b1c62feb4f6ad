from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Task
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.tasks import BUILT_IN, Catalogue
from pixel_agent.tasks.options import check_options, inner_options, option_schemas
from tests.tasks.test_custom import load

FIND = Catalogue().find
DEEP: JsonValue = json.loads("[" * 200 + "]" * 200)


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
def test_every_option_has_a_schema_that_takes_its_default(task: Task) -> None:
    assert set(task.options) == set(task.option_schema)
    check_options(task, task.options)
    check_options(task, {"today": "2026-11-22"})


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("price_tag", {"expected_price": 9.9}),
        ("price_tag", {"expected_price": None}),
        ("expiry_check", {"near_days": 7, "today": "2026-11-22"}),
        ("expiry_check", {"near_days": 7.0}),
        ("neatness_check", {"threshold_deg": 7.5}),
        ("promo_check", {"expected": ["双11"]}),
        ("planogram_check", {"planogram": [{"gtin": 6901234567892, "level": 1}, {"name": "水", "position_id": "A2"}]}),
        ("planogram_check", {"planogram": [{"gtin": "6901234567892", "name": None, "category": "饮料"}]}),
    ],
)
def test_what_a_task_can_use_is_accepted(task: str, options: dict[str, JsonValue]) -> None:
    check_options(FIND(task), options)


@pytest.mark.parametrize(
    ("task", "options", "where", "accepted"),
    [
        ("price_tag", {"expected_price": "99"}, 'options.expected_price is the text "99", not a number', "from 0"),
        ("price_tag", {"expected_price": True}, "options.expected_price", "a number"),
        ("price_tag", {"expected_price": -1}, "options.expected_price is out of range", "from 0"),
        ("price_tag", {"expected_price": float("nan")}, "options.expected_price is not a finite number", "a number"),
        ("price_tag", {"expected_price": float("inf")}, "options.expected_price is not a finite number", "a number"),
        ("price_tag", {"expected_price": 10**400}, "options.expected_price is out of range", "a number"),
        ("price_tag", {"expected_price": [1]}, "options.expected_price is a list", "a number"),
        ("expiry_check", {"near_days": "abc"}, "options.near_days", "a whole number from 0 to 3650"),
        ("expiry_check", {"near_days": -1}, "options.near_days", "from 0 to 3650"),
        ("expiry_check", {"near_days": 1.5}, "options.near_days", "a whole number"),
        ("expiry_check", {"neardays": 3}, 'expiry_check has no option "neardays"', "near_days, today"),
        ("expiry_check", {"today": "22.11.2026"}, "options.today is not a date", "2026-11-22"),
        ("expiry_check", {"today": 20261122}, "options.today is a number", "2026-11-22"),
        ("text_read", {"lang": "zh"}, 'text_read has no option "lang"', "today"),
        ("promo_check", {"expected": "abc"}, "options.expected", "a list of at most 100 texts"),
        ("promo_check", {"expected": [3]}, "options.expected[0] is a number", "texts"),
        ("promo_check", {"expected": ["a", " "]}, "options.expected[1] is empty", "texts"),
        ("promo_check", {"expected": ["x"] * 20_000}, "options.expected holds 20000 entries, more than 100", "100"),
        ("promo_check", {"expected": DEEP}, "options.expected[0] is a list", "texts"),
        ("planogram_check", {"planogram": {"gtin": "1"}}, "options.planogram is an object", "at most 500 objects"),
        ("planogram_check", {"planogram": [{"gtin": "1"}] * 20_000}, "20000 entries, more than 500", "500"),
        ("planogram_check", {"planogram": [{"gtin": "1"}, {"slot": 1}]}, "options.planogram[1] has none of", "objects"),
        ("planogram_check", {"planogram": [{"gtin": "1", "level": "2"}]}, "options.planogram[0].level", "objects"),
        ("planogram_check", {"planogram": [{"gtin": "1", "x": DEEP}]}, "options.planogram nests deeper", "objects"),
        ("compare", {"task": 3}, "options.task is a number", "a text"),
    ],
)
def test_what_it_cannot_use_is_refused_by_name(
    task: str, options: dict[str, JsonValue], where: str, accepted: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_options(FIND(task), options)
    assert caught.value.code == "invalid_request"
    assert where in caught.value.message
    assert accepted in caught.value.advice


def test_a_comparison_takes_the_options_of_its_inner_task_too() -> None:
    options: dict[str, JsonValue] = {"task": "expiry_check", "near_days": 3}
    check_options(FIND("compare"), options)
    check_options(FIND("compare"), options, FIND("expiry_check"))
    check_options(FIND("expiry_check"), inner_options(options))
    with pytest.raises(InvalidRequest, match='price_tag has no option "near_days"'):
        check_options(FIND("compare"), options, FIND("price_tag"))


def test_a_task_of_the_operator_takes_any_json_under_the_names_it_declares(tmp_path: Path) -> None:
    source = "[tasks.fridge]\nzh = '冰柜'\nen = 'Fridge'\nprompt_en = '?'\noptions = {limit_c = 4}\n"
    fridge = load(tmp_path, source + "schema = {type = 'object', properties = {}}\n").find("fridge")
    check_options(fridge, {"limit_c": {"any": ["JSON", None, True]}, "today": "2026-11-22"})
    for name, value in (("limit", 4), ("limit_c", float("nan")), ("limit_c", DEEP)):
        with pytest.raises(InvalidRequest, match="limit"):
            check_options(fridge, {name: value})


json_values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4),
    max_leaves=8,
)


@given(task=st.sampled_from(BUILT_IN), data=st.data())
@settings(deadline=None, max_examples=100)
def test_any_json_is_accepted_or_refused_never_a_crash(task: Task, data: st.DataObject) -> None:
    names = st.sampled_from([*option_schemas(task), "other"]) | st.text(max_size=9)
    with suppress(InvalidRequest):
        check_options(task, data.draw(st.dictionaries(names, json_values, max_size=3)))


def test_a_hostile_name_is_echoed_harmlessly() -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_options(FIND("price_tag"), {"\x1b[31m\ud800" + "x" * 10_000: 1})
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200
