"""Sizes and units of sale."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.tasks.rules.units import find_specs, half_width, normal_unit, printed_unit, tidy_spec


@pytest.mark.parametrize(
    ("text", "spec", "amount", "measure", "count"),
    [
        ("500ml*12", "500ml*12", "500", "ml", 12), ("净含量:250g", "250g", "250", "g", 1), ("5kg/袋", "5kg/袋", "5", "kg", 1),
        ("12×330ml", "12×330ml", "330", "ml", 12), ("130抽*3包", "130抽*3包", "130", "抽", 3), ("5OOML", "500ml", "500", "ml", 1),
        ("500m1", "500ml", "500", "ml", 1), ("6个", "6个", "6", "个", 1), ("53度500ml", "500ml", "500", "ml", 1),
        ("14g°10", "14g*10", "14", "g", 10), ("330mlx6罐", "330ml×6罐", "330", "ml", 6), ("约５００克", "500克", "500", "g", 1), ("1.5 L 装", "1.5L", "1.5", "L", 1),
    ],
)  # fmt: skip
def test_a_size_is_read(text: str, spec: str, amount: str, measure: str, count: int) -> None:
    (found,) = find_specs(text)
    assert (found.text, found.amount, found.measure, found.count) == (spec, Decimal(amount), measure, count)


@pytest.mark.parametrize("text", ["NFC果汁", "A4纸", "2026年", "¥12.90", "iPhone 15 mini", "V12"])
def test_a_number_without_a_measure_is_no_size(text: str) -> None:
    assert find_specs(text) == []


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("瓶", "瓶"), ("元/斤", "斤"), ("/500克", "500g"), ("公斤", "kg"), ("1斤", "斤"), ("瓶装", "瓶"), ("KG", "kg"), ("元/１００ｍｌ", "100ml"),
        ("2个", "2个"), ("千克", "kg"), ("元", None), ("/", None), ("ABC", None), ("", None), ("农夫山泉", None),
    ],
)  # fmt: skip
def test_units_of_sale_have_one_name(text: str, unit: str | None) -> None:
    assert normal_unit(text) == unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [("元/公斤", "公斤"), ("/５００ 克", "500克"), ("元/KG", "kg"), ("1斤", "斤"), ("/500g", "500g"), ("元", None)],
)
def test_a_unit_is_given_as_printed(text: str, unit: str | None) -> None:
    assert printed_unit(text) == unit


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=100)
def test_half_width_keeps_the_length_so_that_spans_stay_valid(text: str) -> None:
    assert len(half_width(text)) == len(text)


@given(st.integers(1, 9999), st.sampled_from(["ml", "g", "kg", "L", "克", "毫升"]), st.integers(2, 48))
@settings(deadline=None, max_examples=60)
def test_tidying_a_size_twice_changes_nothing(amount: int, measure: str, count: int) -> None:
    once = tidy_spec(f" {amount} {measure} X {count} ")
    assert tidy_spec(once) == once
    assert find_specs(once)[0].count == count


def test_a_length_times_a_width_is_one_size() -> None:
    assert [spec.text for spec in find_specs("保鲜膜 30cm×20m")] == ["30cm×20m"]
