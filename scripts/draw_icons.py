"""Draws the icons of the installed terminal from the pixel map of the agent, so that both always show the same figure.

Run it after a change of the map: `python scripts/draw_icons.py`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WEB = Path(__file__).resolve().parents[1] / "src" / "pixel_agent" / "web"
COLOURS = {
    "n": (20, 18, 42),
    "d": (195, 180, 143),
    "a": (10, 83, 148),
    "s": (240, 185, 141),
    "l": (255, 255, 255),
}
"""Letters of the map, as the day palette of `css/tokens.css` and the fixed colours have them."""
GROUND = (255, 209, 82)
"""Behind the figure: a yellow that stands out on light and dark screens alike."""
EDGE = (20, 18, 42)

SIZES = {
    "favicon-32": (32, 1, 1),
    "icon-192": (192, 7, 6),
    "icon-512": (512, 19, 16),
    "icon-maskable-512": (512, 15, 0),
}
"""File → side, pixels a pixel of the map, width of the frame. A maskable icon keeps its figure within the inner 80 %."""


def agent() -> list[str]:
    """The rows of the agent's map, from the terminal's own source."""
    source = (WEB / "js" / "sprite-maps.js").read_text(encoding="utf-8")
    found = re.search(r'const AGENT =\s*"([^"]+)"', source)
    if found is None:
        raise SystemExit("js/sprite-maps.js has no map called AGENT.")
    return found[1].split(" ")


def draw(rows: list[str], side: int, scale: int, frame: int) -> NDArray[np.uint8]:
    """The figure in the middle of a framed square, at a whole multiple of its pixels; height x width x RGB."""
    picture = np.full((side, side, 3), GROUND, np.uint8)
    if frame:
        picture[:frame] = picture[-frame:] = EDGE
        picture[:, :frame] = picture[:, -frame:] = EDGE
    top = left = (side - len(rows) * scale) // 2
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter in COLOURS:
                picture[top + y * scale : top + (y + 1) * scale, left + x * scale : left + (x + 1) * scale] = COLOURS[
                    letter
                ]
    return picture


def main() -> None:
    """Write every icon, with a palette: a few colours pack into a few hundred bytes."""
    for name, (side, scale, frame) in SIZES.items():
        image = Image.fromarray(draw(agent(), side, scale, frame)).quantize(8, dither=Image.Dither.NONE)
        image.save(WEB / "icons" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
