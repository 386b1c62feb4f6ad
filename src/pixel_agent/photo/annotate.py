"""Draws the rows of a result on a copy of the photo: boxes, and labels with the main field of each row.

Called by `thumbnails.py`. Colour is never the only sign: each label starts with a shape for its source, findings have
corner marks instead of a frame, and exclamation marks show the severity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont
from pydantic import JsonValue

from pixel_agent.core import Pixels, Point, Row, Severity, Source
from pixel_agent.core.geometry import shared_area
from pixel_agent.core.numbers import plain_number
from pixel_agent.core.text import one_line

FONT = "web/vendor/fusion-pixel/fusion-pixel-12px.woff2"
FONT_STEP = 12
"""The pixel font is sharp only at multiples of its own 12 px."""
SIDE_PER_STEP = 600
"""Labels grow by one FONT_STEP for each such number of pixels in the photo's longer side."""
FEWEST_STEPS, MOST_STEPS = 2, 5
LONGEST_LABEL = 28
QUALITY = 90

Colour: TypeAlias = tuple[int, int, int]
_Drawn: TypeAlias = tuple[float, float, float, float]

INK: Colour = (16, 16, 20)
# Okabe and Ito's palette: colour-blind people can distinguish the colours, and dark text is readable on all of them.
COLOURS: dict[Source, Colour] = {
    Source.BARCODE: (86, 180, 233),
    Source.TEXT: (240, 228, 66),
    Source.MODEL: (0, 190, 140),
    Source.RULE: (204, 150, 190),
    Source.HUMAN: (255, 255, 255),
}
SHAPES = {Source.BARCODE: "■", Source.TEXT: "T", Source.MODEL: "●", Source.RULE: "◆", Source.HUMAN: "▲"}
SEVERITIES: dict[str, tuple[str, Colour | None]] = {
    Severity.INFO: ("", None),
    Severity.MINOR: ("!", None),
    Severity.MAJOR: ("!!", (240, 160, 30)),
    Severity.CRITICAL: ("!!!", (255, 96, 64)),
}

HEADS = (
    *("name", "shop_name", "sign_text", "hazard", "rule_id", "object", "waste_type", "tag_text", "text", "item"),
    *("found", "position_id", "gtin", "type", "status", "answer", "evidence", "reason"),
)
"""Fields that can name a row in its label, in order of preference."""
TAILS = (
    *("sale_price", "regular_price", "price", "expiry_date", "production_date", "tilt_deg", "facings", "portion"),
    *("verdict", "status", "gtin"),
)
"""Fields that can follow the head in a label; the first one present is used."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """One box and its label to draw, in pixels of the picture."""

    outline: tuple[Point, ...]
    label: str
    colour: Colour
    corners_only: bool = False

    @property
    def box(self) -> _Drawn:
        xs, ys = [x for x, _ in self.outline], [y for _, y in self.outline]
        return min(xs), min(ys), max(xs), max(ys)


def annotate(
    pixels: Pixels,
    rows: Sequence[Row],
    *,
    scale: Point = (1.0, 1.0),
) -> bytes:
    """A JPEG of the picture with every row that has a box.

    Boxes are in pixels of the original; `scale` is `Photo.scale`, the factors from `pixels` to those. A row
    with a `severity` is drawn as a finding. Labels stay inside the picture; `pixels` is not changed.
    """
    image = Image.fromarray(pixels)
    steps = min(MOST_STEPS, max(FEWEST_STEPS, round(max(image.size) / SIDE_PER_STEP)))
    marks = [_row_mark(row, scale) for row in rows if row.bbox is not None]
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"
    font = ImageFont.truetype(BytesIO(_font_file()), steps * FONT_STEP) if marks else None
    for mark in marks:
        _outline(draw, mark, width=steps + 1)
    placed: list[_Drawn] = []
    for mark in sorted(marks, key=lambda mark: mark.box[1]):
        if font is not None:
            placed.append(_label(draw, mark, font, placed, image.size))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def label_of(row: Row) -> str:
    """The text of a row's label: its main field, then its price, date or verdict."""
    head = next((key for key in HEADS if _words(row.fields.get(key))), None)
    tail = next((key for key in TAILS if key != head and _words(row.fields.get(key))), None)
    said = [_words(row.fields[key]) for key in (head, tail) if key is not None]
    mark, _ = _severity(row)
    tail_length = len(said[-1]) + 1 if len(said) == 2 else 0
    said[:1] = [_short(word, max(LONGEST_LABEL // 2, LONGEST_LABEL - tail_length)) for word in said[:1]]
    return _short(" ".join([SHAPES[row.source] + mark, *said]), LONGEST_LABEL + 6)


def _row_mark(row: Row, scale: Point) -> _Mark:
    left, top, right, bottom = row.bbox or (0, 0, 1, 1)
    x, y = scale
    outline = ((left / x, top / y), (right / x, top / y), (right / x, bottom / y), (left / x, bottom / y))
    _, colour = _severity(row)
    return _Mark(outline, label_of(row), colour or COLOURS[row.source], corners_only="severity" in row.fields)


def _severity(row: Row) -> tuple[str, Colour | None]:
    return SEVERITIES.get(str(row.fields.get("severity")), ("", None))


def _words(value: JsonValue | None) -> str:
    """A value as one line; empty if it cannot be shown in a label."""
    if isinstance(value, float):
        return plain_number(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return ""
    return one_line(str(value))


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _outline(draw: ImageDraw.ImageDraw, mark: _Mark, width: int) -> None:
    """Draw a frame or four corner marks; a dark rim makes either visible on a bright photo."""
    closed = (*mark.outline, mark.outline[0])
    for colour, thick in ((INK, width + 2), (mark.colour, width)):
        if not mark.corners_only:
            draw.line(closed, fill=colour, width=thick, joint="curve")
            continue
        for (ax, ay), (bx, by) in pairwise(closed):
            dx, dy = (bx - ax) / 4, (by - ay) / 4
            draw.line(((ax, ay), (ax + dx, ay + dy)), fill=colour, width=thick + 1)
            draw.line(((bx - dx, by - dy), (bx, by)), fill=colour, width=thick + 1)


def _label(
    draw: ImageDraw.ImageDraw,
    mark: _Mark,
    font: ImageFont.FreeTypeFont,
    placed: Sequence[_Drawn],
    size: tuple[int, int],
) -> _Drawn:
    """Draw a label on its own background where it covers the fewest other labels; returns its box."""
    text, pad = mark.label, max(2, int(font.size) // 6)
    while len(text) > 2 and font.getlength(text) + 2 * pad > size[0]:
        text = text[:-2] + "…"
    width, height = font.getlength(text) + 2 * pad, font.size + 2 * pad
    places = [_inside(left, top, width, height, size) for left, top in _places(mark.box, width, height)]
    place = min(places, key=lambda one: sum(shared_area(one, other) for other in placed))
    draw.rectangle(place, fill=mark.colour, outline=INK)
    ascent, descent = font.getmetrics()
    draw.text((place[0] + pad, place[1] + pad + (font.size - ascent - descent) / 2), text, font=font, fill=INK)
    return place


def _places(box: _Drawn, width: float, height: float) -> list[Point]:
    """Possible positions of a label, best first: above, below, inside, beside."""
    left, top, right, bottom = box
    beside = [(right, top), (left - width, top)]
    return [
        (left, top - height),
        (left, bottom),
        (right - width, top - height),
        (left, top),
        (left, bottom - height),
        *beside,
    ]


def _inside(left: float, top: float, width: float, height: float, size: tuple[int, int]) -> _Drawn:
    left, top = round(max(0, min(left, size[0] - 1 - width))), round(max(0, min(top, size[1] - 1 - height)))
    return left, top, left + width, top + height


@lru_cache(maxsize=1)
def _font_file() -> bytes:
    return files("pixel_agent").joinpath(FONT).read_bytes()
