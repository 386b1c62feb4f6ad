"""Dates in many languages and calendars: a table of labels, round trips of every table, and what must stay unread."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.reading.date_forms import TODAY
from benchmarks.reading.date_labels import DateLabel, date_labels, read_label
from pixel_agent.tasks.rules.date_words import KINDS, find_words, month_numbers, normalise
from pixel_agent.tasks.rules.dates import Evidence, doubtful_dates, find_dates
from pixel_agent.tasks.rules.expiry import complete_expiry, read_expiry
from pixel_agent.tasks.rules.locale.date_words import DATE_WORDS
from tests.tasks.rules.lines import column

NAMES = [
    (language, month, name)
    for language, table in DATE_WORDS.items()
    for month, names in enumerate(table.months, 1)
    for name in names.split()
]


@pytest.mark.parametrize("label", date_labels(), ids=lambda label: f"{label.language}-{label.lines[0]}")
def test_labels_of_all_languages_are_read(label: DateLabel) -> None:
    assert read_label(label) == (label.field, label.day)


@pytest.mark.parametrize(("language", "month", "name"), NAMES)
def test_every_name_of_a_month_is_that_month_in_its_language(language: str, month: int, name: str) -> None:
    speaks = Evidence(languages=frozenset({language}))
    (found,) = find_dates(f"EXP 15 {name.replace('.', ' ')} 2027", TODAY, evidence=speaks)
    assert found.date == date(2027, month, 15)


def test_a_name_that_means_two_months_is_marked_where_no_word_tells_the_language() -> None:
    assert [found.ambiguous for found in find_dates("EXP 15 LIP 2027", TODAY)] == [True]
    assert [found.ambiguous for found in find_dates("EXP 15 NOV 2027", TODAY)] == [False]


@pytest.mark.parametrize(("language", "table"), DATE_WORDS.items(), ids=DATE_WORDS)
def test_every_word_of_a_table_is_found_and_ends_where_it_ends(language: str, table: object) -> None:
    for kind in KINDS:
        for word in getattr(table, kind):
            if not set("?[") & set(word):
                plain = normalise(f"{word}: 1")[0]
                (found, *_) = find_words(plain)
                assert (found.start, found.end) == (0, len(plain.rstrip(" 1").rstrip(":").rstrip(".°"))), word


@settings(deadline=None, max_examples=200)
@given(
    ahead=st.integers(-91, 183),
    form=st.sampled_from(["USE BY {d:02} {b}", "MHD {d:02}.{m:02}.", "消費期限 {m}月{d}日"]),
)
def test_a_last_day_without_a_year_is_the_near_one(ahead: int, form: str) -> None:
    day = TODAY + timedelta(days=ahead)
    text = form.format(d=day.day, m=day.month, b=day.strftime("%b").upper())
    (found,) = find_dates(text, TODAY, yearless=True)
    assert (found.date, found.year_assumed) == (day, True)
    assert find_dates(text, TODAY) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("USE BY 24 JUN", "year_unknown"),
        ("BÄST FÖRE 24JUN 03 1031", "year_unknown"),
        ("USE BY 31 NOV", "impossible"),
        ("EXP 31/04/27", "impossible"),
        ("EXP 29/02/27", "impossible"),
        ("MHD 31.06.2027", "impossible"),
        ("EXP 32 NOV 2026", "impossible"),
        ("(17)271332", "impossible"),
    ],
)
def test_what_cannot_be_told_is_named_and_never_becomes_another_day(text: str, reason: str) -> None:
    assert find_dates(text, TODAY, yearless=True) == []
    assert [doubt.reason for doubt in doubtful_dates(text, TODAY)] == [reason]


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (("MHD 05.06.27",), "2027-06-05"),
        (("Mindestens haltbar bis", "05.06.27"), "2027-06-05"),
        (("EXP 05/06/27", "THT"), "2027-06-05"),
        (("MM/DD/YY", "EXP 05/06/27"), "2027-05-06"),
        (("Minőségét megőrzi: 27.06.05",), "2027-06-05"),
    ],
)
def test_what_a_label_says_anywhere_decides_the_order(lines: tuple[str, ...], day: str) -> None:
    draft = read_expiry(column(*lines))
    assert draft.items[0].fields["expiry_date"] == day
    assert "date_ambiguous" not in [warning.code for warning in draft.warnings]


def test_a_date_with_two_readings_has_low_confidence() -> None:
    draft = read_expiry(column("EXP 05/06/27"))
    assert draft.items[0].confidence == 0.5
    assert [warning.code for warning in draft.warnings] == ["date_ambiguous"]


@pytest.mark.parametrize("other", ["\u202e", "\u200f", "\u061c"])
@pytest.mark.parametrize("digits", ["٠١٢٣٤٥٦٧٨٩", "०१२३४५६७८९", "๐๑๒๓๔๕๖๗๘๙"])
def test_digits_of_other_scripts_are_no_dates(digits: str, other: str) -> None:
    text = "EXP 22/11/2027".translate({ord("0") + value: digit for value, digit in enumerate(digits)})
    assert find_dates(other + text, TODAY, yearless=True) == []


@pytest.mark.parametrize(
    "piece",
    ["9", "1/1/", "EXP ", "EXP 1.1.26 ", "年", "一", "保质期", "BEST BEFORE ", "((", "0571-", "DD/MM/YY ", "1 DE "],
)
def test_hostile_lines_take_no_longer_than_their_length(piece: str) -> None:
    def seconds(signs: int) -> float:
        text = (piece * signs)[:signs]
        start = time.process_time()
        find_dates(text, TODAY, yearless=True)
        read_expiry(column(text))
        return time.process_time() - start

    seconds(100)
    assert seconds(20_000) < 40 * max(seconds(2_000), 0.01)


def test_a_row_of_400_nines_is_no_date() -> None:
    draft = read_expiry(column("EXP " + "9" * 400, "1e308"))
    assert all(row.fields["expiry_date"] is None for row in draft.items)


@settings(deadline=None, max_examples=200)
@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_expiry(column(text or " "))


def test_the_last_of_a_line_split_in_two_joins_its_word() -> None:
    (row,) = read_expiry(column("A consommer de préférence", "avant le : 22/11/27")).items
    assert (row.fields["expiry_date"], row.fields["date_type"]) == ("2027-11-22", "best_before")


def test_a_code_as_text_gives_its_date_and_lot() -> None:
    (row,) = read_expiry(column("(01)06901234567892(17)271122(10)A1")).items
    assert (row.fields["expiry_date"], row.fields["date_type"], row.fields["lot"]) == ("2027-11-22", "expiry", "A1")


def test_names_that_the_table_knows_are_found_though_misread() -> None:
    assert list(month_numbers("N0U")) == [11]
    assert list(month_numbers("5EP")) == [9]
    assert find_dates("EXP 115 2027", TODAY) == []


@pytest.mark.parametrize(
    ("lines", "life"),
    [
        (("Haltbarkeit 12 Monate",), "12 Monate"),
        (("Raf ömrü: 12 ay",), "12 ay"),
        (("Okres przydatności 18 miesięcy",), "18 miesięcy"),
        (("Durata 24 mesi",), "24 mesi"),
        (("Säilyvyysaika 6 kk",), "6 kk"),
        (("Masa simpan 12 bulan",), "12 bulan"),
        (("อายุการเก็บ 12 เดือน",), "12 เดือน"),
        (("Срок годности 12 месяцев",), "12 месяцев"),
        (("BEST BEFORE 18 MONTHS FROM MFG",), "18 MONTHS"),
        (("Shelf life: 12 months", "Once opened, consume within 5 days"), "12 months"),
        (("未开封保质期12个月 开封后7天",), "12个月"),
    ],
)
def test_shelf_lives_of_many_languages_are_read(lines: tuple[str, ...], life: str) -> None:
    assert [row.fields["shelf_life"] for row in read_expiry(column(*lines)).items] == [life]


@pytest.mark.parametrize(
    "text",
    [
        "Nach dem Öffnen innerhalb von 3 Tagen verbrauchen",
        "Use within 3 days of opening",
        "À consommer dans les 3 jours après ouverture",
        "Consumir en 3 días una vez abierto",
        "開封後は3日以内",
    ],
)
def test_a_time_after_opening_is_no_shelf_life(text: str) -> None:
    assert read_expiry(column(text)).items == ()


def test_goods_that_were_packed_and_keep_for_some_days_expire_after_these() -> None:
    (row,) = read_expiry(column("PACKED ON 20 NOV 26", "USE WITHIN 5 DAYS")).items
    assert complete_expiry(row.fields, TODAY)["expiry_date"] == "2026-11-25"


def test_the_last_valid_day_is_near_and_the_next_one_expired() -> None:
    assert complete_expiry({"expiry_date": "2026-11-22"}, TODAY, 0)["status"] == "near"
    assert complete_expiry({"expiry_date": "2026-11-21"}, TODAY, 0)["status"] == "expired"


@pytest.mark.parametrize("text", ["EXP 1127", "BEST BEFORE 9999 9999", "Mindestens haltbar bis 4711-0815"])
def test_figures_beside_a_word_that_no_rule_reads_give_a_row_without_a_date(text: str) -> None:
    draft = read_expiry(column(text))
    assert [row.fields["expiry_date"] for row in draft.items] == [None]
    assert [warning.code for warning in draft.warnings] == ["not_understood"]


def test_a_day_that_does_not_exist_gives_a_row_without_a_date() -> None:
    draft = read_expiry(column("EXP 31/04/27"))
    assert [row.fields["expiry_date"] for row in draft.items] == [None]
    assert [warning.code for warning in draft.warnings] == ["date_impossible"]
