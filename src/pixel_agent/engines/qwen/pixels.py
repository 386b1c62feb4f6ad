"""Converts a prepared photo to the input tensor of the Qwen3-VL family; replaces the library's image processor.

Runs after the photo stage, which decodes directly to the model's size. The eight-bit pixels go to the device and are
normalised and cut into patches there: a quarter of the bytes, and none of the image processor's time.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from pixel_agent.core import Pixels
from pixel_agent.photo.smart_resize import visual_size

PATCH = 16
"""Side in pixels of one patch, the unit that the vision tower embeds."""
MERGE = 2
"""Patches along each side of one visual token."""
FRAMES = 2
"""Frames per patch; a photo is repeated as its own second frame."""
MEAN = DEVIATION = 0.5
"""Mean and deviation of each channel for normalisation, on the scale 0-1."""


def on_grid(pixels: Pixels, max_pixels: int) -> Pixels:
    """Resize a photo to the model's own size; a photo already on the grid is returned unchanged.

    Raises InvalidPhoto for a strip too narrow for the model.
    """
    height, width = pixels.shape[:2]
    size = visual_size(width, height, max_pixels)
    if size == (width, height):
        return pixels
    shrinks = size[0] * size[1] < width * height
    resized = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def grid_of(pixels: Pixels) -> tuple[int, int, int]:
    """Number of frames, rows and columns of patches: the model's `image_grid_thw`."""
    height, width = pixels.shape[:2]
    return 1, height // PATCH, width // PATCH


def pixel_values(pixels: Pixels, device: torch.device | str = "cpu") -> torch.Tensor:
    """Patches x values (float32, about -1 to 1) of a photo whose sides are multiples of 32.

    Patches of one visual token are consecutive; values are ordered by channel, frame, row, column.
    """
    rows, columns = pixels.shape[0] // (PATCH * MERGE), pixels.shape[1] // (PATCH * MERGE)
    image = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    scaled = image.to(torch.float32).mul_(1 / (255 * DEVIATION)).sub_(MEAN / DEVIATION)
    cut = scaled.view(rows, MERGE, PATCH, columns, MERGE, PATCH, 3).permute(0, 3, 1, 4, 6, 2, 5)
    framed = cut.unsqueeze(5).expand(*cut.shape[:5], FRAMES, *cut.shape[5:])
    return framed.reshape(rows * columns * MERGE * MERGE, 3 * FRAMES * PATCH * PATCH)
