"""Lines and pages for the tests of readers: upright text whose letters are as wide as high (Latin: half)."""

from __future__ import annotations

from datetime import date

from pixel_agent.core import TextLine
from pixel_agent.tasks.rules.page import Page

TODAY = date(2026, 11, 22)


def line(text: str, x: float = 10, y: float = 10, height: float = 20, confidence: float = 0.9) -> TextLine:
    width = sum(1 if ord(sign) > 0x2E7F else 0.55 for sign in text) * height
    corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height))
    return TextLine(text, corners, confidence)


def page(*lines: TextLine) -> Page:
    return Page(lines, 1000, 1000, TODAY)


def column(*texts: str, x: float = 10, y: float = 10) -> Page:
    return page(*(line(text, x, y + 30 * i) for i, text in enumerate(texts)))
