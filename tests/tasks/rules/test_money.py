"""Amounts of money as the world writes them; the table of written prices is price-parser's (see its first lines)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.tasks.rules.locale.currencies import CURRENCIES, SHARED
from pixel_agent.tasks.rules.money import currency_of, minor_currency, shares_sign, to_decimal
from pixel_agent.tasks.rules.prices import bare_amount, find_prices

TABLE = Path(__file__).parent / "written_prices.tsv"


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("12,99 €", "12.99", "EUR"),
        ("EUR 6,99", "6.99", "EUR"),
        ("1.299,00 €", "1299", "EUR"),
        ("1 299,00 €", "1299", "EUR"),
        ("CHF 1'299.-", "1299", "CHF"),
        ("19 900 Ft", "19900", "HUF"),
        ("45.000 ₫", "45000", "VND"),
        ("₹ 12,34,567.00", "1234567", "INR"),
        (",89 €", "0.89", "EUR"),
        ("$.79", "0.79", None),
        ("85p", "0.85", "GBP"),
        ("99¢", "0.99", None),
        ("R$ 5,90", "5.90", "BRL"),
        ("12€50", "12.50", "EUR"),
        ("24,90 kr", "24.90", None),
        ("A$4.50", "4.50", "AUD"),
        ("298円", "298", "JPY"),
        ("3,500원", "3500", "KRW"),
        ("4.500 KWD", "4.500", "KWD"),
        ("NZD $100.70", "100.70", "NZD"),
    ],
)
def test_prices_are_read_as_they_are_written(text: str, amount: str, currency: str | None) -> None:
    assert [(price.amount, price.currency) for price in find_prices(text)] == [(Decimal(amount), currency)]


@pytest.mark.parametrize(
    ("text", "amount"), [("49,-", "49"), ("99:-", "99"), ("5.–", "5"), ("24⁹⁰", "24.90"), ("129,90 P", "129.90")]
)
def test_a_number_alone_may_have_a_dash_for_cents_or_raised_figures(text: str, amount: str) -> None:
    assert bare_amount(text) == Decimal(amount)


@pytest.mark.parametrize(
    "text",
    [
        "SAVE £2",
        "2 € Rabatt",
        "£1 off",
        "3 for £5",
        "2/$11",
        "3 för 30:-",
        "Any 2 for £4",
        "+ 0,25 € Pfand",
        "Pfand 0,25 €",
        "zzgl. 1,50 € Pfand",
        "-30%",
        "1+1",
        "Tel. 030 123456",
        "16.00 ft",
        "3,8 % Fett",
    ],
)
def test_savings_deposits_and_prices_for_several_are_no_prices(text: str) -> None:
    assert find_prices(text) == []


def test_words_say_what_a_price_is() -> None:
    kinds = {
        "statt 6,49 €": "regular",
        "Was £10.00": "regular",
        "Før 59,90": "regular",
        "Now £7.00": "sale",
        "0,89 € mit App": "member",
        "Clubcard Price £1.20": "member",
        "100 g = 0,66 €": "unit",
        "税込 ¥213": "taxed",
    }
    assert {text: find_prices(text)[0].kind for text in kinds} == kinds


def test_a_code_that_is_a_word_counts_in_capitals_only() -> None:
    assert find_prices("5 all") == []
    assert find_prices("500 ALL")[0].currency == "ALL"


def test_every_sign_leads_to_its_currency_and_no_two_share_one_unsaid() -> None:
    for one in CURRENCIES:
        assert all(currency_of(sign) == one.code for sign in (one.code, *one.signs)), one
    assert all(len(codes) >= 1 and shares_sign(sign) == codes for sign, codes in SHARED.items())
    assert (minor_currency("p"), minor_currency("¢")) == ("GBP", None)


@given(st.integers(0, 999_999), st.integers(0, 99), st.sampled_from([(".", ","), (",", "."), ("'", "."), (" ", ",")]))
def test_a_written_amount_is_read_back(whole: int, cents: int, marks: tuple[str, str]) -> None:
    text = f"{whole:,}".replace(",", marks[0]) + f"{marks[1]}{cents:02}"
    assert to_decimal(text) == Decimal(f"{whole}.{cents:02}")


def test_the_table_of_written_prices() -> None:
    outcomes = Counter(
        _outcome(*line.split("\t")) for line in TABLE.read_text("utf-8").splitlines() if line[:2] != "# "
    )
    total = outcomes.total()
    assert total > 1100
    assert outcomes["right"] / total >= 0.92
    assert outcomes["wrong"] / total <= 0.005


def _outcome(text: str, amount: str, sign: str) -> str:
    prices = find_prices(text)
    read = prices[0].amount if prices else bare_amount(text)
    if not amount:
        return "wrong" if read is not None else "right"
    if read is None:
        return "missed"
    if abs(read - Decimal(amount)) >= Decimal("0.005"):
        return "wrong"
    told = prices[0].currency if prices else None
    return "right" if not sign or sign not in text or told == currency_of(sign) else "currency"
