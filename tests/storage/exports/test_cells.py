"""Cells: no formula that a spreadsheet would run, and numbers stay numbers."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.text import printable
from pixel_agent.storage.exports.cells import cell, is_formula, plain


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u200b=1",
        "\ufeff=1",
        "\u3000=1",
        "＝1+1",
        "＋86",
        "－cmd",
        "＠SUM",
        "﹦1",
        "+8613800138000",
        "=cmd|' /C calc'!A0",
        "--5",
        "-5.9=1",
        "-",
    ],
)
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["-5", "-5.90", "5", "价格 =5", "a=b", "", " ", "'=1", "¥-5"])
def test_plain_text_and_negative_numbers_are_left_alone(text: str) -> None:
    assert cell(text) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-5.9, "-5.9"), (-3, "-3"), (True, "yes"), (None, ""), (28888.88, "28888.88"), (["=1"], '["=1"]')],
)
def test_values_that_are_no_text_need_no_guard(value: float | bool | list[str] | None, shown: str) -> None:
    assert cell(value) == shown  # type: ignore[arg-type]  # a list of text is JSON


@given(st.text())
@settings(deadline=None, max_examples=100)
def test_no_cell_begins_as_a_formula_or_holds_a_control_character(text: str) -> None:
    (row,) = csv.reader(StringIO(_line(cell(text))))
    assert not is_formula(row[0])
    assert row[0].isprintable()
    row[0].encode()


@given(st.sampled_from("=+-@＝＋－＠﹢"), st.text(" \t\r\n\u200b\u3000", max_size=3), st.text())
@settings(deadline=None, max_examples=100)
def test_a_sign_behind_blanks_is_guarded_whatever_follows(sign: str, blanks: str, rest: str) -> None:
    shown = cell(blanks + sign + rest)
    assert shown.startswith("'") or float(shown) < 0


def test_line_breaks_and_direction_signs_become_blanks() -> None:
    assert printable("a\nb\u202ec\x00") == "a b c "
    assert plain("\ud800") == " "


def _line(text: str) -> str:
    out = StringIO()
    csv.writer(out).writerow([text])
    return out.getvalue()
