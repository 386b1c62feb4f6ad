"""A prepared photo as the tensor that models of the Qwen3-VL family take: the work of their processor, without it.

Follows the photo stage, which decodes straight to the model's size; the eight-bit pixels go to the device and are
scaled and cut there, a quarter of the bytes and none of the processor's time.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from pixel_agent.core import Pixels
from pixel_agent.photo.smart_resize import visual_size

PATCH = 16
"""Side in pixels of what the vision tower embeds as one."""
MERGE = 2
"""Patches along each side of one visual token."""
FRAMES = 2
"""Frames of a patch in time; a photo is its own second frame."""
MEAN = DEVIATION = 0.5
"""Of each channel, on the scale 0-1."""


def on_grid(pixels: Pixels, max_pixels: int) -> Pixels:
    """The photo in the model's own size; those that the photo stage prepared on the grid come back as they are.

    Raises InvalidPhoto for strips that no model reads.
    """
    height, width = pixels.shape[:2]
    size = visual_size(width, height, max_pixels)
    if size == (width, height):
        return pixels
    shrinks = size[0] * size[1] < width * height
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def grid_of(pixels: Pixels) -> tuple[int, int, int]:
    """Frames, rows and columns of patches: the model's `image_grid_thw`."""
    height, width = pixels.shape[:2]
    return 1, height // PATCH, width // PATCH


def pixel_values(pixels: Pixels, device: torch.device | str = "cpu") -> torch.Tensor:
    """Patches x values (float32, about -1 to 1) of a photo whose sides are multiples of 32.

    Patches of one visual token follow each other; values run over channel, frame, row, column.
    """
    rows, columns = pixels.shape[0] // (PATCH * MERGE), pixels.shape[1] // (PATCH * MERGE)
    image = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    scaled = image.to(torch.float32).mul_(1 / (255 * DEVIATION)).sub_(MEAN / DEVIATION)
    cut = scaled.view(rows, MERGE, PATCH, columns, MERGE, PATCH, 3).permute(0, 3, 1, 4, 6, 2, 5)
    framed = cut.unsqueeze(5).expand(*cut.shape[:5], FRAMES, *cut.shape[5:])
    return framed.reshape(rows * columns * MERGE * MERGE, 3 * FRAMES * PATCH * PATCH)
