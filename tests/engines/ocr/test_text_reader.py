from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from benchmarks.reading.tag_maker import draw_tag
from pixel_agent.core import Pixels
from pixel_agent.core.errors import EngineUnavailable
from pixel_agent.engines.ocr import text_models, text_reader
from pixel_agent.engines.ocr.text_reader import CLOSE, QUICK, TextReader, reading_order
from tests.paths import SHARED_PHOTOS

SHOPS = SHARED_PHOTOS / "shops"


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader(2)


def paper(*texts: tuple[int, int, str, int], size: tuple[int, int] = (640, 400)) -> Pixels:
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for x, y, text, height in texts:
        draw.text((x, y), text, fill="black", font=ImageFont.load_default(height))
    return np.asarray(image)


PRICE = paper((40, 40, "Fresh Apple", 48), (40, 140, "12.80", 96), (40, 300, "Origin: Yantai", 36))


def texts(reader: TextReader, image: Pixels) -> list[str]:
    return [line.text for line in reader.read([image])[0]]


def shop(name: str) -> Pixels:
    path = SHOPS / name
    if not path.is_file():
        pytest.skip(f"the real photo {name} is not on this machine")
    return np.asarray(Image.open(path).convert("RGB"))


def test_reads_digits_and_words_in_reading_order(reader: TextReader) -> None:
    assert texts(reader, PRICE) == ["Fresh Apple", "12.80", "Origin: Yantai"]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_reads_a_turned_photo_in_its_own_order(reader: TextReader, quarters: int) -> None:
    turned = np.ascontiguousarray(np.rot90(PRICE, quarters))
    assert texts(reader, turned) == ["Fresh Apple", "12.80", "Origin: Yantai"]


def test_corners_begin_where_reading_begins(reader: TextReader) -> None:
    line = reader.read([np.ascontiguousarray(PRICE[::-1, ::-1])])[0][1]
    start, end = line.corners[0], line.corners[1]
    assert line.text == "12.80"
    assert start[0] > end[0]


def test_corners_land_on_the_text(reader: TextReader) -> None:
    left, top, right, bottom = reader.read([paper((200, 150, "SALE", 60))])[0][0].box
    assert (left, top) == pytest.approx((200, 165), abs=15)
    assert (right, bottom) == pytest.approx((350, 210), abs=25)


def test_reads_characters_that_stand_one_under_the_other(reader: TextReader) -> None:
    sign = paper(*((280, 20 + 50 * row, letter, 64) for row, letter in enumerate("HOTEL")))
    assert texts(reader, sign) == ["HOTEL"]


def test_a_single_narrow_digit_stays_upright(reader: TextReader) -> None:
    assert texts(reader, paper((300, 100, "1", 160))) == ["1"]


def test_photos_read_together_give_what_each_gives_alone(reader: TextReader) -> None:
    other = paper((60, 60, "EXP 2026.11.22", 40), size=(400, 200))
    together = reader.read([PRICE, other], [QUICK, CLOSE])
    assert [[line.text for line in lines] for lines in together] == [
        [line.text for line in reader.read([PRICE], QUICK)[0]],
        [line.text for line in reader.read([other], CLOSE)[0]],
    ]


def test_a_quick_look_that_meets_small_print_looks_closer(reader: TextReader) -> None:
    notes = paper(
        *((40, 60 * row + 20, f"line number {row} of the small print", 17) for row in range(16)), size=(1280, 960)
    )
    read = reader.read([notes], QUICK)[0]
    assert [line.text for line in read] == [f"line number {row} of the small print" for row in range(16)]


@pytest.mark.parametrize("shape", [(1, 1), (5, 900), (3000, 20), (64, 64)])
def test_a_photo_without_text_gives_no_lines(reader: TextReader, shape: tuple[int, int]) -> None:
    assert reader.read([np.full((*shape, 3), 180, np.uint8)]) == [()]


def test_no_photos_give_no_answers(reader: TextReader) -> None:
    assert reader.read([]) == []


def test_noise_is_not_text(reader: TextReader) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    assert reader.read([noise]) == [()]


@pytest.mark.parametrize("layout", ["labelled", "promotion", "produce"])
def test_reads_the_name_and_price_on_a_drawn_tag(reader: TextReader, layout: str) -> None:
    tag, truth = draw_tag(layout, random.Random(5))
    read = "".join(line.text for line in reader.read([tag], QUICK)[0]).replace(" ", "")
    assert str(truth["name"]) in read
    assert f"{truth['regular_price']:g}".replace(".", "") in read.replace(".", "")


def test_reads_chinese_and_english_signs_of_a_real_photo(reader: TextReader) -> None:
    assert texts(reader, shop("sign_break_point.jpg"))[:3] == ["击破点", "紧急时敲击击破点", "BREAK POINT"]


def test_reads_a_real_vertical_sign(reader: TextReader) -> None:
    assert {"清潔用品", "妙管家"} <= set(texts(reader, shop("aisle_snacks.jpg")))


def test_every_corner_lies_inside_a_real_photo(reader: TextReader) -> None:
    image = shop("aisle_jars.jpg")
    corners = np.array([line.corners for line in reader.read([image])[0]])
    assert len(corners) > 15
    assert corners.min() >= 0
    assert (corners.max(axis=(0, 1)) <= (image.shape[1], image.shape[0])).all()


def test_small_raised_decimals_are_read_with_their_point(reader: TextReader) -> None:
    tag = paper((40, 30, "Fresh Apple", 48), (60, 120, "36", 200), (305, 125, "90", 90))
    assert texts(reader, tag) in (["Fresh Apple", "36.90"], ["Fresh Apple", "36", "90"])


def test_loading_a_model_leaves_the_float_mode_of_the_caller_alone() -> None:
    code = (
        "import numpy as np; from pixel_agent.engines.ocr.text_models import Network, RECOGNITION_FILE, model_path;"
        "Network(model_path(RECOGNITION_FILE), 1); assert np.float32(1e-39) * np.float32(0.5) > 0"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def attempt(text: str, turn: int, confidence: float, region: text_models.Region) -> text_reader._Attempt:
    return text_reader._Attempt(0, region, turn, text=text, confidence=confidence)


def test_a_few_figures_follow_the_direction_of_the_long_lines() -> None:
    long, short = (text_models.Region(quad(10, y), 0.9) for y in (10, 50))
    page = attempt("海天金标生抽", 0, 0.99, long)
    upright, over = attempt("90", 0, 0.8, short), attempt("06", 2, 0.99, short)
    assert text_reader._with_the_page([page, upright, over], [page, over]) == [page, upright]
    guess = attempt("9", 0, 0.2, short)
    assert text_reader._with_the_page([page, guess, over], [page, over]) == [page, over]


def test_a_missing_model_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_models, "DETECTION_FILE", "absent.onnx")
    with pytest.raises(EngineUnavailable, match=r"absent\.onnx is missing") as caught:
        TextReader(1)
    assert "pip install" in caught.value.advice


def test_a_broken_model_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EngineUnavailable, match=r"broken\.onnx cannot be loaded"):
        text_models.Network(path, 1)


def test_a_failing_inference_raises_where_it_is_awaited() -> None:
    network = text_models.Network(text_models.model_path(text_models.RECOGNITION_FILE), 1)
    with pytest.raises(RuntimeError):
        network.submit(np.zeros((1, 2, 3, 4), np.float32), np.size).result(timeout=60)


def quad(x: float, y: float, width: float = 80, height: float = 20) -> text_models.Floats:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


@settings(deadline=None, max_examples=100)
@given(st.integers(-20, 20), st.permutations(range(12)))
def test_reading_order_survives_tilt_and_shuffling(angle: int, order: list[int]) -> None:
    grid = [quad(column * 150, row * 60) for row in range(4) for column in range(3)]
    turn = cv2.getRotationMatrix2D((200, 120), angle, 1.0).astype(np.float32)
    tilted = [corners @ turn[:, :2].T + turn[:, 2] for corners in grid]
    assert [order[index] for index in reading_order([tilted[index] for index in order])] == list(range(12))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 900), st.integers(1, 300), st.integers(1, 300))))
def test_reading_order_loses_and_repeats_nothing(boxes: list[tuple[int, int, int, int]]) -> None:
    assert sorted(reading_order([quad(*box) for box in boxes])) == list(range(len(boxes)))
