from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.tasks.rules.in_store import split_in_store


@pytest.mark.parametrize("digits", ["6901234567892", "96385074", "2112345005998", "", "9" * 400])
def test_other_digits_are_no_in_store_numbers(digits: str) -> None:
    assert split_in_store(digits) is None


def test_without_a_country_the_measure_stays_open() -> None:
    assert split_in_store("2112345005997") == {"item": "12345", "value": "00599", "measure": "price_or_weight"}


@pytest.mark.parametrize(
    ("digits", "country", "measure", "amount"),
    [
        ("2312345007995", "de", "price", 7.99),
        ("2912345006006", "DE", "weight", 0.6),
        ("2112345005997", "NO", "price", 59.9),
        ("2312345007995", "SE", "weight", 0.799),
    ],
)
def test_the_rule_of_the_country_says_what_is_measured(digits: str, country: str, measure: str, amount: float) -> None:
    split = split_in_store(digits, country)
    assert split is not None
    assert (split["measure"], split["price" if measure == "price" else "weight_kg"]) == (measure, amount)


def test_a_upc_with_a_check_digit_of_its_price_states_a_price() -> None:
    split = split_in_store("0212345105993")
    assert split == {"item": "12345", "value": "0599", "measure": "price", "price": 5.99}


@given(st.text(max_size=20), st.sampled_from([None, "DE", "XX", "zz"]))
def test_any_text_is_taken(text: str, country: str | None) -> None:
    assert split_in_store(text, country) is None or text.isdecimal()
