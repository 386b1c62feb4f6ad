"""Draws the example photos beside this file: `python examples/draw.py`. The same run gives the same pictures."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import zxingcpp
from PIL import Image

from benchmarks.reading.tag_camera import photograph
from benchmarks.reading.tag_canvas import BLACK, BLUE, GREY, RED, WHITE, YELLOW, Canvas
from benchmarks.reading.tag_maker import LAYOUTS, draw_tag, make_strip
from pixel_agent.core import Pixels

FOLDER = Path(__file__).resolve().parent
MAX_BYTES = 95_000
SEED = 7


def draw_all(folder: Path = FOLDER) -> list[Path]:
    """Draw every example into a folder, each under 100 kB; the paths."""
    photos = {f"price_tag_{layout}": tag_photo(layout) for layout in LAYOUTS}
    photos |= {"shelf_strip": strip_photo(), "expiry_label": label_photo(), "storefront": storefront_photo()}
    return [save(pixels, folder / f"{name}.jpg") for name, pixels in photos.items()]


def tag_photo(layout: str) -> Pixels:
    """One price tag of a layout, photographed."""
    rng = random.Random(f"{SEED} {layout}")
    tag, _ = draw_tag(layout, rng)
    return photograph(tag, rng, width=1200)


def strip_photo() -> Pixels:
    """Four tags in one rail of a shelf."""
    rng = random.Random(SEED)
    rail, _ = make_strip(["shelf_label", "plain", "member", "shelf_label"], rng)
    return photograph(rail, rng, width=2000, max_tilt_deg=3)


def label_photo() -> Pixels:
    """The label of packed goods: dates, shelf life, and the same in a GS1 DataMatrix and a GS1-128 code."""
    rng = random.Random(SEED)
    sheet = Canvas(1000, 680, rng)
    for index, row in enumerate(
        (
            "品名：原味酸牛奶",
            "净含量：200g",
            "产地：内蒙古呼和浩特",
            "生产日期：2026.11.08",
            "保质期：21天",
            "批号：A1208",
            "贮存条件：2-6℃冷藏",
        )
    ):
        sheet.text(40, 60 + 62 * index, row, 42, bold=index == 0, anchor="lm")
    content = "(01)06907992512570(11)261108(17)261129(10)A1208"
    matrix = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.DataMatrix, gs1=True)
    sheet.paste(_colour(np.asarray(matrix.to_image(scale=8))), 700, 120)
    linear = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.Code128, gs1=True)
    bars = np.asarray(linear.to_image(scale=1))
    sheet.paste(_colour(np.repeat(np.tile(bars[bars.shape[0] // 2], (90, 1)), 3, axis=1)), 30, 490)
    sheet.text(500, 610, content, 24, GREY, anchor="mm")
    sheet.frame(BLACK)
    return photograph(sheet.pixels, rng, width=1200, max_tilt_deg=3)


def storefront_photo() -> Pixels:
    """A shop from the street: a sign, an address, a telephone number, opening hours."""
    rng = random.Random(SEED)
    sheet = Canvas(1300, 820, rng, paper=(188, 180, 170))
    sheet.band(60, 260, RED)
    sheet.text(650, 160, "永福生活超市", 150, YELLOW, bold=True, anchor="mm")
    sheet.band(262, 320, BLUE)
    sheet.text(650, 291, "生鲜果蔬 · 粮油副食 · 日用百货", 40, WHITE, anchor="mm")
    for left in (80, 480, 880):
        sheet.paste(np.full((400, 340, 3), (120, 150, 165), np.uint8), left, 350)
    sheet.text(650, 420, "营业时间 8:00-22:00", 34, WHITE, anchor="mm")
    sheet.text(650, 480, "正在营业", 44, WHITE, bold=True, anchor="mm")
    sheet.text(250, 430, "电话 0571-88001234", 32, WHITE, anchor="mm")
    sheet.text(1050, 430, "西湖区文三路18号", 34, WHITE, anchor="mm")
    return photograph(sheet.pixels, rng, width=1200, max_tilt_deg=2)


def save(pixels: Pixels, path: Path) -> Path:
    """Write a JPEG at the best quality that keeps it under the limit."""
    for quality in range(88, 20, -6):
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=quality, optimize=True)
        if data.tell() <= MAX_BYTES:
            break
    path.write_bytes(data.getvalue())
    return path


def _colour(grey: Pixels) -> Pixels:
    return np.stack([grey] * 3, axis=-1).astype(np.uint8)


if __name__ == "__main__":
    for drawn in draw_all():
        print(drawn.name, drawn.stat().st_size)
