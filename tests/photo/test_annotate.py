from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import JsonValue

from pixel_agent.core import Box, Pixels, Row, Source
from pixel_agent.photo.annotate import COLOURS, annotate, label_of
from tests.code_pictures import load, real

GREY = np.full((480, 640, 3), 128, np.uint8)


def opened(data: bytes) -> Pixels:
    image = Image.open(BytesIO(data))
    assert image.format == "JPEG"
    return np.asarray(image.convert("RGB"), np.uint8)


def changed(data: bytes) -> Box:
    """The box of all that was drawn on GREY."""
    drawn = np.argwhere(np.abs(opened(data).astype(int) - 128).max(axis=2) > 40)
    (top, left), (bottom, right) = drawn.min(axis=0), drawn.max(axis=0)
    return int(left), int(top), int(right), int(bottom)


def test_a_box_is_drawn_where_it_lies() -> None:
    left, top, right, bottom = changed(annotate(GREY, [Row({"name": "水"}, (200, 150, 400, 350))]))
    assert abs(left - 200) < 6
    assert abs(right - 400) < 6
    assert abs(bottom - 350) < 6
    assert 100 < top < 150


def test_boxes_of_the_original_are_scaled_to_the_picture() -> None:
    left, _, right, bottom = changed(annotate(GREY, [Row({}, (800, 600, 1600, 1400))], scale=(4.0, 4.0)))
    assert abs(left - 200) < 6
    assert abs(right - 400) < 6
    assert abs(bottom - 350) < 6


def test_nothing_to_draw_leaves_the_photo_as_it_is() -> None:
    assert np.abs(opened(annotate(GREY, [Row({"name": "no place"})])).astype(int) - 128).max() < 4


def test_the_given_pixels_are_not_changed() -> None:
    pixels = GREY.copy()
    annotate(pixels, [Row({"name": "a"}, (10, 10, 100, 100))])
    assert (pixels == 128).all()


def test_a_label_at_the_edge_stays_inside() -> None:
    row = Row({"name": "一个很长的品名" * 5}, (600, 0, 640, 20))
    left, top, right, bottom = changed(annotate(GREY, [row]))
    assert left > 0
    assert (top, bottom) >= (0, 20)
    assert right <= 639


def test_labels_of_two_rows_do_not_cover_each_other() -> None:
    rows = [Row({"name": "first"}, (200, 200, 300, 300)), Row({"name": "second"}, (204, 200, 300, 300))]
    one, both = (opened(annotate(GREY, some)) for some in (rows[:1], rows))
    ground = np.array(COLOURS[Source.MODEL])
    area = [int((np.abs(picture.astype(int) - ground).max(axis=2) < 24).sum()) for picture in (one, both)]
    assert area[1] > 1.7 * area[0]


def test_sources_differ_in_shape_and_not_only_in_colour() -> None:
    assert len({label_of(Row({"name": "x"}, source=source)) for source in Source}) == len(Source)
    assert len(set(COLOURS.values())) == len(Source)


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"name": "农夫山泉", "sale_price": 2.5, "regular_price": 3.0}, "● 农夫山泉 2.5"),
        ({"name": "金条", "regular_price": 1428888.88}, "● 金条 1428888.88"),
        ({"text": "特价"}, "● 特价"),
        ({"gtin": "9780804816632"}, "● 9780804816632"),
        ({"hazard": "通道堵塞", "severity": "critical", "action": "清理"}, "●!!! 通道堵塞"),
        ({"rule_id": "K-03", "status": "fail", "severity": "major"}, "●!! K-03 fail"),
        ({"text": "MFG", "production_date": "2026-11-22", "status": "ok"}, "● MFG 2026-11-22"),
        ({"name": "a\nb\x07c", "price": None}, "● a b c"),
        ({}, "●"),
    ],
)
def test_a_label_says_the_most_telling_thing(fields: dict[str, JsonValue], label: str) -> None:
    assert label_of(Row(fields)) == label


def test_findings_are_drawn_unlike_items() -> None:
    box = (200, 150, 400, 350)
    item, finding = (opened(annotate(GREY, [Row(f, box)])) for f in ({"item": "x"}, {"item": "x", "severity": "info"}))
    assert abs(int(item[250, 200, 0]) - 128) > 40
    assert abs(int(finding[250, 200, 0]) - 128) < 10


@given(st.text(max_size=80), st.tuples(*[st.integers(-50, 900)] * 4), st.sampled_from([(40, 30), (1, 1), (700, 90)]))
@settings(deadline=None, max_examples=40)
def test_any_text_and_any_box_are_drawn_without_an_error(text: str, box: Box, size: tuple[int, int]) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    assert opened(annotate(picture, [Row({"name": text, "price": text}, box)])).shape == picture.shape


def test_a_real_photo_keeps_its_size() -> None:
    photo = load(real("shops", "*.jpg")[0])
    assert opened(annotate(photo, [Row({"name": "罐头"}, (100, 100, 300, 300))])).shape == photo.shape
