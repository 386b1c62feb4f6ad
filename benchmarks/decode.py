"""Measures photo preparation: one drawn 12-megapixel JPEG, on one thread, on two threads, and in Pillow."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import simplejpeg
import typer
from PIL import Image
from pydantic import JsonValue

from benchmarks.report import show
from pixel_agent.core import Pixels
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import quality
from pixel_agent.photo.decode import decode, read_photo
from pixel_agent.photo.stage import prepare
from pixel_agent.photo.work import fingerprint

WIDTH, HEIGHT = 4000, 3000
PIXEL_BUDGET = 1344 * 1008
"""The size in pixels that the project's codec figures refer to."""


def bench_decode(
    photos: Annotated[int, typer.Option(help="Photos in each measurement.")] = 8,
    rounds: Annotated[int, typer.Option(help="Rounds; the best of each measurement counts.")] = 5,
    width: Annotated[int, typer.Option(help="Width of the photo, in pixels.")] = WIDTH,
    height: Annotated[int, typer.Option(help="Height of the photo, in pixels.")] = HEIGHT,
    json_path: Annotated[Path | None, typer.Option("--json", help="Also write the rows to this file.")] = None,
) -> None:
    """Measure decoding to the engine's pixel budget, compared with Pillow's plain decode and resize.

    The measurements take turns within each round, so that a busy machine slows all of them.
    """
    data = draw_jpeg(width, height)
    settings = PhotoSettings(max_bytes=max(len(data), 1), max_pixels=width * height)
    source = read_photo(data, "image/jpeg")
    header = source.header
    pixels = decode(source, PIXEL_BUDGET)
    size = (pixels.shape[1], pixels.shape[0])

    def ours() -> None:
        prepare(data, PIXEL_BUDGET, settings)

    def plain() -> None:
        with Image.open(io.BytesIO(data)) as image:
            image.convert("RGB").resize(size)

    works: dict[str, Callable[[], float]] = {
        "prepare, 1 thread": lambda: _seconds(ours, photos),
        "prepare, 2 threads": lambda: _seconds_in_threads(ours, photos, 2),
        "decode only, 1 thread": lambda: _seconds(lambda: decode(source, PIXEL_BUDGET), photos),
        "quality": lambda: _seconds(lambda: quality.assess(pixels, header.upright_size), photos),
        "fingerprint": lambda: _seconds(lambda: fingerprint(pixels), photos),
        "SHA-256": lambda: _seconds(lambda: hashlib.sha256(data).digest(), photos),
        "Pillow, plain, 1 thread": lambda: _seconds(plain, max(1, photos // 4)),
    }
    best = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            best[name] = min(best[name], work())
    pillow, alone = best["Pillow, plain, 1 thread"], best["prepare, 1 thread"]
    rows: list[dict[str, JsonValue]] = [
        {
            "work": name,
            "ms_per_photo": round(seconds * 1000, 2),
            "photos_per_s": round(1 / seconds, 1),
            "times_faster_than_pillow": round(pillow / seconds, 2),
            "times_faster_than_prepare": round(alone / seconds, 2),
        }
        for name, seconds in best.items()
    ]
    title = f"Decoding a {width} x {height} JPEG of {len(data):,} bytes to {size[0]} x {size[1]}, best of {rounds}"
    show(title, rows, json_path=json_path)


def draw_jpeg(width: int, height: int) -> bytes:
    """A shelf of labelled goods under uneven light with camera noise, as a phone's JPEG; always the same bytes."""
    rng = np.random.default_rng(20261122)
    light = cv2.resize(rng.integers(90, 200, (6, 8, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)
    picture = np.asarray(light, np.uint8)
    step = max(20, height // 12)
    for top in range(0, height, step):
        for left in range(0, width, step):
            _draw_product(picture, left, top, step, rng)
        cv2.rectangle(picture, (0, top + step - step // 12), (width, top + step), (70, 70, 75), -1)
    grain = np.tile(rng.normal(0, 4, (500, 500, 3)).astype(np.int16), (height // 500 + 1, width // 500 + 1, 1))
    picture = np.clip(picture + grain[:height, :width], 0, 255).astype(np.uint8)
    return bytes(simplejpeg.encode_jpeg(picture, quality=88, colorsubsampling="420"))


def _draw_product(picture: Pixels, left: int, top: int, step: int, rng: np.random.Generator) -> None:
    colour = tuple(int(value) for value in rng.integers(20, 235, 3))
    ink = tuple(255 - value for value in colour)
    margin = step // 10
    cv2.rectangle(picture, (left + margin, top + margin), (left + step - margin, top + step - margin), colour, -1)
    cv2.circle(picture, (left + step // 2, top + step // 3), step // 6, ink, max(1, step // 60), cv2.LINE_AA)
    scale = step / 200
    price = f"{int(rng.integers(1, 99))}.{int(rng.integers(0, 99)):02d}"
    place = (left + 2 * margin, top + step - 3 * margin)
    cv2.putText(picture, price, place, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, max(1, step // 80), cv2.LINE_AA)
    for bar in range(12):
        x = left + 2 * margin + bar * max(2, step // 30)
        cv2.line(picture, (x, top + step - 2 * margin), (x, top + step - margin), ink, int(rng.integers(1, 4)))


def _seconds(work: Callable[[], object], count: int) -> float:
    """Mean time of one call, in seconds."""
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def _seconds_in_threads(work: Callable[[], object], count: int, threads: int) -> float:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda _: None, range(threads)))
        start = time.perf_counter()
        list(pool.map(lambda _: work(), range(count)))
        return (time.perf_counter() - start) / count
