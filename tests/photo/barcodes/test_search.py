from __future__ import annotations

import cv2
import numpy as np
import zxingcpp

from pixel_agent.core import Code, Pixels
from pixel_agent.photo.barcodes.search import find_codes, suspects
from tests.code_pictures import drawn, load, pasted, photo_of, real

Format = zxingcpp.BarcodeFormat
FIRST = 300_000


def wide(left: int, top: int, module: int = 2) -> Pixels:
    """A photo of 3 megapixels with one small, slightly soft EAN-13 on grey."""
    ground = np.full((1500, 2000, 3), 140, np.uint8)
    code = cv2.GaussianBlur(drawn("9780804816632", Format.EAN13, module=module)[20:-20], (0, 0), 0.8)
    return pasted(ground, np.asarray(code, np.uint8), left, top)


def test_a_code_too_fine_for_the_first_look_is_found_where_it_is_suspected() -> None:
    photo = photo_of(wide(1500, 1100), FIRST)
    seen: list[tuple[Code, ...]] = []
    (code,) = find_codes(photo, FIRST, thorough=False, report=seen.append)
    assert seen[0] == ()
    assert code.gtin == "9780804816632"
    assert 1540 < code.box[0] < code.box[2] < 1800
    assert 1120 < code.box[1] < code.box[3] < 1300


def test_a_code_that_the_first_look_reads_needs_no_full_resolution() -> None:
    photo = photo_of(wide(200, 100, module=6), FIRST)
    steps: list[int] = []
    find_codes(photo, FIRST, thorough=False, report=lambda codes: steps.append(len(codes)))
    assert steps == [1]


def test_the_whole_photo_is_read_when_thorough() -> None:
    photo = photo_of(wide(1500, 1100), FIRST)
    steps: list[int] = []
    (code,) = find_codes(photo, FIRST, thorough=True, report=lambda codes: steps.append(len(codes)))
    assert code.gtin == "9780804816632"
    assert len(steps) > 2


def test_finer_pixels_than_asked_for_are_looked_at_smaller_first() -> None:
    (code,) = find_codes(photo_of(wide(200, 100, module=6), 3_000_000), FIRST, thorough=False)
    assert 300 < code.box[0] < 330


def test_a_stopped_search_keeps_what_it_has() -> None:
    assert find_codes(photo_of(wide(1500, 1100), FIRST), FIRST, thorough=True, stop=lambda: True) == ()


def test_bars_are_suspected_and_a_plain_wall_is_not() -> None:
    photo = photo_of(wide(1500, 1100), FIRST)
    scale = photo.scale[0]
    assert any(
        left * scale < 1650 < right * scale and t * scale < 1200 < b * scale
        for left, t, right, b in suspects(photo.pixels)
    )
    assert suspects(np.full((400, 600, 3), 140, np.uint8)) == ()


def test_real_shop_photos_give_no_invented_codes_when_enlarged() -> None:
    for path in real("shops", "*.jpg")[:3]:
        large = cv2.resize(load(path), (2400, 1800), interpolation=cv2.INTER_CUBIC)
        assert find_codes(photo_of(np.asarray(large, np.uint8)), 1_300_000, thorough=True) == (), path.name
