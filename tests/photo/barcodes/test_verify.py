from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pixel_agent.core import Quad
from pixel_agent.photo.barcodes.verify import DIGITS_AT, Drawing, Gray, draw, locate, prove
from tests.code_pictures import drawn

Format = zxingcpp.BarcodeFormat
MODULE, BORDER = 3, 50


def drawing(text: str, symbology: zxingcpp.BarcodeFormat) -> Drawing:
    made = draw(text, symbology)
    assert made is not None
    return made


def place(gray: Gray) -> Quad:
    dark = np.argwhere(gray < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0) + 1
    return (left, top), (right, top), (right, bottom), (left, bottom)


def picture(text: str, symbology: zxingcpp.BarcodeFormat) -> Gray:
    return np.asarray(cv2.cvtColor(drawn(text, symbology, module=MODULE), cv2.COLOR_RGB2GRAY), np.uint8)


@pytest.mark.parametrize(
    ("text", "symbology", "modules"),
    [("9780804816632", Format.EAN13, 95), ("96385074", Format.EAN8, 67), ("01234565", Format.UPCE, 51)],
)
def test_a_drawing_has_the_modules_of_its_standard(text: str, symbology: zxingcpp.BarcodeFormat, modules: int) -> None:
    made = drawing(text, symbology)
    assert len(made.modules) == modules
    assert made.bounds[0] == 0
    assert made.bounds[-1] == modules
    assert made.digits == DIGITS_AT[symbology]


def test_what_no_code_can_carry_is_not_drawn() -> None:
    assert draw("9780804816633", Format.EAN13) is None
    assert draw("ABC", Format.Code39) is None


@pytest.mark.parametrize("text", ["9780804816632", "0036000291452", "4006381333931"])
def test_the_truth_is_proven(text: str) -> None:
    gray = picture(text, Format.EAN13)
    assert prove(gray, place(gray), drawing(text, Format.EAN13)).holds


def test_the_truth_is_proven_through_blur_and_a_bend() -> None:
    gray = picture("9780804816632", Format.EAN13)
    across = np.arange(gray.shape[1], dtype=np.float32)
    bent = across + 8 * np.sin(across / gray.shape[1] * np.pi * 2)
    rows = np.broadcast_to(np.arange(gray.shape[0], dtype=np.float32)[:, None], gray.shape)
    curved = cv2.remap(gray, np.tile(bent, (gray.shape[0], 1)), np.ascontiguousarray(rows), cv2.INTER_LINEAR)
    soft: Gray = np.asarray(cv2.GaussianBlur(curved, (0, 0), 1.8), np.uint8)
    assert prove(soft, place(gray), drawing("9780804816632", Format.EAN13)).holds


@given(st.integers(0, 10**12 - 1), st.floats(0.3, 4))
@settings(deadline=None, max_examples=60)
def test_another_number_is_never_proven(number: int, blur: float) -> None:
    made = zxingcpp.create_barcode(f"{number:012}", Format.EAN13).text
    assume(made != "9780804816632")
    gray = picture("9780804816632", Format.EAN13)
    soft = np.asarray(cv2.GaussianBlur(gray, (0, 0), blur), np.uint8)
    assert not prove(soft, place(gray), drawing(made, Format.EAN13)).holds


def test_a_code_that_differs_in_two_digits_is_not_proven() -> None:
    gray = np.asarray(cv2.GaussianBlur(picture("9780441014989", Format.EAN13), (0, 0), 2), np.uint8)
    assert not prove(gray, place(gray), drawing("9770541014989", Format.EAN13)).holds


def test_a_short_code_needs_quiet_zones() -> None:
    gray = picture("96385074", Format.EAN8)
    corners, claim = place(gray), drawing("96385074", Format.EAN8)
    assert prove(gray, corners, claim).holds
    left = int(corners[0][0])
    gray[:, left - 12 : left - 6] = 0
    assert not prove(gray, corners, claim).holds


def test_a_drawing_is_found_in_a_strip_in_either_direction() -> None:
    gray = picture("9780804816632", Format.EAN13)
    (left, top), (right, bottom) = place(gray)[0], place(gray)[2]
    strip = gray[int(top) : int(bottom) - 40, 20:-20]
    claim = drawing("9780804816632", Format.EAN13)
    (forth, _), (_, back) = locate(strip, claim), locate(np.ascontiguousarray(strip[:, ::-1]), claim)
    assert np.allclose(forth, (left - 20, right - 20), atol=3 * MODULE)
    assert back[0] > back[1]
