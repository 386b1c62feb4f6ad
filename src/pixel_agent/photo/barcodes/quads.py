"""Geometry of a code's four corners: size, overlap, perspective transform. Used by the whole barcodes stage; pure."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Point, Quad


def touch(one: Quad, other: Quad, reach: float = 0.0) -> bool:
    """Whether the axis-aligned bounding boxes overlap, each grown by `reach` times its longer side."""
    (a, b), (c, d) = (grown(quad, reach) for quad in (one, other))
    return bool((a < d).all() and (c < b).all())


def grown(quad: Quad, reach: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest and highest corner of the axis-aligned bounding box, grown by `reach` times half its longer side."""
    points = np.asarray(quad, np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    more = reach * float((high - low).max()) / 2
    return low - more, high + more


def flatness_of(quad: Quad) -> float:
    """Ratio of width to height."""
    top_left, top_right, bottom_right, bottom_left = np.asarray(quad, np.float32)
    across = np.hypot(*(top_right + bottom_right - top_left - bottom_left))
    return float(across / max(1e-3, np.hypot(*(bottom_left + bottom_right - top_left - top_right))))


def area_of(quad: Quad) -> float:
    """Area in square pixels."""
    return float(cv2.contourArea(np.asarray(quad, np.float32)))


def quad_of(points: Iterable[Point]) -> Quad:
    """A quad of four points that are given in order around the code, from the top left."""
    top_left, top_right, bottom_right, bottom_left = ((float(x), float(y)) for x, y in points)
    return top_left, top_right, bottom_right, bottom_left


def transform(quad: Quad, matrix: NDArray[np.float32]) -> Quad:
    """The corners after a perspective transform (3 x 3 matrix)."""
    moved = cv2.perspectiveTransform(np.asarray([quad], np.float32), matrix)[0]
    return quad_of((x, y) for x, y in moved)
