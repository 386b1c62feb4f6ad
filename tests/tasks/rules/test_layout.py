"""Rows, neighbours, raised decimals and tags side by side, upright and tilted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import TextLine
from pixel_agent.tasks.rules.layout import (
    below,
    cover,
    group_rows,
    join_decimals,
    page_tilt,
    right_of,
    split_tags,
    straighten,
)
from tests.tasks.rules.lines import line


def turned(one: TextLine, degrees: float) -> TextLine:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    a, b, c, d = ((x * cos - y * sin, x * sin + y * cos) for x, y in one.corners)
    return TextLine(one.text, (a, b, c, d), one.confidence)


@pytest.mark.parametrize("degrees", [-20, -8, 0, 5, 15])
def test_a_tilted_page_has_rows_again(degrees: float) -> None:
    lines = [line(text, x, y) for y in (10, 50, 90) for x, text in ((10, "产地：山东"), (600, "规格：500g"))]
    rows = group_rows(straighten([turned(one, degrees) for one in lines]))
    assert [[piece.text for piece in row] for row in rows] == [["产地：山东", "规格：500g"]] * 3


@given(st.floats(-30, 30))
@settings(deadline=None, max_examples=50)
def test_the_tilt_of_a_page_is_found(degrees: float) -> None:
    assert page_tilt([turned(line("农夫山泉饮用天然水"), degrees)]) == pytest.approx(math.radians(degrees), abs=1e-6)


def test_raised_decimals_join_their_integer() -> None:
    pieces = join_decimals(
        straighten([line("¥5", 100, 100, 100), line("90", 215, 105, 40), line("元/瓶", 215, 170, 20)])
    )
    assert [piece.text for piece in pieces] == ["¥5.90", "元/瓶"]
    assert pieces[0].height == 100


@pytest.mark.parametrize(
    "second",
    [line("90", 215, 205, 35), line("90", 400, 105, 40), line("90", 215, 100, 100), line("900", 215, 105, 40)],
    ids=["lower", "far off", "as large", "three digits"],
)
def test_other_numbers_beside_an_integer_stay_apart(second: TextLine) -> None:
    assert len(join_decimals(straighten([line("5", 150, 100, 100), second]))) == 2


@pytest.mark.parametrize(("whole", "small"), [("5.", "90"), ("5", ".90"), ("5", "90"), ("5.", "●90")])
def test_small_decimals_on_the_line_join_their_integer(whole: str, small: str) -> None:
    pieces = join_decimals(
        straighten([line("海天金标生抽", 100, 20, 40), line(whole, 100, 100, 100), line(small, 200, 160, 40)])
    )
    assert pieces[-1].text == "5.90"


@pytest.mark.parametrize(
    ("whole", "small", "joined"), [("¥20", "9", "¥20.9"), ("5元", "17", "5.17元"), ("¥6.", ".9元/500g", "¥6.9元/500g")]
)
def test_one_raised_digit_and_decimals_with_their_unit_join(whole: str, small: str, joined: str) -> None:
    first = line(whole, 100, 100, 100)
    pieces = join_decimals(straighten([first, line(small, first.corners[1][0] - 20, 105, 50)]))
    assert [piece.text for piece in pieces] == [joined]


@pytest.mark.parametrize(
    ("read", "stands"), [("06", "90"), ("8天", "¥8"), ("06.8夫", "¥8.90"), ("27", "27"), ("天天", "天天")]
)
def test_figures_read_upside_down_are_turned_back(read: str, stands: str) -> None:
    a, b, c, d = line(read, 215, 105, 40).corners
    pieces = straighten([line("海天金标生抽", 100, 20, 40), TextLine(read, (c, d, a, b), 0.99)])
    assert [piece.text for piece in pieces] == ["海天金标生抽", stands]


def test_figures_that_stand_like_the_page_stay_as_they_are() -> None:
    assert [piece.text for piece in straighten([line("海天金标生抽", 100, 20, 40), line("8天", 100, 90)])][1] == "8天"


def test_neighbours_are_the_nearest_to_the_right_and_below() -> None:
    label, right, under, far = straighten([line("品名"), line("苹果", 80), line("香蕉", 10, 40), line("梨子", 10, 300)])
    assert right_of(label, [right, under, far]) is right
    assert below(label, [right, under, far]) is under
    assert right_of(far, [label, right, under]) is None


def test_a_page_is_cut_only_where_both_sides_stand_on_their_own() -> None:
    pieces = straighten([line(text, x) for x, text in ((10, "a1"), (100, "b"), (300, "c1"), (600, "d1"))])
    parts = split_tags(pieces, lambda one, two, _: all(any("1" in p.text for p in part) for part in (one, two)))
    assert sorted(sorted(piece.text for piece in part) for part in parts) == [["a1", "b"], ["c1"], ["d1"]]


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 900), st.floats(8, 90)), max_size=12))
@settings(deadline=None, max_examples=60)
def test_cutting_loses_and_doubles_nothing(places: list[tuple[float, float, float]]) -> None:
    pieces = straighten([line(f"字{index}", *place) for index, place in enumerate(places)])
    parts = split_tags(pieces, lambda one, two, _: len(one) > 1 and len(two) > 1)
    assert sorted(piece.text for part in parts for piece in part) == sorted(piece.text for piece in pieces)


def test_cover_is_the_box_of_all_lines_and_none_of_nothing() -> None:
    assert cover(straighten([line("苹果", 10, 10), line("香蕉", 100, 50)])) == (10, 10, 140, 70)
    assert cover([]) is None


@pytest.mark.parametrize(
    ("whole", "small", "size", "joined"),
    [("¥53.8", "80", 45, "¥53.80"), ("¥14.9", "90元/瓶", 45, "¥14.90元/瓶"), ("33", "3.38", 90, "33.38")],
)
def test_lines_that_overlap_in_a_figure_become_one_price(whole: str, small: str, size: float, joined: str) -> None:
    first = line(whole, 100, 100, 100)
    pieces = join_decimals(straighten([first, line(small, first.corners[1][0] - 40, 100, size)]))
    assert [piece.text for piece in pieces] == [joined]


@pytest.mark.parametrize(("whole", "small", "gap"), [("¥53.8", "80", 30), ("¥53.8", "70", -40), ("33", "4.38", -40)])
def test_lines_that_only_look_alike_stay_apart(whole: str, small: str, gap: float) -> None:
    first = line(whole, 100, 100, 100)
    assert len(join_decimals(straighten([first, line(small, first.corners[1][0] + gap, 100, 45)]))) == 2


def test_decimals_as_high_as_their_integer_join_behind_its_point() -> None:
    first = line("¥7.", 100, 100, 60)
    pieces = join_decimals(straighten([first, line("08", first.corners[1][0] + 10, 102, 54)]))
    assert [piece.text for piece in pieces] == ["¥7.08"]
