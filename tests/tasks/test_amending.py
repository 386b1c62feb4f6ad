"""Corrections of a row: only existing fields, only values of their type; null is always valid."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core.errors import InvalidRequest
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.amending import FIXED, check_value
from pixel_agent.tasks.columns import columns_of
from tests.tasks.build import COLA

TASKS = Catalogue()
TAG: dict[str, JsonValue] = {"name": "水", "sale_price": None, "issues": [], "expected_price": None}


def check(field: str, value: JsonValue, task: str = "price_tag", **row: JsonValue) -> JsonValue:
    return check_value(row or TAG, field, value, TASKS.find(task), None, (100, 80))


@pytest.mark.parametrize("value", [2.5, 3, 0, None])
def test_a_price_is_a_number_or_nothing(value: JsonValue) -> None:
    assert check("sale_price", value) == value


@pytest.mark.parametrize("value", ["2.5", True, [2.5], -1, 1e300])
def test_what_is_no_price_is_refused_with_what_is_accepted(value: JsonValue) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check("sale_price", value)
    assert "a number" in refused.value.advice


def test_a_column_that_the_row_lacks_can_be_filled_in() -> None:
    assert check("origin", "云南") == "云南"


@pytest.mark.parametrize("field", ["colour", "", "confidence", "review", "source", "verified_by", "kind"])
def test_other_fields_are_refused_and_those_there_are_named(field: str) -> None:
    with pytest.raises(InvalidRequest, match="no field") as refused:
        check(field, "x")
    assert "sale_price" in refused.value.advice


def test_a_gtin_needs_its_check_digit_and_is_kept_as_codes_are() -> None:
    assert check("gtin", f" {COLA} ") == COLA
    assert check("gtin", "036000291452") == "0036000291452"
    for wrong in (COLA[:-1] + "3", "123", int(COLA), ""):
        with pytest.raises(InvalidRequest, match="gtin"):
            check("gtin", wrong)


def test_dates_are_written_in_one_way() -> None:
    assert check("expiry_date", "2026-11-22", "expiry_check", name="奶") == "2026-11-22"
    for wrong in ("22.11.2026", "2026-02-30", 20261122):
        with pytest.raises(InvalidRequest, match="expiry_date"):
            check("expiry_date", wrong, "expiry_check", name="奶")


def test_words_of_a_choice_are_those_of_the_task() -> None:
    row: dict[str, JsonValue] = {"rule_id": "hat", "status": "fail", "severity": "major"}
    assert check("status", "pass", "kitchen_hygiene", **row) == "pass"
    for field, value in (("status", "fine"), ("severity", "awful"), ("rule_id", "shoes")):
        with pytest.raises(InvalidRequest, match=field):
            check(field, value, "kitchen_hygiene", **row)


def test_where_rules_wrote_freely_any_text_will_do() -> None:
    assert check("condition", "满100元", "promo_check", condition="满50元") == "满100元"


def test_counts_are_whole() -> None:
    assert check("facings", 3.0, "product_full_scan") == 3.0
    for wrong in (2.5, -1, "3"):
        with pytest.raises(InvalidRequest, match="facings"):
            check("facings", wrong, "product_full_scan")


def test_a_box_lies_within_the_photo() -> None:
    assert check("bbox", [0, 0, 100, 80]) == [0, 0, 100, 80]
    assert check("bbox", None) is None
    wrong: list[JsonValue] = [[0, 0, 101, 80], [5, 5, 5, 9], [0, 0, 9], "box", [0, 0, 9.5, 9], [True, 0, 9, 9]]
    for value in wrong:
        with pytest.raises(InvalidRequest, match="bbox"):
            check("bbox", value)


def test_rows_of_a_comparison_have_the_fields_of_its_inner_task() -> None:
    compare, inner = TASKS.find("compare"), TASKS.find("price_tag")
    assert check_value({"change": "new"}, "sale_price", 3, compare, inner) == 3
    with pytest.raises(InvalidRequest):
        check_value({"change": "new"}, "change", "resolved", compare, inner)


def test_a_task_that_is_gone_leaves_the_fields_of_the_row() -> None:
    assert check_value({"shade": "red"}, "shade", "blue", None) == "blue"
    for field, value in (("shade", 3), ("hue", "blue")):
        with pytest.raises(InvalidRequest):
            check_value({"shade": "red"}, field, value, None)


def test_long_texts_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="name"):
        check("name", "水" * 2001)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([(task.id, field) for task in TASKS for field in (*columns_of(task), "bbox", *FIXED)])


@settings(deadline=None, max_examples=100)
@given(fields, json)
def test_every_value_is_taken_or_refused_with_advice(where: tuple[str, str], value: JsonValue) -> None:
    task, field = where
    refused: InvalidRequest | None = None
    taken: JsonValue = None
    try:
        taken = check_value({}, field, value, TASKS.find(task), None, (100, 80))
    except InvalidRequest as error:
        refused = error
    if refused is None:
        assert (taken is None) == (value is None)
    else:
        assert refused.advice
        assert value is not None or field in FIXED
