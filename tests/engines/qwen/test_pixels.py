from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from pixel_agent.core import Pixels
from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.engines.qwen.pixels import grid_of, on_grid, pixel_values

BUDGET = 1280 * 1024
# Everything set: the defaults of the class are those of an older family, with patches of 14 pixels.
PROCESSOR = Qwen2VLImageProcessorPil(
    patch_size=16,
    temporal_patch_size=2,
    merge_size=2,
    image_mean=[0.5] * 3,
    image_std=[0.5] * 3,
    size={"shortest_edge": 65536, "longest_edge": BUDGET},
)


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)


@settings(deadline=None, max_examples=25)
@given(st.integers(8, 40), st.integers(8, 32))
def test_pixel_values_are_those_of_the_published_processor(across: int, down: int) -> None:
    photo = noise(across * 32, down * 32)
    expected = PROCESSOR(images=[photo], return_tensors="np")
    assert np.abs(pixel_values(photo).numpy() - expected["pixel_values"]).max() < 1e-5
    assert expected["image_grid_thw"].tolist() == [list(grid_of(photo))]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (37, 500), (1999, 3001), (4000, 21), (31, 33)])
def test_photos_off_the_grid_get_the_published_size(width: int, height: int) -> None:
    grid = PROCESSOR(images=[noise(width, height)], return_tensors="np")["image_grid_thw"]
    assert grid.tolist() == [list(grid_of(on_grid(noise(width, height), BUDGET)))]


def test_photos_on_the_grid_are_left_as_they_are() -> None:
    photo = noise(512, 256)
    assert on_grid(photo, BUDGET) is photo


def test_strips_that_no_model_reads_are_refused() -> None:
    with pytest.raises(InvalidPhoto, match="long a strip"):
        on_grid(noise(2010, 10), BUDGET)
