from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.photo.barcodes.gs1 import Meaning, gtin_of, of_digits, of_gs1, of_text


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
    assert of_gs1("99\x1d").gs1 == {}


@pytest.mark.parametrize(
    ("data", "gtin", "gs1"),
    [
        ("01069012345678901727112210A1", None, {"17": "271122", "10": "A1"}),
        ("0106901234567892172711", "6901234567892", {"01": "06901234567892"}),
        (
            "0106901234567892\x1d17271122\x1d10A1/2",
            "6901234567892",
            {"01": "06901234567892", "17": "271122", "10": "A1/2"},
        ),
        ("]C10106901234567892<GS>10A1", "6901234567892", {"01": "06901234567892", "10": "A1"}),
        ("(01)06901234567890(17)271122(10)A1", None, {"17": "271122", "10": "A1"}),
        ("10A1\x1d6Z\x1d17271122", None, {"10": "A1", "17": "271122"}),
        ("0102112345005997", None, {"01": "02112345005997"}),
    ],
)
def test_data_that_is_nearly_right_keeps_what_is_right(data: str, gtin: str | None, gs1: dict[str, str]) -> None:
    meaning = of_gs1(data)
    assert (meaning.gtin, dict(meaning.gs1)) == (gtin, gs1)


def test_element_strings_in_brackets_are_understood_in_any_code() -> None:
    meaning = of_text("(01)06901234567892(17)271122(10)A1")
    assert (meaning.gtin, meaning.gs1["17"], meaning.gs1["10"]) == ("6901234567892", "271122", "A1")
    assert of_text("Milk (1) fresh (10)") == Meaning("Milk (1) fresh (10)")


@pytest.mark.parametrize(
    ("address", "lot"),
    [
        ("https://shop.example/products/en/01/06901234567892/10/AB%2F1", "AB/1"),
        ("https://example.com/gtin/06901234567892/lot/A1", "A1"),
        ("HTTPS://ID.GS1.ORG/01/6901234567892/10/A1?17=271122", "A1"),
    ],
)
def test_a_digital_link_may_have_a_prefix_and_words(address: str, lot: str) -> None:
    meaning = of_text(address)
    assert (meaning.gtin, meaning.gs1["10"], meaning.text) == ("6901234567892", lot, address)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("6901234567892", "6901234567892"),
        ("06901234567892", "6901234567892"),
        ("1732812312341", None),
        ("6901234567890", None),
        ("96385074", None),
        ("2112345005997", None),
    ],
)
def test_a_number_alone_in_a_matrix_code_is_a_gtin_if_gs1_gave_out_its_prefix(text: str, gtin: str | None) -> None:
    assert of_digits(text) == Meaning(text, gtin)


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
