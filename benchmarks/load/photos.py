"""Photos for load tests: drawn from a seed, as detailed as a shelf, about 300 kB each."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from pixel_agent.core import Pixels

WIDTH, HEIGHT = 1600, 1200
TARGET_BYTES = 300_000


def shelf_photo(seed: int, target_bytes: int = TARGET_BYTES) -> bytes:
    """One JPEG of 1600 x 1200 pixels: shelves, goods, labels and grain, within 5 % of the target size (bytes)."""
    pixels = _draw(np.random.default_rng(seed))
    low, high = 5, 98
    best = b""
    while low <= high:
        quality = (low + high) // 2
        data: bytes = simplejpeg.encode_jpeg(pixels, quality=quality, colorspace="RGB", colorsubsampling="420")
        if not best or abs(len(data) - target_bytes) < abs(len(best) - target_bytes):
            best = data
        if len(data) < target_bytes:
            low = quality + 1
        else:
            high = quality - 1
    return best


def write_photos(folder: Path, count: int, target_bytes: int = TARGET_BYTES) -> list[Path]:
    """Draw `count` distinct photos into a folder; the same call gives the same bytes."""
    paths = []
    for seed in range(count):
        path = folder / f"shelf-{seed:02}.jpg"
        path.write_bytes(shelf_photo(seed, target_bytes))
        paths.append(path)
    return paths


def _draw(random: np.random.Generator) -> Pixels:
    image = np.full((HEIGHT, WIDTH, 3), random.integers(150, 220, 3), np.uint8)
    for top in range(20, HEIGHT - 180, 230):
        left = 10
        while left < WIDTH - 40:
            width, height = int(random.integers(50, 130)), int(random.integers(120, 195))
            right, bottom = min(left + width, WIDTH - 5), top + 195
            color = tuple(int(value) for value in random.integers(20, 250, 3))
            cv2.rectangle(image, (left, bottom - height), (right, bottom), color, -1)
            label = tuple(255 - value for value in color)
            text = "".join(chr(int(code)) for code in random.integers(65, 91, 6))
            for row in range(bottom - height + 25, bottom - 8, 22):
                cv2.putText(image, text, (left + 4, row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, label, 1, cv2.LINE_AA)
            left = right + int(random.integers(2, 14))
        cv2.rectangle(image, (0, top + 196), (WIDTH, top + 216), (235, 235, 225), -1)
    grain = random.normal(0.0, 9.0, image.shape)
    return np.clip(image.astype(np.float64) + grain, 0, 255).astype(np.uint8)
