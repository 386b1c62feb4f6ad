"""Turns a drawn tag into a photo of it: position, tilt, perspective, light, blur, noise and JPEG."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np
from numpy.typing import NDArray

from pixel_agent.core import Pixels

MAX_TILT_DEG = 8.0


def photograph(
    tag: Pixels, rng: random.Random, *, width: int | None = None, max_tilt_deg: float = MAX_TILT_DEG
) -> Pixels:
    """A photo, 1000-1600 px wide unless given, of the tag on a background, as a phone would take it."""
    noise = np.random.default_rng(rng.getrandbits(32))
    width = width or rng.randrange(1000, 1601, 8)
    height = round(width * rng.uniform(0.6, 0.8))
    scene = _background(width, height, rng, noise)
    matrix = _placement(tag.shape[1], tag.shape[0], width, height, rng, max_tilt_deg)
    mask = cv2.warpPerspective(np.full(tag.shape[:2], 255, np.uint8), matrix, (width, height), flags=cv2.INTER_AREA)
    warped = cv2.warpPerspective(tag, matrix, (width, height), flags=cv2.INTER_AREA)
    alpha = (mask.astype(np.float32) / 255)[..., None]
    photo = _light(np.asarray(warped * alpha + scene * (1 - alpha), np.float32), rng)
    if rng.random() < 0.6:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.2)).astype(np.float32)
    photo += noise.normal(0, rng.uniform(1, 7), photo.shape).astype(np.float32)
    return _jpeg(np.clip(photo, 0, 255).astype(np.uint8), rng.randrange(60, 93))


def _background(width: int, height: int, rng: random.Random, noise: np.random.Generator) -> NDArray[np.uint8]:
    """Blurred patches of colour, like shelf edges and goods out of focus, without text."""
    base = np.array([rng.randrange(40, 210) for _ in range(3)], np.float32)
    scene = np.tile(base, (height, width, 1))
    for _ in range(rng.randrange(3, 14)):
        x, y = rng.randrange(width), rng.randrange(height)
        w, h = rng.randrange(60, width // 2), rng.randrange(60, height // 2)
        colour = [float(rng.randrange(20, 240)) for _ in range(3)]
        cv2.rectangle(scene, (x, y), (x + w, y + h), colour, -1)
    blurred = cv2.GaussianBlur(scene, (0, 0), rng.uniform(6, 25)) + noise.normal(0, 4, scene.shape)
    return np.clip(blurred, 0, 255).astype(np.uint8)


def _placement(
    tag_width: int, tag_height: int, width: int, height: int, rng: random.Random, max_tilt_deg: float
) -> NDArray[np.float64]:
    """Positions of the tag's corners; the whole tag stays inside the photo."""
    angle = math.radians(rng.uniform(-max_tilt_deg, max_tilt_deg))
    spread_x = tag_width * math.cos(angle) + tag_height * abs(math.sin(angle))
    spread_y = tag_height * math.cos(angle) + tag_width * abs(math.sin(angle))
    scale = min(width * 0.97 / spread_x, height * 0.97 / spread_y) * rng.uniform(0.72, 0.97)
    room_x, room_y = (width - spread_x * scale) / 2, (height - spread_y * scale) / 2
    centre = (width / 2 + rng.uniform(-0.8, 0.8) * room_x, height / 2 + rng.uniform(-0.8, 0.8) * room_y)
    source = [(0.0, 0.0), (tag_width, 0.0), (tag_width, tag_height), (0.0, tag_height)]
    target = []
    for x, y in source:
        dx, dy = (x - tag_width / 2) * scale, (y - tag_height / 2) * scale
        lean = 1 - rng.uniform(0, 0.05)
        dx, dy = dx * lean, dy * lean
        target.append(
            (
                centre[0] + dx * math.cos(angle) - dy * math.sin(angle),
                centre[1] + dx * math.sin(angle) + dy * math.cos(angle),
            )
        )
    return np.asarray(
        cv2.getPerspectiveTransform(np.array(source, np.float32), np.array(target, np.float32)), np.float64
    )


def _light(photo: NDArray[np.float32], rng: random.Random) -> NDArray[np.float32]:
    """Vary brightness and contrast, and add a gradient of light across the photo."""
    height, width = photo.shape[:2]
    slope = np.linspace(1 - rng.uniform(0, 0.25), 1 + rng.uniform(0, 0.1), width, dtype=np.float32)
    if rng.random() < 0.5:
        slope = slope[::-1]
    lit = (photo - 128) * rng.uniform(0.75, 1.1) + 128 + rng.uniform(-35, 25)
    return np.asarray(lit * np.broadcast_to(slope, (height, width))[..., None], np.float32)


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> Pixels:
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("a JPEG just written cannot be read")
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.uint8)
