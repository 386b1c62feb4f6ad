from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Code, Pixels
from pixel_agent.photo.barcodes.read import merge, read_codes
from tests.code_pictures import drawn, load, pasted, real, turned

Format = zxingcpp.BarcodeFormat
WHITE = np.full((900, 1200, 3), 255, np.uint8)


def with_check_digit(digits: str) -> str:
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


@pytest.mark.parametrize(
    ("text", "symbology", "name", "gtin"),
    [
        ("9780804816632", Format.EAN13, "EAN-13", "9780804816632"),
        ("96385074", Format.EAN8, "EAN-8", "96385074"),
        ("036000291452", Format.UPCA, "EAN-13", "0036000291452"),
        ("01234565", Format.UPCE, "UPC-E", "0012345000065"),
        ("15400141288763", Format.ITF14, "ITF-14", "15400141288763"),
        ("BOX-0042", Format.Code128, "Code 128", None),
        ("ABC-123", Format.Code39, "Code 39", None),
        ("(01)07032069804988", Format.DataBarOmni, "GS1 DataBar", "7032069804988"),
        ("SHELF 12", Format.DataMatrix, "Data Matrix", None),
        ("微信支付", Format.QRCode, "QR Code", None),
        ("BOARDING", Format.PDF417, "PDF417", None),
        ("TICKET", Format.Aztec, "Aztec Code", None),
        ("(01)07032069804988", Format.DataBarStk, "GS1 DataBar", "7032069804988"),
        ("(01)07032069804988", Format.DataBarStkOmni, "GS1 DataBar", "7032069804988"),
        ("(01)07032069804988(17)271122", Format.DataBarExp, "GS1 DataBar", "7032069804988"),
        ("(01)07032069804988(3103)000456(17)271122", Format.DataBarExpStk, "GS1 DataBar", "7032069804988"),
        ("0690123452", Format.ITF, "ITF", None),
        ("0690123456", Format.ITF, "ITF", None),
        ("SHELF 12", Format.MicroQRCode, "Micro QR Code", None),
        ("SHELF 12", Format.RMQRCode, "rMQR Code", None),
    ],
)
@pytest.mark.parametrize("degrees", [0, 90, 180])
def test_each_symbology_is_read_upright_and_turned(
    text: str, symbology: zxingcpp.BarcodeFormat, name: str, gtin: str | None, degrees: int
) -> None:
    (code,) = read_codes(np.ascontiguousarray(np.rot90(drawn(text, symbology), degrees // 90)))
    assert (code.symbology, code.gtin) == (name, gtin)


@pytest.mark.parametrize("degrees", [15, 30, 45, 60, 135, 200])
@pytest.mark.parametrize(("text", "symbology"), [("9780804816632", Format.EAN13), ("96385074", Format.EAN8)])
def test_tilted_codes_are_read(text: str, symbology: zxingcpp.BarcodeFormat, degrees: int) -> None:
    (code,) = read_codes(turned(drawn(text, symbology), degrees))
    assert code.gtin == text


def test_a_maxicode_is_read() -> None:
    (code,) = read_codes(drawn("PARCEL 12", Format.MaxiCode))
    assert (code.symbology, code.text) == ("MaxiCode", "PARCEL 12")


def test_a_codabar_is_marked_as_without_proof() -> None:
    (code,) = read_codes(drawn("A31117013206375B", Format.Codabar))
    assert (code.symbology, code.text, code.proven) == ("Codabar", "A31117013206375B", False)


@pytest.mark.parametrize(
    ("text", "symbology"),
    [
        ("(01)07032069804988", Format.DataBarOmni),
        ("(10)1098 1234", Format.DataBarExp),
        ("(01)07032069804988(17)271122", Format.DataBarExpStk),
    ],
)
def test_a_databar_at_the_edge_of_the_picture_is_read(text: str, symbology: zxingcpp.BarcodeFormat) -> None:
    framed = drawn(text, symbology)
    rows, columns = (np.flatnonzero((framed < 128).any(axis=(axis, 2))) for axis in (1, 0))
    (code,) = read_codes(np.ascontiguousarray(framed[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]))
    assert (code.symbology, code.text) == ("GS1 DataBar", text)


@pytest.mark.parametrize(("add_on", "symbology"), [("51299", Format.EAN5), ("12", Format.EAN2)])
def test_an_add_on_stands_beside_its_ean(add_on: str, symbology: zxingcpp.BarcodeFormat) -> None:
    picture = pasted(WHITE, drawn("9780804816632", Format.EAN13)[40:-40, 40:-40], 100, 100)
    bars = np.array(zxingcpp.create_barcode(add_on, symbology).to_image(scale=3, add_quiet_zones=False))
    left = 100 + drawn("9780804816632", Format.EAN13).shape[1] - 80 - 6
    (code,) = read_codes(pasted(picture, np.repeat(bars[:, :, None], 3, axis=2), left, 115))
    assert (code.text, code.gtin, code.add_on) == ("9780804816632", "9780804816632", add_on)


def test_no_add_on_is_made_of_what_stands_beside_an_ean() -> None:
    picture = pasted(WHITE, drawn("9780804816632", Format.EAN13), 100, 100)
    picture = pasted(picture, drawn("BOX-0042", Format.Code128), 480, 100)
    assert {code.add_on for code in read_codes(picture)} == {None}


@pytest.mark.parametrize("digits", ["2112345005997", "0212345600597"])
def test_an_in_store_number_is_no_gtin(digits: str) -> None:
    (code,) = read_codes(drawn(digits, Format.EAN13))
    assert (code.symbology, code.text, code.gtin) == ("EAN-13", digits, None)


@pytest.mark.parametrize(("text", "charset"), [("农夫山泉 饮用天然水", "gbk"), ("賞味期限 お茶", "shift_jis")])
def test_a_qr_code_that_does_not_name_its_charset_is_understood(text: str, charset: str) -> None:
    bars = np.array(zxingcpp.create_barcode(text.encode(charset), Format.QRCode).to_image(scale=4))
    (code,) = read_codes(np.ascontiguousarray(np.repeat(bars[:, :, None], 3, axis=2)))
    assert code.text == text


def test_a_piece_of_other_bars_is_not_an_unchecked_code() -> None:
    whole = Code("EAN-13", "9780804816632", ((0, 0), (300, 0), (300, 90), (0, 90)), "9780804816632")
    part = Code("ITF", "12345678901234567890", ((20, 20), (280, 20), (280, 30), (20, 30)))
    assert merge([part, whole]) == (whole,)


def test_corners_follow_the_reading_direction() -> None:
    picture = drawn("9780804816632", Format.EAN13)
    (upright,), (upside_down,) = read_codes(picture), read_codes(np.ascontiguousarray(picture[::-1, ::-1]))
    assert upright.corners[0][0] < upright.corners[1][0]
    assert upside_down.corners[0][0] > upside_down.corners[1][0]


def test_corners_lie_on_the_bars() -> None:
    (code,) = read_codes(pasted(WHITE, drawn("9780804816632", Format.EAN13), 600, 300))
    left, top, right, bottom = code.box
    assert 650 < left < 700
    assert 930 < right < 970
    assert 340 < top < bottom < 520


def test_several_codes_in_one_picture() -> None:
    picture = pasted(WHITE, drawn("9780804816632", Format.EAN13), 20, 20)
    picture = pasted(picture, drawn("96385074", Format.EAN8), 700, 30)
    picture = pasted(picture, drawn("https://example.com/a", Format.QRCode), 300, 500)
    assert [code.text for code in read_codes(picture)] == ["9780804816632", "96385074", "https://example.com/a"]


def test_the_same_code_on_two_products_is_two_codes() -> None:
    picture = pasted(WHITE, drawn("9780804816632", Format.EAN13), 20, 20)
    assert len(read_codes(pasted(picture, drawn("9780804816632", Format.EAN13), 600, 600))) == 2


def test_the_same_code_read_twice_close_together_is_one() -> None:
    upper = Code("EAN-13", "9780804816632", ((0, 0), (300, 0), (300, 20), (0, 20)), "9780804816632")
    lower = Code("EAN-13", "9780804816632", ((0, 60), (300, 60), (300, 90), (0, 90)), "9780804816632")
    assert merge([upper, lower]) == (lower,)


def test_a_short_number_inside_a_longer_one_is_not_a_code() -> None:
    whole = Code("EAN-13", "7481797728446", ((0, 0), (300, 0), (300, 90), (0, 90)), "7481797728446")
    part = Code("UPC-E", "14817977", ((0, 95), (150, 95), (150, 96), (0, 96)), "0148179000077")
    assert merge([part, whole]) == (whole,)


def test_gs1_codes_carry_their_element_strings() -> None:
    data = "(01)07032069804988(17)261122(3103)000195(10)0329"
    for symbology, name in ((Format.Code128, "GS1-128"), (Format.DataMatrix, "GS1 DataMatrix")):
        (code,) = read_codes(drawn(data, symbology, gs1=True))
        assert (code.symbology, code.gtin, code.text) == (name, "7032069804988", data)
        assert code.gs1 == {"01": "07032069804988", "17": "261122", "3103": "000195", "10": "0329"}


def test_a_digital_link_names_the_product() -> None:
    (code,) = read_codes(drawn("https://id.gs1.org/01/07032069804988/10/AB?17=261122", Format.QRCode))
    assert (code.symbology, code.gtin) == ("QR Code", "7032069804988")
    assert code.gs1 == {"01": "07032069804988", "10": "AB", "17": "261122"}


def test_a_stopped_reading_ends_early_and_quietly() -> None:
    blurred = cv2.GaussianBlur(drawn("9780804816632", Format.EAN13), (0, 0), 4)
    assert read_codes(np.asarray(blurred, np.uint8), stop=lambda: True) == ()


@given(st.text("0123456789", min_size=12, max_size=12), st.floats(0, 40), st.floats(0.3, 2.2), st.integers(0, 30))
@settings(deadline=None, max_examples=25)
def test_a_damaged_code_is_read_right_or_not_at_all(digits: str, degrees: float, blur: float, noise: int) -> None:
    text = with_check_digit(digits)
    soft = cv2.GaussianBlur(turned(drawn(text, Format.EAN13, module=2), degrees), (0, 0), blur).astype(np.int16)
    grain = np.random.default_rng(int(digits)).normal(0, noise, soft.shape)
    assert {code.text for code in read_codes(np.clip(soft * 0.6 + 40 + grain, 0, 255).astype(np.uint8))} <= {text}


def noise(seed: int, kind: str) -> Pixels:
    random = np.random.default_rng(seed)
    grain = random.integers(0, 256, (120, 180), np.uint8)
    if kind == "blurred":
        grain = cv2.normalize(cv2.GaussianBlur(grain, (0, 0), 2), grain, 0, 255, cv2.NORM_MINMAX)
    if kind == "bars":
        grain = np.repeat(np.repeat(random.choice([0, 255], (1, 60)), 3, axis=1), 120, axis=0).astype(np.uint8)
    if kind == "blocks":
        grain = np.kron(random.choice([0, 255], (30, 45)), np.ones((4, 4))).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grain[:, :, None], 3, axis=2), np.uint8)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["grain", "blurred", "bars", "blocks"]))
@settings(deadline=None, max_examples=40)
def test_nothing_is_invented_in_noise(seed: int, kind: str) -> None:
    assert read_codes(noise(seed, kind)) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (300, 2), (16, 16)])
def test_tiny_pictures_hold_no_code(size: tuple[int, int]) -> None:
    assert read_codes(np.zeros((*size, 3), np.uint8)) == ()


@pytest.mark.parametrize("height", [1, 2, 3, 8])
def test_a_code_of_a_few_lines_is_no_error(height: int) -> None:
    bars = drawn("BOX-0042", Format.Code128)[90:91].repeat(height, axis=0)
    found = read_codes(np.ascontiguousarray(pasted(WHITE[:300], bars, 10, 100)))
    assert {code.text for code in found} <= {"BOX-0042"}


def test_hard_photos_are_read_and_none_wrong() -> None:
    truths = real("codes", "*.txt")
    read = {path: {code.gtin for code in read_codes(load(path.with_suffix(".webp")))} for path in truths}
    truth = {path: {path.read_text("utf-8").strip()} for path in truths}
    assert not {path.stem: found for path, found in read.items() if found - truth[path]}
    assert sum(read[path] == truth[path] for path in truths) >= 25 / 28 * len(truths)


def test_shop_photos_without_a_legible_code_give_none() -> None:
    assert not {path.name: found for path in real("shops", "*.jpg") if (found := read_codes(load(path)))}


def test_one_number_as_bars_and_as_a_matrix_is_two_codes() -> None:
    corners = ((0.0, 0.0), (300.0, 0.0), (300.0, 50.0), (0.0, 50.0))
    above = ((20.0, -90.0), (80.0, -90.0), (80.0, -30.0), (20.0, -30.0))
    bars, matrix = Code("GS1-128", "(01)06907992512570", corners), Code("GS1 DataMatrix", "(01)06907992512570", above)
    assert merge([bars, matrix]) == (matrix, bars)
