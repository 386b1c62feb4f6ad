"""Small builders that the tests of the tasks share."""

from __future__ import annotations

from datetime import date

from pydantic import JsonValue

from pixel_agent.core import Box, Code, Draft, FinishContext, Lang, Reading, Row, Source
from pixel_agent.tasks import Catalogue

TODAY = date(2026, 11, 22)
COLA = "6901234567892"
WATER = "6921168509256"


def row(bbox: Box | None = None, source: Source = Source.MODEL, **fields: JsonValue) -> Row:
    return Row(fields, bbox, source)


def code(gtin: str | None, box: Box = (10, 10, 20, 20), symbology: str = "EAN-13", **gs1: str) -> Code:
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return Code(symbology, gtin or "text", corners, gtin, {ai.removeprefix("ai"): value for ai, value in gs1.items()})


def finish(
    task: str,
    *items: Row,
    findings: tuple[Row, ...] = (),
    codes: tuple[Code, ...] = (),
    lang: Lang = "zh",
    extra: dict[str, JsonValue] | None = None,
    **options: JsonValue,
) -> Reading:
    facts = FinishContext(1000, 1000, TODAY, lang, codes=codes, options=options)
    return Catalogue().find(task).finish(Draft(items, findings, extra=extra or {}), facts)


def warned(reading: Reading) -> list[str]:
    return [notice.code for notice in reading.warnings]


def alerted(reading: Reading) -> list[str]:
    return [alert.code for alert in reading.alerts]
