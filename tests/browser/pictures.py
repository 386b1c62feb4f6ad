"""Photos that the browser tests draw: a readable price tag, a sign with hostile text, a photo that is too dark."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

HOSTILE_SIGN = "<img src=x onerror=alert(1)>"


def drawn(*lines: str, size: tuple[int, int] = (900, 560), height: int = 48, seed: int = 0) -> bytes:
    """Lines of text on grainy paper, as a JPEG: sharp and bright enough for the quality gate."""
    grain = np.random.default_rng(seed).integers(225, 256, (size[1], size[0], 1), np.uint8)
    image = Image.fromarray(np.repeat(grain, 3, axis=2))
    pen = ImageDraw.Draw(image)
    font = ImageFont.load_default(height)
    pen.rectangle((20, 20, size[0] - 20, size[1] - 20), outline="black", width=6)
    for number, line in enumerate(lines):
        pen.text((60, 50 + number * height * 1.6), line, fill="black", font=font)
    return _jpeg(image)


@cache
def tag(number: int = 0) -> bytes:
    """A price tag; each number gives another photo."""
    return drawn("Green Tea 500 ml", "12.80 CNY", "Origin: Hangzhou", f"No. {4000 + number}", seed=number)


@cache
def hostile() -> bytes:
    """A sign that says HTML."""
    return drawn(HOSTILE_SIGN, "<script>alert(2)</script>", height=44)


@cache
def dark() -> bytes:
    """A photo with the lens cap on."""
    return _jpeg(Image.new("RGB", (900, 560), (4, 4, 4)))


def saved(folder: Path, name: str, data: bytes) -> Path:
    """A photo as a file to choose."""
    path = folder / name
    path.write_bytes(data)
    return path


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()
