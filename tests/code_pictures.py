"""Pictures of codes, drawn for the tests, and photos made by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp

from pixel_agent.core import Photo, Pixels
from tests.paths import SHARED_PHOTOS

PHOTOS = SHARED_PHOTOS


def drawn(text: str, symbology: zxingcpp.BarcodeFormat, *, module: int = 3, gs1: bool = False) -> Pixels:
    """A clean picture of one code with a wide white border; `module` is the width of a module in pixels."""
    options = {"gs1": True} if gs1 else {}
    bars = np.array(zxingcpp.create_barcode(text, symbology, **options).to_image(scale=module))
    framed = cv2.copyMakeBorder(bars, 50, 50, 50, 50, cv2.BORDER_CONSTANT, value=255)
    return np.ascontiguousarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2RGB), np.uint8)


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """The picture turned about its centre on a white ground that is large enough."""
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width)) + 2
    turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1), np.float64)
    turn[:, 2] += side / 2 - np.array([width / 2, height / 2])
    return np.asarray(cv2.warpAffine(pixels, turn, (side, side), borderValue=(255, 255, 255)), np.uint8)


def pasted(ground: Pixels, picture: Pixels, left: int, top: int) -> Pixels:
    """A copy of `ground` with the picture on it."""
    copy = ground.copy()
    copy[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return copy


def photo_of(pixels: Pixels, budget: int = 1_300_000) -> Photo:
    """A prepared photo as the photo stage would make it, of pixels that need no codec."""
    height, width = pixels.shape[:2]

    def decode(max_pixels: int | None) -> Pixels:
        scale = 1.0 if max_pixels is None else min(1.0, (max_pixels / (height * width)) ** 0.5)
        size = (round(width * scale), round(height * scale))
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)

    return Photo(b"", "0" * 64, "image/png", width, height, decode(budget), decode)


def load(path: Path) -> Pixels:
    """A real photo, or a loud skip where the folder of photos is not there."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        pytest.skip(f"{path.parent.name}/{path.name} is not here: the folder shared/photos is missing")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def real(folder: str, pattern: str) -> list[Path]:
    """Real photos of a folder, or a loud skip."""
    found = sorted((PHOTOS / folder).glob(pattern))
    if not found:
        pytest.skip(f"shared/photos/{folder} is not here: real photos cannot be read")
    return found
