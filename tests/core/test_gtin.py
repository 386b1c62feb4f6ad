from __future__ import annotations

import pytest

from pixel_agent.core.gtin import check_digit_holds, is_restricted, normal_gtin


@pytest.mark.parametrize("digits", ["6901234567892", "96385074", "036000291452", "15400141288763"])
def test_check_digits_of_articles_hold(digits: str) -> None:
    assert check_digit_holds(digits)
    assert not check_digit_holds(digits[:-1] + str((int(digits[-1]) + 1) % 10))


@pytest.mark.parametrize("digits", ["2112345005997", "0212345600597", "212345600597", "02112345005997", "20123451"])
def test_numbers_of_shops_and_regions_are_restricted(digits: str) -> None:
    assert is_restricted(digits)
    assert normal_gtin(digits) is None


@pytest.mark.parametrize(
    "digits", ["6901234567892", "3017620422003", "0036000291452", "96385074", "12112345005994"[:13]]
)
def test_other_numbers_are_not(digits: str) -> None:
    assert not is_restricted(digits)
