"""Cuts straightened strips along a code and preprocesses them for a reader. Used by `read.py` and `second_look.py`."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Quad
from pixel_agent.photo.barcodes.verify import Gray

THINNEST = 0.01
"""Minimum height of a strip, as a share of its width."""


def cut_strip(
    gray: Gray, quad: Quad, width: int, height: int, lean: float, margin: float = 0.06
) -> tuple[Gray, NDArray[np.float32]]:
    """A region as an upright strip with vertical bars, and the 3 x 3 matrix from the strip back to the photo."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(quad, np.float32)
    along = (top_right - top_left + bottom_right - bottom_left) / 2
    if np.hypot(*along) < 1:
        along = np.array([1, 0], np.float32)
    down = (bottom_left - top_left + bottom_right - top_right) / 2 * 0.4
    if np.hypot(*down) < THINNEST * np.hypot(*along):  # read on one line only
        down = THINNEST * np.array([-along[1], along[0]], np.float32)
    centre = (top_left + top_right + bottom_right + bottom_left) / 4
    half = along * (0.5 + margin)
    down = down + along * (lean * float(np.hypot(*down) / np.hypot(*along)))
    source = np.array([centre - half - down, centre + half - down, centre + half + down, centre - half + down])
    fine = 3
    target = np.array([[0, 0], [width, 0], [width, height * fine], [0, height * fine]], np.float32)
    forth = cv2.getPerspectiveTransform(source.astype(np.float32), target)
    cut = cv2.warpPerspective(
        gray, forth, (width, height * fine), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    strip = cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA)
    back = np.linalg.inv(forth) @ np.diag([1, fine, 1])
    return np.asarray(strip, np.uint8), back.astype(np.float32)


def lean_of(gray: Gray, quad: Quad) -> float:
    """Slant of the bars: steps along the code per step down, from the main direction of the gradients."""
    top_left, top_right, _, bottom_left = np.asarray(quad, np.float32)
    width, height = (max(8, int(np.hypot(*side))) for side in (top_right - top_left, bottom_left - top_left))
    scale = min(1.0, 480 / width)
    width, height = int(width * scale), max(8, int(height * scale))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    forth = cv2.getPerspectiveTransform(np.asarray(quad, np.float32), target)
    upright = cv2.warpPerspective(gray, forth, (width, height), flags=cv2.INTER_LINEAR)
    middle = upright[height // 8 : height - height // 8]
    dx, dy = cv2.Scharr(middle, cv2.CV_32F, 1, 0), cv2.Scharr(middle, cv2.CV_32F, 0, 1)
    angle = 0.5 * np.arctan2(2 * float((dx * dy).sum()), float((dx * dx).sum() - (dy * dy).sum()))
    return float(np.clip(-np.tan(angle), -1, 1))


def sharpen(gray: Gray, radius: float, amount: float) -> Gray:
    """Sharpen with an unsharp mask; `radius` is in pixels."""
    soft = cv2.GaussianBlur(gray, (0, 0), radius)
    return np.asarray(cv2.addWeighted(gray, 1 + amount, soft, -amount, 0), np.uint8)


def equalize(gray: Gray) -> Gray:
    """Equalize local contrast, along the bars or in tiles."""
    tiles = (4, 1) if gray.shape[1] > 6 * gray.shape[0] else (8, 8)
    return np.asarray(cv2.createCLAHE(3, tiles).apply(gray), np.uint8)
