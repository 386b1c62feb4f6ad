from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.photo.barcodes.gs1 import Meaning, gtin_of, of_gs1, of_text


@pytest.mark.parametrize(
    ("digits", "gtin"),
    [
        ("9780804816632", "9780804816632"),
        ("096385074", None),
        ("96385074", "96385074"),
        ("036000291452", "0036000291452"),
        ("0036000291452", "0036000291452"),
        ("07032069804988", "7032069804988"),
        ("15400141288763", "15400141288763"),
        ("00000096385074", "96385074"),
        ("0000000000000", "0000000000000"),
        ("9780804816633", None),
        ("", None),
        ("978080481663X", None),
    ],
)
def test_a_gtin_has_its_own_length_and_a_right_check_digit(digits: str, gtin: str | None) -> None:
    assert gtin_of(digits) == gtin


def test_element_strings_are_kept_as_printed() -> None:
    meaning = of_gs1("0107032069804988112611011326110215261103162611041726112210A-7\x1d3103000195\x1d39221234")
    assert meaning.gtin == "7032069804988"
    assert meaning.gs1["17"] == "261122"
    assert {"11", "13", "15", "16", "10", "3103", "3922"} <= meaning.gs1.keys()
    assert meaning.text.startswith("(01)07032069804988(11)261101")


def test_broken_element_strings_mean_nothing() -> None:
    assert of_gs1("0107032069804989") == Meaning("0107032069804989")
    assert of_gs1("99\x1d").gtin is None


@pytest.mark.parametrize(
    "text", ["https://example.com/menu", "https://example.com/01/123", "WIFI:S:shop;;", "http://["]
)
def test_other_text_means_nothing(text: str) -> None:
    assert of_text(text) == Meaning(text)


def test_a_digital_link_of_any_host_names_the_product() -> None:
    meaning = of_text("https://shop.example/en/01/09780804816632?17=261122")
    assert (meaning.gtin, meaning.gs1["17"]) == ("9780804816632", "261122")


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=100)
def test_any_text_is_understood_without_an_error(text: str) -> None:
    assert of_text(text).text == text
    assert of_gs1(text).gtin is None or text
    assert of_text(f"https://a.example/{text}").text.startswith("https://")
