from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Photo, Pixels, Quality
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo.quality import ADVICE_CODES, advice_text, assess
from pixel_agent.photo.stage import prepare
from tests.paths import SHARED_PHOTOS

PHOTOS = SHARED_PHOTOS


def page(value: int = 255, size: tuple[int, int] = (800, 600)) -> Pixels:
    return np.full((size[1], size[0], 3), value, np.uint8)


def tag(ink: int = 0, paper: int = 235) -> Pixels:
    pixels = page(paper)
    for line in range(6):
        cv2.putText(pixels, "PRICE 12.50", (60, 90 + 90 * line), cv2.FONT_HERSHEY_SIMPLEX, 2, (ink,) * 3, 3)
    return pixels


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), np.uint8)


def noisy(pixels: Pixels, sigma: float) -> Pixels:
    noise = np.random.default_rng(5).normal(0, sigma, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def judged(pixels: Pixels) -> Quality:
    return assess(pixels, (pixels.shape[1], pixels.shape[0]))


def codes(pixels: Pixels) -> set[str]:
    return {notice.code for notice in judged(pixels).advice}


def real_photos(folder: str) -> list[Photo]:
    paths = sorted(path for path in (PHOTOS / folder).glob("*") if path.suffix in (".jpg", ".webp"))
    if not paths:
        pytest.skip(f"no real photos in {PHOTOS / folder}")
    return [prepare(path.read_bytes(), 1280 * 1024, PhotoSettings()) for path in paths]


def test_a_clear_tag_needs_no_advice() -> None:
    assert codes(tag()) == set()
    assert judged(tag()).readable


@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_colour_is_not_readable(value: int) -> None:
    assert not judged(page(value)).readable


def test_noise_alone_is_not_readable() -> None:
    assert not judged(noisy(page(40), 8)).readable


def test_black_is_too_dark_and_white_too_bright() -> None:
    assert "too_dark" in codes(page(0))
    assert codes(page(255)) == {"too_bright"}


def test_blur_is_advised_and_noise_does_not_hide_it() -> None:
    assert "blurred" in codes(blurred(tag(), 4))
    assert "blurred" in codes(noisy(blurred(tag(), 4), 12))
    assert "blurred" not in codes(noisy(tag(), 12))


def test_sharpness_does_not_depend_on_contrast_or_on_how_much_there_is() -> None:
    little = page(200)
    cv2.putText(little, "12.50", (60, 300), cv2.FONT_HERSHEY_SIMPLEX, 2, (140,) * 3, 3)
    assert abs(judged(little).sharpness - judged(tag()).sharpness) < 0.15
    assert judged(little).readable
    assert "blurred" not in codes(little)


def test_more_blur_is_never_sharper() -> None:
    values = [judged(blurred(tag(), sigma)).sharpness for sigma in (0.5, 1, 2, 4, 8, 16)]
    assert all(after <= before + 0.01 for before, after in pairwise(values))


def test_glare_is_a_soft_blown_out_blob() -> None:
    spot = np.zeros((600, 800), np.float32)
    cv2.circle(spot, (400, 300), 140, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(spot, (0, 0), 15))[..., None]
    shelf = tag(paper=150)
    glaring = np.clip(shelf + 300 * soft, 0, 255).astype(np.uint8)
    assert judged(glaring).glare > 0.06
    assert "glare" in codes(glaring)
    assert judged(shelf).glare == 0


def test_a_white_label_is_no_glare() -> None:
    pixels = page(90)
    pixels[150:450, 200:600] = 255
    assert judged(pixels).glare == 0


@pytest.mark.parametrize("angle", [-15, -4, 0, 6, 20])
def test_tilt_is_measured_clockwise(angle: int) -> None:
    lines = page(220)
    for y in range(40, 600, 60):
        cv2.line(lines, (0, y), (800, y), (20, 20, 20), 4)
    turn = cv2.getRotationMatrix2D((400, 300), -angle, 1.6)
    tilt = judged(np.asarray(cv2.warpAffine(lines, turn, (800, 600)), np.uint8)).tilt_deg
    assert tilt is not None
    assert abs(tilt - angle) < 1


def test_without_lines_there_is_no_tilt() -> None:
    assert judged(noisy(page(128), 40)).tilt_deg is None
    assert judged(page(128)).tilt_deg is None


def test_few_pixels_are_advised_and_none_unreadable() -> None:
    small = np.asarray(cv2.resize(tag(), (200, 150), interpolation=cv2.INTER_AREA), np.uint8)
    assert "low_resolution" in codes(small)
    assert judged(small).readable
    assert not judged(tag()[:7, :40]).readable


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_any_size_is_judged_within_the_scales(width: int, height: int, seed: int) -> None:
    found = judged(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
    for value in (found.sharpness, found.brightness, found.contrast, found.glare):
        assert 0 <= value <= 1
    assert {notice.code for notice in found.advice} <= set(ADVICE_CODES)


@pytest.mark.parametrize("code", ADVICE_CODES)
def test_every_advice_speaks_both_languages(code: str) -> None:
    assert any("一" <= letter <= "鿿" for letter in advice_text(code, "zh"))
    assert advice_text(code, "en").isascii()


def test_the_language_of_advice_can_be_chosen() -> None:
    assert assess(page(0), (800, 600), "en").advice[0].message == advice_text("too_dark", "en")


@pytest.mark.parametrize("folder", ["shops", "codes"])
def test_every_real_photo_is_readable_and_sharp(folder: str) -> None:
    for photo in real_photos(folder):
        assert judged(photo.pixels).readable
        assert "blurred" not in codes(photo.pixels)


def test_shop_photos_are_neither_dark_nor_bright_nor_glaring() -> None:
    for photo in real_photos("shops"):
        assert not codes(photo.pixels) & {"too_dark", "too_bright", "glare", "tilted"}


def test_blurred_darkened_and_overexposed_shop_photos_are_advised() -> None:
    for photo in real_photos("shops"):
        assert "blurred" in codes(noisy(blurred(photo.pixels, 4), 3))
        assert "too_dark" in codes((photo.pixels * 0.15).astype(np.uint8))
        assert "too_bright" in codes(np.clip(photo.pixels.astype(int) + 170, 0, 255).astype(np.uint8))
        assert not judged(blurred(photo.pixels, 30)).readable
