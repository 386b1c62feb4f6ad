"""Safety signs: read, and never taken for hazards."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.tasks.rules.signs import read_signs
from tests.tasks.rules.lines import column, line, page


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("安全出口", ["exit"]),
        ("安全出口 EXIT", ["exit"]),
        ("EXIT", ["exit"]),
        ("ＥＸＩＴ", ["exit"]),
        ("紧急出口", ["exit"]),
        ("FIRE EXIT STAIRS", ["exit"]),
        ("非常口", ["exit"]),
        ("消防通道 禁止堵塞", ["keep_exit_clear"]),
        ("消防通道 严禁占用", ["keep_exit_clear"]),
        ("KEEP CLEAR", ["keep_exit_clear"]),
        ("灭火器", ["extinguisher"]),
        ("灭 火 器 箱", ["extinguisher"]),
        ("FIRE EXTINGUISHER", ["extinguisher"]),
        ("消火栓", ["hydrant"]),
        ("严禁烟火", ["no_open_fire"]),
        ("禁止吸烟", ["no_smoking"]),
        ("NO SMOKING", ["no_smoking"]),
        ("小心地滑", ["wet_floor"]),
        ("CAUTION WET FLOOR", ["wet_floor"]),
        ("禁止停车", ["no_parking"]),
        ("应急照明", ["emergency_light"]),
        ("疏散示意图", ["evacuation_plan"]),
        ("有电危险", ["electric_hazard"]),
        ("闲人免进", ["no_entry"]),
        ("小心台阶", ["caution"]),
        ("火警119", ["fire_alarm"]),
        ("灭火器 消火栓", ["extinguisher", "hydrant"]),
        ("出口商品", []),
        ("EXITING NEWS", []),
        ("电话 0571-81190119", []),
        ("FLEXITIME", []),
        ("矿泉水", []),
    ],
)
def test_signs_are_told_apart(text: str, signs: list[str]) -> None:
    draft = read_signs(column(text))
    assert sorted(str(row.fields["sign"]) for row in draft.items) == sorted(signs)


def test_a_sign_is_no_hazard() -> None:
    draft = read_signs(column("消防通道 禁止堵塞"))
    (row,) = draft.items
    assert draft.findings == ()
    assert (row.fields["hazard"], row.fields["status"], row.fields["severity"]) == (None, "unclear", "info")
    assert row.fields["evidence"] == "消防通道 禁止堵塞"
    assert row.fields["action"]
    assert row.bbox is not None


@settings(deadline=None, max_examples=100)
@given(texts=st.lists(st.text(max_size=20), max_size=4))
def test_every_row_quotes_a_line_of_the_page(texts: list[str]) -> None:
    rows = read_signs(column(*texts)).items
    page_text = "\n".join(text.strip() for text in texts)
    assert all(part in page_text for row in rows for part in str(row.fields["evidence"]).split("\n"))


def test_two_languages_on_one_plate_are_one_sign() -> None:
    (row,) = read_signs(column("安全出口", "EXIT")).items
    assert row.fields["evidence"] == "安全出口\nEXIT"


def test_the_same_sign_elsewhere_is_another_one() -> None:
    assert len(read_signs(page(line("EXIT", 10, 10), line("EXIT", 800, 800))).items) == 2
