"""Layout of text lines: rows, neighbours, raised decimals, and separate tags. Pure geometry, used by all rules.

All coordinates are in a straightened frame: the page is first rotated by its own median tilt, so that a tag
photographed at a slant has horizontal rows. Sizes are in pixels of that frame.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pixel_agent.core import Box, TextLine

DECIMALS_RATIO: Final = 0.8
"""Maximum height of small decimals relative to their integer (drawn tags: 0.35 to 0.7)."""

LONE_RATIO: Final = 0.72
"""Maximum height of a single raised digit without a point, relative to its integer."""

_POINT: Final = r"[.。．,●•·]"
_INTEGER: Final = re.compile(rf"(?P<sign>[¥￥YV]?\s*)(?P<digits>\d{{1,4}})\s*{_POINT}?(?P<yuan>元?)")
_CENTS: Final = re.compile(rf"(?P<point>{_POINT}?)\s*(?P<digits>\d{{1,2}}|\d\.\d)(?P<tail>\s*(?:元|[/／]).*)?")
_CUT: Final = re.compile(r"(?P<whole>[¥￥]?\s*\d{1,4})(?:\.(?P<cut>\d))?")
"""An integer, or a number whose second decimal is cut off by the edge of its line."""
_REPEATED: Final = re.compile(r"(?P<last>\d)\.(?P<cents>\d{2})")
_TURNED: Final = str.maketrans("69", "96")


@dataclass(frozen=True, slots=True)
class Placed:
    """One piece of text in the straightened frame. `height` is that of the text line, not of the box around it."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    height: float
    lines: tuple[TextLine, ...]

    @property
    def middle(self) -> float:
        """The y coordinate of the centre."""
        return (self.top + self.bottom) / 2

    @property
    def centre(self) -> float:
        """The x coordinate of the centre."""
        return (self.left + self.right) / 2

    @property
    def width(self) -> float:
        """The width in pixels of the straightened frame."""
        return self.right - self.left


def straighten(lines: Sequence[TextLine]) -> list[Placed]:
    """The lines in a frame rotated by their median tilt, from top to bottom, then from left to right."""
    lines = [line for line in lines if line.text.strip()]
    angle = page_tilt(lines)
    cos, sin = math.cos(-angle), math.sin(-angle)
    placed = []
    for line in lines:
        corners = [(x * cos - y * sin, x * sin + y * cos) for x, y in line.corners]
        height = (math.dist(corners[0], corners[3]) + math.dist(corners[1], corners[2])) / 2
        width = (math.dist(corners[0], corners[1]) + math.dist(corners[3], corners[2])) / 2
        x = sum(point[0] for point in corners) / 4
        y = sum(point[1] for point in corners) / 4
        text = _upright(line.text.strip(), line, angle)
        placed.append(Placed(text, x - width / 2, y - height / 2, x + width / 2, y + height / 2, height, (line,)))
    return sorted(placed, key=lambda piece: (piece.top, piece.left))


def page_tilt(lines: Sequence[TextLine]) -> float:
    """The median tilt of the lines in radians, weighted by length; 0 if no line is longer than it is high."""
    slants: list[tuple[float, float]] = []
    for line in lines:
        (x0, y0), (x1, y1), _, (x3, y3) = line.corners
        width, height = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
        if width > 1.5 * height:
            slants.append((math.atan2(y1 - y0, x1 - x0), width))
    slants = [(slant, width) for slant, width in slants if abs(slant) < math.pi / 4]
    total, so_far = sum(width for _, width in slants), 0.0
    for slant, width in sorted(slants):
        so_far += width
        if so_far * 2 >= total:
            return slant
    return 0.0


def join_decimals(pieces: Sequence[Placed]) -> list[Placed]:
    """Join a large integer with one or two smaller digits directly beside it: `5` and `90` → `5.90`."""
    rest = list(_join_overlapping(pieces))
    joined = []
    for whole in list(rest):
        integer = _INTEGER.fullmatch(whole.text)
        if integer is None or whole not in rest:
            continue
        cents = next((piece for piece in rest if _are_decimals(piece, whole)), None)
        if cents is None:
            continue
        rest.remove(whole)
        rest.remove(cents)
        small = _CENTS.fullmatch(cents.text)
        text = f"{integer['sign']}{integer['digits']}.{small['digits'].replace('.', '') if small else ''}"
        tail = (small["tail"] or "") if small else ""
        joined.append(merge((whole, cents), text + (tail or integer["yuan"]), height=whole.height))
    return sorted(rest + joined, key=lambda piece: (piece.top, piece.left))


def _join_overlapping(pieces: Sequence[Placed]) -> list[Placed]:
    """Join lines that overlap and share a digit: `53.8` and `80` → `53.80`, `33` and `3.38` → `33.38`."""
    rest = list(pieces)
    for whole in pieces:
        found = _CUT.fullmatch(whole.text)
        for piece in rest if found is not None and whole in rest else ():
            text = _shared(found, whole, piece) if found is not None else None
            if text is not None:
                rest = [one for one in rest if one is not whole and one is not piece]
                rest.append(merge((whole, piece), text, height=whole.height))
                break
    return sorted(rest, key=lambda piece: (piece.top, piece.left))


def _shared(found: re.Match[str], whole: Placed, piece: Placed) -> str | None:
    """The joined text of two overlapping lines of digits, if the second begins with the last digit of the first."""
    overlap = whole.right - piece.left
    level = whole.top - 0.4 * whole.height < piece.middle < whole.bottom
    if piece is whole or not level or piece.left < whole.centre or piece.right <= whole.right:
        return None
    cents, repeated = _CENTS.fullmatch(piece.text), _REPEATED.fullmatch(piece.text)
    if found["cut"] and cents is not None and len(cents["digits"]) == 2 and cents["digits"][0] == found["cut"]:
        small = piece.height <= DECIMALS_RATIO * whole.height and overlap >= 0.05 * whole.height
        return f"{found['whole']}.{cents['digits']}{cents['tail'] or ''}" if small else None
    if not found["cut"] and repeated is not None and repeated["last"] == found["whole"][-1]:
        return f"{found['whole']}.{repeated['cents']}" if overlap >= 0.3 * whole.height else None
    if (
        not found["cut"]
        and cents is not None
        and len(cents["digits"]) == 2
        and cents["digits"][0] == found["whole"][-1]
    ):
        small = piece.height <= DECIMALS_RATIO * whole.height and overlap >= 0.5 * whole.width / len(whole.text)
        return f"{found['whole'][:-1]}.{cents['digits']}" if small and len(found["whole"]) > 1 else None
    return None


def merge(pieces: Sequence[Placed], text: str, *, height: float | None = None) -> Placed:
    """One piece with `text` that covers several pieces; `height` replaces their own if it is given."""
    return Placed(
        text,
        min(piece.left for piece in pieces),
        min(piece.top for piece in pieces),
        max(piece.right for piece in pieces),
        max(piece.bottom for piece in pieces),
        max(piece.height for piece in pieces) if height is None else height,
        tuple(line for piece in pieces for line in piece.lines),
    )


def group_rows(pieces: Sequence[Placed]) -> list[list[Placed]]:
    """Group pieces into text rows, from top to bottom, each row from left to right."""
    rows: list[list[Placed]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        for row in rows[-3:]:
            if all(_same_row(piece, other) for other in row[-2:]):
                row.append(piece)
                break
        else:
            rows.append([piece])
    return [sorted(row, key=lambda piece: piece.left) for row in rows]


def right_of(piece: Placed, others: Sequence[Placed], *, reach: float = 8.0) -> Placed | None:
    """The nearest piece to the right in the same row, at most `reach` letter heights away."""
    near = [
        other
        for other in others
        if other is not piece
        and other.left >= piece.right - 0.5 * piece.height
        and other.left - piece.right <= reach * piece.height
        and (other.top <= piece.middle <= other.bottom or piece.top <= other.middle <= piece.bottom)
    ]
    return min(near, key=lambda other: other.left, default=None)


def below(piece: Placed, others: Sequence[Placed], *, reach: float = 1.5) -> Placed | None:
    """The nearest piece under this one that overlaps it sideways, at most `reach` letter heights lower."""
    near = [
        other
        for other in others
        if other is not piece
        and 0.5 * piece.height <= other.middle - piece.middle
        and other.top - piece.bottom <= reach * piece.height
        and min(other.right, piece.right) > max(other.left, piece.left)
    ]
    return min(near, key=lambda other: other.top, default=None)


Apart: TypeAlias = Callable[[Sequence[Placed], Sequence[Placed], bool], bool]
"""Whether two halves are separate tags; the flag is true if the second is under the first, false if beside it."""


def split_tags(pieces: Sequence[Placed], apart: Apart) -> list[list[Placed]]:
    """Cut a page along empty columns and rows, the widest first, as long as `apart` returns true."""
    parts = _split(list(pieces), apart)
    return [sorted(part, key=lambda piece: (piece.top, piece.left)) for part in parts]


def connected(start: Placed, pieces: Sequence[Placed], *, above: float = 1.5, beside: float = 6.0) -> list[Placed]:
    """The pieces connected to `start` by gaps of at most `above` and `beside` letter heights (of the larger text)."""
    found, rest, frontier = [start], [piece for piece in pieces if piece is not start], [start]
    while frontier:
        one = frontier.pop()
        near = [other for other in rest if _touches(one, other, above, beside)]
        rest = [other for other in rest if not any(other is piece for piece in near)]
        found += near
        frontier += near
    return found


def cover(pieces: Sequence[Placed]) -> Box | None:
    """The box, in pixels of the photo, around all lines of the pieces."""
    boxes = [line.box for piece in pieces for line in piece.lines]
    if not boxes:
        return None
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _split(pieces: list[Placed], apart: Apart) -> list[list[Placed]]:
    cuts = [(*cut, across) for across in (False, True) for cut in _cuts(pieces, across=across)]
    # Of gaps of similar width, the one nearest to the middle first: a price list of hundreds of lines is then halved,
    # not cut off line by line.
    for _, first, second, across in sorted(cuts, key=lambda cut: (-round(cut[0]), abs(len(cut[1]) - len(cut[2])))):
        if apart(first, second, across):
            return _split(first, apart) + _split(second, apart)
    return [pieces]


def _cuts(pieces: list[Placed], *, across: bool) -> list[tuple[float, list[Placed], list[Placed]]]:
    """Every empty band, as (its width in median letter heights, the pieces before it, the pieces after it)."""
    ordered = sorted(pieces, key=lambda piece: piece.top if across else piece.left)
    heights = sorted(piece.height for piece in pieces)
    unit = heights[len(heights) // 2] if heights else 1.0
    cuts, reach = [], -math.inf
    for index, piece in enumerate(ordered):
        start, end = (piece.top, piece.bottom) if across else (piece.left, piece.right)
        if index and start > reach:
            cuts.append(((start - reach) / unit, ordered[:index], ordered[index:]))
        reach = max(reach, end)
    return cuts


def _touches(one: Placed, other: Placed, above: float, beside: float) -> bool:
    height = max(one.height, other.height)
    gap_y = max(one.top, other.top) - min(one.bottom, other.bottom)
    gap_x = max(one.left, other.left) - min(one.right, other.right)
    return gap_y <= above * height and gap_x <= beside * height


def _same_row(piece: Placed, other: Placed) -> bool:
    overlap = min(piece.bottom, other.bottom) - max(piece.top, other.top)
    return overlap >= 0.5 * min(piece.height, other.height)


def _are_decimals(piece: Placed, whole: Placed) -> bool:
    """Whether a piece is one or two smaller digits directly beside an integer: raised, or on its baseline.

    A single digit on the baseline needs a point.
    """
    digits = _CENTS.fullmatch(piece.text)
    if piece is whole or digits is None:
        return False
    # After a point that was read, and no farther than the next digit, decimals can be as high as their integer.
    follows = re.search(rf"{_POINT}$", whole.text) is not None and piece.left - whole.right + 0.2 * whole.height >= 0
    follows = follows and len(digits["digits"]) == 2 and piece.left - whole.right < 0.5 * whole.height
    if piece.height > (1.1 if follows else DECIMALS_RATIO) * whole.height:
        return False
    pointed = bool(digits["point"]) or re.search(rf"{_POINT}$", whole.text) is not None
    raised = whole.top - 0.4 * whole.height < piece.middle < whole.middle
    if not pointed and len(digits["digits"]) < 2 and (not raised or piece.height > LONE_RATIO * whole.height):
        return False
    standing = abs(piece.bottom - whole.bottom) < 0.35 * whole.height
    reach = whole.right + 0.6 * whole.height
    # 元 under the decimals can be read with the integer, whose box then extends below them.
    edge = whole.centre if whole.text.endswith("元") else whole.right - 0.1 * whole.height
    beside = whole.centre <= piece.left <= reach and piece.centre > edge
    return beside and (raised or standing)


def _upright(text: str, line: TextLine, angle: float) -> str:
    """Rotate back digits that were read upside down with full confidence (`90` as `06`, `¥8` as `8天`).

    Only if the rest of the page has the opposite direction, and every digit is valid in both directions.
    """
    (x0, y0), (x1, y1) = line.corners[0], line.corners[1]
    found = re.fullmatch(r"([01689.]+)\s*([天夫羊¥￥]?)", text)
    if found is None or math.cos(math.atan2(y1 - y0, x1 - x0) - angle) > 0:
        return text
    return ("¥" if found[2] else "") + found[1][::-1].translate(_TURNED)
