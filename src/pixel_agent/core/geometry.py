"""Geometry of upright boxes: left, top, right, bottom, in any unit that both boxes share. Pure."""

from __future__ import annotations

from collections.abc import Sequence

Sides = Sequence[float]
"""Left, top, right, bottom."""


def area(box: Sides) -> float:
    """Area of a box; 0 for an empty one."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared_area(one: Sides, other: Sides) -> float:
    """Area of the intersection of two boxes."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, across) * max(0.0, down)


def overlap(one: Sides, other: Sides) -> float:
    """Intersection over union, 0 to 1."""
    both = shared_area(one, other)
    return both / (area(one) + area(other) - both) if both else 0.0
