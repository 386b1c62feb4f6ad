"""Matches codes to the rows of a draft and compares their GTINs; called by the tasks' finishing functions.

A code is proven by its own check; a GTIN read as text is not. So a code fills an empty GTIN and confirms an equal one.
If the two differ, neither wins: the field becomes null and a warning says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from pixel_agent.core import Box, Code, FinishContext, Notice, Row, Source
from pixel_agent.tasks.finishing import edit, say, text, verified
from pixel_agent.tasks.rules.expiry import gs1_expiry
from pixel_agent.tasks.rules.in_store import split_in_store
from pixel_agent.tasks.rules.tags import article_gtin

IN_STORE_SYMBOLOGIES = ("EAN-13", "UPC-A")
NEAR = 0.35
"""Largest distance of a code's centre from a row's box, as a share of the row's width and height: a tag's code is often
printed just below the boxed text."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Rows, the codes of each row (same order), the codes without a row, and warnings about conflicts."""

    rows: tuple[Row, ...]
    codes: tuple[tuple[Code, ...], ...]
    loose: tuple[Code, ...]
    warnings: tuple[Notice, ...]


def link_codes(rows: Sequence[Row], facts: FinishContext) -> Linked:
    """Assign each code to the row around it or nearest to it, then fill or check every row's `gtin`.

    If a photo has one row and one code, or one row and one GTIN, the code belongs to that row, wherever it lies. A GTIN
    that fails its check digit is removed.
    """
    owned = assign(rows, facts.codes)
    taken = {id(code) for codes in owned for code in codes}
    loose = tuple(code for code in facts.codes if id(code) not in taken)
    warnings: list[Notice] = []
    checked = tuple(_settle(row, codes, facts, warnings) for row, codes in zip(rows, owned, strict=True))
    return Linked(checked, owned, loose, tuple(warnings))


def assign(rows: Sequence[Row], codes: Sequence[Code]) -> tuple[tuple[Code, ...], ...]:
    """The codes of each row, matched by equal GTIN first and by position second; a code belongs to at most one row."""
    articles = [code for code in codes if code.gtin is not None]
    if len(rows) == 1 and 1 in (len(codes), len(articles)):
        return (tuple(articles or codes),)
    owned: list[list[Code]] = [[] for _ in rows]
    for code in codes:
        index = _owner(rows, code)
        if index is not None:
            owned[index].append(code)
    return tuple(tuple(found) for found in owned)


def same_gtin(one: str, other: str) -> bool:
    """Whether two GTINs of any length name the same article (equal after padding to 14 digits)."""
    return one.zfill(14) == other.zfill(14)


def describe(code: Code, facts: FinishContext) -> dict[str, JsonValue]:
    """The fields of a row for one code: its content and, where they apply, its add-on, GS1 dates and lot, the parts of
    an in-store number, and `proven: false`.
    """
    fields: dict[str, JsonValue] = {
        "symbology": code.symbology,
        "text": code.text,
        "gtin": code.gtin,
        "gs1": dict(code.gs1),
        "add_on": code.add_on,
        **gs1_expiry(code.gs1, facts.today),
        "in_store": in_store(code, facts),
        "proven": None if code.proven else False,
    }
    always = ("symbology", "text", "gtin", "gs1")
    return {name: value for name, value in fields.items() if name in always or value is not None}


def in_store(code: Code, facts: FinishContext) -> dict[str, JsonValue] | None:
    """The parts of an in-store number (`rules/in_store.py`), by the rule of `options.country` if given; else None."""
    if code.symbology not in IN_STORE_SYMBOLOGIES:
        return None
    return split_in_store(code.text, text(facts.options.get("country")) or None)


def is_qr(code: Code) -> bool:
    """Whether the code is a QR code of any kind."""
    return "qr" in code.symbology.lower()


def _owner(rows: Sequence[Row], code: Code) -> int | None:
    if code.gtin is not None:
        named = [i for i, row in enumerate(rows) if (own := _digits(row)) and same_gtin(own, code.gtin)]
        if len(named) == 1:
            return named[0]
    distances = [(distance, i) for i, row in enumerate(rows) if (distance := _distance(row.bbox, code.box)) is not None]
    return min(distances)[1] if distances else None


def _distance(row: Box | None, code: Box) -> float | None:
    """Distance of the code's centre from the row's centre, in half sides of the row; None if it is not near the row."""
    if row is None:
        return None
    away = 0.0
    for low, high, middle in (
        (row[0], row[2], (code[0] + code[2]) / 2),
        (row[1], row[3], (code[1] + code[3]) / 2),
    ):
        half = max(1.0, (high - low) / 2)
        away = max(away, abs(middle - (low + high) / 2) / half)
    return away if away <= 1 + 2 * NEAR else None


def _settle(row: Row, codes: Sequence[Code], facts: FinishContext, warnings: list[Notice]) -> Row:
    own = _digits(row)
    if own:
        valid = article_gtin(own)
        warnings += [] if valid else [_invalid(own, facts)]
        row, own = edit(row, gtin=valid), valid or ""
    weighed = next((found for code in codes if (found := in_store(code, facts)) is not None), None)
    row = row if weighed is None else edit(row, in_store=weighed)
    proven = list(dict.fromkeys(code.gtin for code in codes if code.gtin is not None))
    if not proven:
        return row
    if own and any(same_gtin(own, gtin) for gtin in proven):
        return verified(row, Source.BARCODE)
    if own or len(proven) > 1:
        warnings.append(_conflict([own, *proven] if own else proven, facts))
        return edit(row, gtin=None)
    return edit(row, gtin=proven[0], gtin_source=Source.BARCODE.value)


def _digits(row: Row) -> str:
    return text(row.fields.get("gtin")).replace(" ", "").replace("-", "")


def _invalid(digits: str, facts: FinishContext) -> Notice:
    shown = digits[:20]
    return Notice(
        "gtin_invalid",
        say(
            facts,
            f"条码数字 {shown} 校验位不符，未采用。",
            f"The number {shown} fails its check digit and is not used.",
        ),
    )


def _conflict(gtins: Sequence[str], facts: FinishContext) -> Notice:
    shown = ", ".join(gtin[:14] for gtin in gtins[:3])
    return Notice(
        "gtin_conflict",
        say(
            facts,
            f"条码来源不一致（{shown}），请人工核对。",
            f"Sources disagree on the GTIN ({shown}); please check it.",
        ),
    )
