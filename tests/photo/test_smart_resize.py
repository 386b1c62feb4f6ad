from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo.smart_resize import visual_size
from pixel_agent.photo.stage import prepare

SIDES = st.integers(1, 9000)


@settings(deadline=None, max_examples=100)
@given(SIDES, SIDES, st.integers(65536, 16_777_216))
def test_the_size_is_that_of_the_published_processor(width: int, height: int, budget: int) -> None:
    if max(width, height) > 200 * min(width, height):
        with pytest.raises(InvalidPhoto):
            visual_size(width, height, budget)
        return
    expected = smart_resize(height, width, factor=32, min_pixels=65536, max_pixels=budget)
    assert visual_size(width, height, budget) == expected[::-1]


@settings(deadline=None, max_examples=100)
@given(SIDES, SIDES, st.integers(262_144, 1_500_000))
def test_a_size_once_found_stays(width: int, height: int, budget: int) -> None:
    if max(width, height) <= 20 * min(width, height):
        size = visual_size(width, height, budget)
        assert visual_size(*size, budget) == size


@pytest.mark.parametrize("kind", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize(("width", "height"), [(640, 480), (100, 60), (3000, 2000), (523, 517), (4000, 33)])
def test_photos_are_prepared_at_exactly_that_size(kind: str, width: int, height: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    photo = prepare(cv2.imencode(kind, noise)[1].tobytes(), 602_112, PhotoSettings(), grid=32)
    assert photo.prepared_size == visual_size(width, height, 602_112)
    assert (photo.width, photo.height) == (width, height)
    assert photo.visual_tokens * 1024 == photo.pixels.shape[0] * photo.pixels.shape[1]
