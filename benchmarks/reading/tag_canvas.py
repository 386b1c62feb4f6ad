"""A flat canvas for drawing tags: text in CJK faces, bands, lines, frames, real barcodes."""

from __future__ import annotations

import logging
import random
from functools import cache
from pathlib import Path

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFont

from pixel_agent.core import Box, Pixels

Colour = tuple[int, int, int]

BLACK: Colour = (20, 20, 20)
GREY: Colour = (95, 95, 95)
RED: Colour = (200, 20, 25)
BLUE: Colour = (20, 60, 150)
WHITE: Colour = (255, 255, 255)
YELLOW: Colour = (255, 228, 92)

FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".fonts",
    Path("/Library/Fonts"),
)
FAMILIES = ("NotoSansCJK", "NotoSerifCJK")
FALLBACK = (
    Path(__file__).resolve().parents[2]
    / "src"
    / "pixel_agent"
    / "web"
    / "vendor"
    / "fusion-pixel"
    / "fusion-pixel-12px.woff2"
)
SIMPLIFIED = 2
"""Index of the SC face in the Noto CJK collections."""

logger = logging.getLogger(__name__)


class Canvas:
    """A canvas of `width` x `height` pixels; `rng` picks one family of fonts for the whole canvas."""

    def __init__(self, width: int, height: int, rng: random.Random, *, paper: Colour = WHITE) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width, height), paper)
        self._draw = ImageDraw.Draw(self._image)
        self._family = rng.choice((FAMILIES[0], FAMILIES[0], FAMILIES[1]))

    @property
    def pixels(self) -> Pixels:
        """The drawn pixels."""
        return np.asarray(self._image, np.uint8).copy()

    def text(
        self,
        x: int,
        y: int,
        text: str,
        size: int,
        colour: Colour = BLACK,
        *,
        bold: bool = False,
        anchor: str = "lt",
        room: int | None = None,
    ) -> Box:
        """Write at an anchor (Pillow's letters), smaller if it would be wider than `room`; returns its box."""
        face = load_font(self._family, bold, size)
        if room is not None and face.getlength(text) > room:
            face = load_font(self._family, bold, max(12, int(size * room / face.getlength(text))))
        self._draw.text((x, y), text, fill=colour, font=face, anchor=anchor)
        left, top, right, bottom = self._draw.textbbox((x, y), text, font=face, anchor=anchor)
        return int(left), int(top), int(right), int(bottom)

    def band(self, top: int, bottom: int, colour: Colour) -> None:
        """A coloured band over the whole width."""
        self._draw.rectangle((0, top, self.width, bottom), fill=colour)

    def lines(self, ends: tuple[int, int, int, int], colour: Colour) -> None:
        """A straight line, 3 px thick, from (x0, y0) to (x1, y1)."""
        self._draw.line(ends, fill=colour, width=3)

    def frame(self, colour: Colour) -> None:
        """A border around the canvas."""
        self._draw.rectangle((0, 0, self.width - 1, self.height - 1), outline=colour, width=5)

    def barcode(self, digits: str, x: int, y: int, *, height: int, module: int = 3) -> None:
        """An EAN-13 whose bars are `height` px high and `module` px wide, with the digits below."""
        code = zxingcpp.create_barcode(digits, zxingcpp.BarcodeFormat.EAN13)
        row = np.asarray(code.to_image(scale=1, add_quiet_zones=False))
        bars = np.repeat(np.tile(row[row.shape[0] // 2], (height, 1)), module, axis=1)
        self._image.paste(Image.fromarray(np.stack([bars] * 3, axis=-1)), (x, y))
        self.text(x + bars.shape[1] // 2, y + height + 18, digits, 26, anchor="mm")

    def paste(self, pixels: Pixels, x: int, y: int) -> None:
        """Copy other pixels onto the canvas."""
        self._image.paste(Image.fromarray(pixels), (x, y))


@cache
def load_font(family: str, bold: bool, size: int) -> ImageFont.FreeTypeFont:
    """A CJK face of the system; if none is installed, the vendored pixel face, with a warning."""
    path = _font_file(f"{family}-{'Bold' if bold else 'Regular'}.ttc")
    if path is None:
        return ImageFont.truetype(FALLBACK, size)
    return ImageFont.truetype(path, size, index=SIMPLIFIED)


@cache
def _font_file(name: str) -> Path | None:
    for folder in FONT_FOLDERS:
        for path in folder.rglob(name) if folder.is_dir() else ():
            return path
    logger.warning("The font %s is not installed: drawing with the vendored Fusion Pixel instead.", name)
    return None
