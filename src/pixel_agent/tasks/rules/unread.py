"""Warns about text that was detected and not read: unrecognised places, and tags too far away to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median
from typing import Final

from pixel_agent.core import Notice, TextLine
from pixel_agent.tasks.rules.page import Page

TOO_SMALL: Final = "tags_too_small"
"""Code of the warning that makes a price tag scan partial."""
_SMALL_PX: Final = 20
"""Lines below this height are tags too far away: in shelf photos that could be read, lines with digits were 30 high."""
_MIN_TAGS: Final = 4
_SHOWN: Final = 5
_SCENE_PX: Final = 400_000


def unread_notices(page: Page) -> tuple[Notice, ...]:
    """A warning, with boxes, if text as large as the recognised text, or larger, was not recognised."""
    usual = median(_height(line) for line in page.lines) if page.lines else 0.0
    missed = [line for line in page.unread if _height(line) >= max(12.0, 0.8 * usual)]
    if not missed:
        return ()
    zh = f"{len(missed)} 处文字无法识别（可能是模型不认识的文字）："
    en = f"Writing that could not be read (perhaps in a script that the models do not know): {len(missed)}, at "
    return (Notice("text_not_read", (zh if page.lang == "zh" else en) + places(missed)),)


def far_tags(page: Page) -> tuple[Notice, ...]:
    """A warning if a whole scene has much text, all of it too small to be read as tags."""
    lines = [line for line in (*page.lines, *page.unread) if _height(line) < _SMALL_PX]
    figures = sum(re.fullmatch(r"[¥$€£]?\s*\d[\d.,]*", line.text.strip()) is not None for line in lines)
    unread = sum(not line.text for line in lines)
    if page.width * page.height < _SCENE_PX or figures + unread < _MIN_TAGS or 2 * (figures + unread) < len(lines):
        return ()
    zh = "价签太小，读不清：请走近些，每张照片拍一到两米货架。"
    en = "The price tags are too small to read: come closer, one or two metres of shelf a photo."
    return (Notice(TOO_SMALL, zh if page.lang == "zh" else en),)


def places(lines: Sequence[TextLine]) -> str:
    """The boxes of the first few lines as text, in pixels of the original."""
    boxes = ("[" + " ".join(str(round(side)) for side in line.box) + "]" for line in lines[:_SHOWN])
    return ", ".join(boxes) + (", …" if len(lines) > _SHOWN else "")


def _height(line: TextLine) -> float:
    left, top, right, bottom = line.box
    return min(bottom - top, right - left)
