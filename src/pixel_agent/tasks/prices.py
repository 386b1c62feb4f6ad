"""Checks the prices read by a model against the text and the GS1 codes at the same position in the photo.

Only rows from a model are checked: rows made from text cannot confirm themselves. A price that the text shows too is
confirmed. If text or a code states prices and none equals the model's, no source wins: the fields become null, the row
gets `price_status` `unclear`, and a warning names both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pixel_agent.core import Code, FinishContext, Notice, Row, Source, TextLine
from pixel_agent.tasks.finishing import edit, label, number, say, text, verified
from pixel_agent.tasks.rules.prices import bare_amount, find_prices

_GS1_AMOUNT = re.compile(r"39(?P<currency>[0-3])(?P<decimals>[0-9])")
"""AIs 390n and 392n: an amount; 391n and 393n: three currency digits, then an amount; n: number of decimals (GS1
General Specifications, section 3.6). Only 392n and 393n are prices to pay for a trade item."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """The numbers printed at a row's position: certain prices, all numbers that could be prices, and all digits."""

    prices: frozenset[Decimal]
    numbers: frozenset[Decimal]
    digits: frozenset[str]


def check_prices(
    rows: Sequence[Row], codes: Sequence[Sequence[Code]], names: Sequence[str], facts: FinishContext
) -> tuple[tuple[Row, ...], tuple[Notice, ...]]:
    """Confirm or clear the fields `names` of each row by its codes (same order) and the text at its position.

    Returns the checked rows and a notice for each conflict.
    """
    notices: list[Notice] = []
    checked = [_check(row, own, names, rows, facts, notices) for row, own in zip(rows, codes, strict=True)]
    return tuple(checked), tuple(notices)


def gs1_price(gs1: Mapping[str, str]) -> Decimal | None:
    """The amount to pay that a code states (AIs 392n, 393n); None if it states none."""
    for identifier, value in gs1.items():
        match = _GS1_AMOUNT.fullmatch(identifier)
        if match is None or match["currency"] not in "23":
            continue
        digits = value[3:] if match["currency"] == "3" else value
        if re.fullmatch(r"[0-9]{1,15}", digits):
            return Decimal(digits).scaleb(-int(match["decimals"]))
    return None


def _check(
    row: Row,
    codes: Sequence[Code],
    names: Sequence[str],
    rows: Sequence[Row],
    facts: FinishContext,
    notices: list[Notice],
) -> Row:
    stated = [amount for name in names if (amount := _amount(row, name)) is not None]
    if row.source is not Source.MODEL or not stated:
        return row
    coded = {price for code in codes if (price := gs1_price(code.gs1)) is not None}
    shown = _shown(_lines_of(row, rows, facts))
    for said in (coded, shown.prices):
        if said and not said & set(stated) and not shown.numbers & set(stated):
            notices.append(_conflict(row, stated, said, facts))
            return edit(row, **dict.fromkeys(names), price_status="unclear")
    if coded & set(stated):
        row = verified(row, Source.BARCODE)
    confirmed = all(amount in shown.numbers for amount in stated) and _gtin_is_sure(row, shown)
    return verified(row, Source.TEXT) if confirmed else row


def _gtin_is_sure(row: Row, shown: _Shown) -> bool:
    """Whether text can verify the whole row: text that shows only the price does not confirm a GTIN."""
    gtin = text(row.fields.get("gtin"))
    return not gtin or Source.BARCODE in row.verified_by or "gtin_source" in row.fields or gtin in shown.digits


def _amount(row: Row, name: str) -> Decimal | None:
    found = number(row.fields.get(name))
    return None if found is None else Decimal(str(found)).normalize()


def _lines_of(row: Row, rows: Sequence[Row], facts: FinishContext) -> list[TextLine]:
    """The lines inside a row's box (lines next to it belong to other tags); all lines if a single row has no box."""
    if row.bbox is None:
        return list(facts.lines) if len(rows) == 1 else []
    left, top, right, bottom = row.bbox
    return [
        line
        for line in facts.lines
        if left <= (line.box[0] + line.box[2]) / 2 <= right and top <= (line.box[1] + line.box[3]) / 2 <= bottom
    ]


def _shown(lines: Sequence[TextLine]) -> _Shown:
    prices = {price.amount.normalize() for line in lines for price in find_prices(line.text)}
    bare = {amount.normalize() for line in lines if (amount := bare_amount(line.text)) is not None}
    digits = {run for line in lines for run in re.findall(r"[0-9]+", line.text.replace(" ", ""))}
    return _Shown(frozenset(prices), frozenset(prices | bare), frozenset(digits))


def _conflict(
    row: Row, stated: Sequence[Decimal], said: set[Decimal] | frozenset[Decimal], facts: FinishContext
) -> Notice:
    what = label(row, "name") or say(facts, "商品", "the product")
    own, other = (", ".join(f"{amount:f}" for amount in sorted(amounts)[:3]) for amounts in (stated, said))
    zh = f"{what}的价格来源不一致（模型 {own}，文字或条码 {other}），请人工核对。"
    en = f"Sources disagree on the price of {what} (model {own}, text or code {other}); please check it."
    return Notice("price_conflict", say(facts, zh, en))
