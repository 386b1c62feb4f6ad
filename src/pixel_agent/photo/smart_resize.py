"""Computes the input size of a photo for models of the Qwen3-VL family: whole visual tokens, within a pixel budget.

Used by the photo stage when it decodes, and by the engines.
"""

from __future__ import annotations

import math

from pixel_agent.core import VISUAL_TOKEN_SIDE
from pixel_agent.core.errors import InvalidPhoto

MIN_TOKENS = 64
"""Smaller photos are enlarged to this many tokens (the published model's `shortest_edge` of 65,536 pixels)."""
MAX_ASPECT = 200
"""Maximum aspect ratio; longer strips are refused, as in the published processor."""


def visual_size(width: int, height: int, max_pixels: int, side: int = VISUAL_TOKEN_SIDE) -> tuple[int, int]:
    """Width and height as the nearest multiples of `side`, by the rule of the model's own processor.

    The result is within `max_pixels`, except for strips so thin that one row of tokens exceeds it; a budget below
    `MIN_TOKENS` is raised to it. Raises InvalidPhoto beyond `MAX_ASPECT`.
    """
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InvalidPhoto(
            f"The photo of {width} x {height} pixels is too long a strip for a model to read.",
            f"Cut it so that one side is at most {MAX_ASPECT} times the other.",
        )
    smallest = MIN_TOKENS * side * side
    largest = max(max_pixels, smallest)
    across, down = round(width / side), round(height / side)
    area = across * down * side * side
    if area > largest:
        shrink = math.sqrt(width * height / largest)
        across = max(1, math.floor(width / shrink / side))
        down = max(1, math.floor(height / shrink / side))
    elif area < smallest:
        grow = math.sqrt(smallest / (width * height))
        across, down = math.ceil(width * grow / side), math.ceil(height * grow / side)
    return across * side, down * side
