"""The task that compares a shelf with its planned layout (`options.planogram`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from pixel_agent.core import Capability, Code, Draft, FinishContext, Notice, Reading, Row, Source, Task
from pixel_agent.tasks.codes import describe, link_codes, same_gtin
from pixel_agent.tasks.columns import CODE_FIELDS
from pixel_agent.tasks.finishing import Noun, advise, compose, counts, edit, likeness, rate, say, text, whole
from pixel_agent.tasks.forms import COUNT, TEXT, Field, Form, Rows

MAX_POSITIONS = 500
MAX_NAME_SIGNS = 200
SAME_NAME = 0.8
"""Similarity (difflib ratio) from which two product names are the same product, if a GTIN is missing."""

_POSITIONS = Noun("个位置", "position", "positions")
_DEVIATIONS = Noun("处不符", "deviation", "deviations")
_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("name", TEXT, "品名，照包装抄写", "product name as printed"),
                Field("brand", TEXT, "品牌", "brand"),
                Field("gtin", TEXT, "看得见的条码数字", "digits of a visible barcode"),
                Field("shelf_level", COUNT, "第几层，最上为 1", "shelf level, the top is 1"),
                Field("slot", COUNT, "该层从左数第几个", "place on the level, from the left, from 1"),
            ),
        ),
    )
)

_ID: JsonValue = {"type": ["string", "integer"], "minimum": 0, "maxLength": 64}
_PLACE: JsonValue = {"type": "integer", "minimum": 1, "maximum": 10_000}
_LAYOUT: JsonValue = {
    "type": "array",
    "maxItems": MAX_POSITIONS,
    "items": {
        "type": "object",
        "properties": {
            "position_id": _ID,
            "gtin": _ID,
            "name": {"type": "string", "maxLength": MAX_NAME_SIGNS},
            "level": _PLACE,
            "shelf_level": _PLACE,
            "slot": _PLACE,
        },
        "anyOf": [{"required": ["gtin"]}, {"required": ["name"]}],
    },
}


@dataclass(frozen=True, slots=True)
class Position:
    """One position of the layout. `level` counts from 1 at the top, `slot` from 1 at the left; None if unknown."""

    id: str
    gtin: str
    name: str
    level: int | None
    slot: int | None


def finish_planogram(draft: Draft, facts: FinishContext) -> Reading:
    """Mark each position `ok`, `misplaced` or `not_found`; compliance = ok / positions; other products become findings.

    A product is matched by GTIN (from codes first) or, without one, by name. If only codes were read, `not_found`
    means only that no code of the product was read.
    """
    linked = link_codes(draft.items, facts)
    found = [*linked.rows, *(_coded(code, facts) for code in linked.loose if code.gtin is not None)]
    positions = positions_of(facts.options.get("planogram"))
    if not positions:
        return compose(
            draft, facts, [(_POSITIONS, 0)], items=found, warnings=[*linked.warnings, _missing_layout(facts)]
        )
    items, left = _compare(positions, found)
    findings = [advise(edit(row, kind="unexpected")) for row in left]
    right = sum(row.fields["status"] == "ok" for row in items)
    totals: dict[str, JsonValue] = {
        "positions": len(items),
        "compliance_rate": rate(right, len(items)),
        "by_status": counts(items, "status"),
        "unexpected": len(findings),
    }
    counted = [(_POSITIONS, len(items)), (_DEVIATIONS, len(items) - right)]
    return compose(draft, facts, counted, items=items, findings=findings, totals=totals, warnings=linked.warnings)


def positions_of(layout: JsonValue) -> list[Position]:
    """The usable positions of an imported layout: those with a GTIN or a product name."""
    if not isinstance(layout, list):
        return []
    read = [_position(entry, index) for index, entry in enumerate(layout[:MAX_POSITIONS]) if isinstance(entry, dict)]
    return [position for position in read if position.gtin or position.name]


def _position(entry: Mapping[str, JsonValue], index: int) -> Position:
    level = entry.get("level", entry.get("shelf_level"))
    return Position(
        id=_word(entry.get("position_id")) or str(index + 1),
        gtin=_word(entry.get("gtin")),
        name=text(entry.get("name")),
        level=whole(level),
        slot=whole(entry.get("slot")),
    )


def _word(value: JsonValue) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(value)


def _compare(positions: Sequence[Position], found: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """A row for every position, and the found rows that match none; one found row can match several positions."""
    rows: list[Row] = []
    used: set[int] = set()
    known = {index: (_word(row.fields.get("gtin")), text(row.fields.get("name"))) for index, row in enumerate(found)}
    for position in positions:
        matches = [i for i, (gtin, name) in known.items() if _matches(position, gtin, name)]
        used.update(matches)
        rows.append(_row(position, [found[i] for i in matches]))
    return rows, [row for index, row in enumerate(found) if index not in used]


def _matches(position: Position, gtin: str, name: str) -> bool:
    if position.gtin and gtin:
        return same_gtin(position.gtin, gtin)
    return likeness(position.name, name, SAME_NAME) >= SAME_NAME


def _row(position: Position, matches: Sequence[Row]) -> Row:
    fields: dict[str, JsonValue] = {
        "position_id": position.id,
        "expected": {"gtin": position.gtin or None, "name": position.name or None},
        "found": None,
        "status": "not_found",
    }
    if not matches:
        return advise(Row(fields, source=Source.RULE))
    here = next((row for row in matches if _in_place(position, row)), None)
    best = here or matches[0]
    fields["found"] = {"gtin": best.fields.get("gtin"), "name": best.fields.get("name")}
    fields["status"] = "ok" if here else "misplaced"
    row = Row(fields, best.bbox, best.source, best.confidence, best.verified_by)
    return row if here else advise(row)


def _in_place(position: Position, row: Row) -> bool:
    level, slot = whole(row.fields.get("shelf_level")), whole(row.fields.get("slot"))
    return (position.level is None or level is None or position.level == level) and (
        position.slot is None or slot is None or position.slot == slot
    )


def _coded(code: Code, facts: FinishContext) -> Row:
    return Row({"name": None, **describe(code, facts)}, code.box, Source.BARCODE)


def _missing_layout(facts: FinishContext) -> Notice:
    return Notice(
        "planogram_missing",
        say(
            facts,
            "没有可用的陈列图：请在 options.planogram 中给出 [{position_id, gtin}]。",
            "No usable layout: give options.planogram as [{position_id, gtin}].",
        ),
    )


PLANOGRAM_CHECK = Task(
    id="planogram_check",
    zh="陈列比对",
    en="Planogram",
    about_zh="与导入的陈列图比对，计算符合率。",
    about_en="Compares the shelf with an imported layout and computes the compliance.",
    needs=frozenset({Capability.CODES}),
    wants=frozenset({Capability.OBJECTS}),
    schema=_FORM.schema,
    prompt_zh=_FORM.prompt("从上到下、从左到右列出货架上每个位置的商品，相同商品相邻时只写一次。", "zh"),
    prompt_en=_FORM.prompt(
        "List the product at every place of the shelf, top to bottom and left to right; write adjacent identical "
        "products once.",
        "en",
    ),
    finish=finish_planogram,
    pixel_budget=1280 * 1024,
    max_new_tokens=2048,
    options={"planogram": []},
    option_schema={"planogram": _LAYOUT},
    columns=(
        *("position_id", "expected", "found", "status", "name", "brand", "gtin", "shelf_level", "slot"),
        *CODE_FIELDS,
    ),
)
