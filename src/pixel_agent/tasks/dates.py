"""Compares the dates printed on a pack with those in its GS1 code; used to finish the tasks about dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from pydantic import JsonValue

from pixel_agent.core import Code, FinishContext, Notice, Row, Source
from pixel_agent.tasks.codes import link_codes
from pixel_agent.tasks.finishing import edit, label, number, say, verified
from pixel_agent.tasks.rules.expiry import TOLERANCE, complete_expiry, gs1_expiry
from pixel_agent.tasks.rules.expiry_facts import doubts_about

NEAR_DAYS = 30
MAX_NEAR_DAYS = 3650
DATE_FIELDS = ("production_date", "expiry_date")
_SHARED_FIELDS = (*DATE_FIELDS, "lot")
_REASONS = {
    "production_in_future": ("生产日期在今天之后", "the production date lies in the future"),
    "production_after_expiry": ("生产日期晚于到期日", "it was produced after it expires"),
    "expiry_contradicts_shelf_life": ("到期日与保质期不符", "the expiry does not match the shelf life"),
}


def date_rows(rows: Sequence[Row], facts: FinishContext) -> tuple[list[Row], tuple[Notice, ...]]:
    """Return rows with ISO dates, days left and status, and notices where the sources disagree.

    A row whose expiry date both sources state is verified. A date that only the code states is copied to the row. If
    the two differ, the field is null and the status `unclear`. Without any row, each code with dates becomes a row.
    """
    if not rows:
        return [_coded(code, facts) for code in facts.codes if _said(code, facts.today)], ()
    linked = link_codes(rows, facts)
    notices = list(linked.warnings)
    notices += [notice for row in rows for notice in _copied_doubts(row, facts)]
    checked = [_row(row, codes, facts, notices) for row, codes in zip(linked.rows, linked.codes, strict=True)]
    return checked, tuple(notices)


def _copied_doubts(row: Row, facts: FinishContext) -> list[Notice]:
    """Notices about ambiguous dates copied by a model; dates read by the rules are in ISO form and not ambiguous."""
    values = [(word, row.fields.get(name)) for name, word in zip(DATE_FIELDS, ("MFG", "EXP"), strict=True)]
    copied = [f"{word}: {value}" for word, value in values if isinstance(value, str)]
    return [notice for text in copied for notice in doubts_about(text, facts.today, facts.lang)]


def _coded(code: Code, facts: FinishContext) -> Row:
    fields: dict[str, JsonValue] = {"name": None, "gtin": code.gtin, **_said(code, facts.today)}
    return Row(_completed(fields, facts), code.box, Source.BARCODE)


def _row(row: Row, codes: Sequence[Code], facts: FinishContext, notices: list[Notice]) -> Row:
    printed = _completed(row.fields, facts)
    merged = dict(row.fields)
    conflicts: set[str] = set()
    agreed: set[str] = set()
    for said in (_said(code, facts.today) for code in codes):
        for name, value in said.items():
            own = printed.get(name)
            if not own:
                merged[name] = printed[name] = value
            elif _same(own, value, computed=name == "expiry_date" and printed["expiry_computed"] is True):
                merged[name] = printed[name] = value
                agreed.add(name)
            elif name in _SHARED_FIELDS:
                conflicts.add(name)
                notices.append(_conflict(row, name, str(own), str(value), facts))
    merged |= dict.fromkeys(conflicts)
    fields = _completed(merged, facts)
    if conflicts & set(DATE_FIELDS):
        fields |= {"days_left": None, "status": "unclear", "reason": "sources_disagree", "expiry_computed": False}
        fields |= dict.fromkeys(conflicts)
    elif "reason" in fields:
        notices.append(_contradiction(row, str(fields["reason"]), facts))
    checked = edit(row, **fields)
    return verified(checked, Source.BARCODE) if "expiry_date" in agreed and not conflicts else checked


def _same(own: JsonValue, said: JsonValue, *, computed: bool) -> bool:
    """Whether two values are equal; a computed expiry can differ by `TOLERANCE`: makers count days differently."""
    if own == said or (isinstance(own, str) and isinstance(said, str) and own.casefold() == said.casefold()):
        return True
    if not computed or not isinstance(own, str) or not isinstance(said, str):
        return False
    return abs(date.fromisoformat(own) - date.fromisoformat(said)) <= TOLERANCE


def _completed(fields: Mapping[str, JsonValue], facts: FinishContext) -> dict[str, JsonValue]:
    given = number(facts.options.get("near_days"))
    near_days = NEAR_DAYS if given is None or not 0 <= given <= MAX_NEAR_DAYS else int(given)
    return dict(complete_expiry(fields, facts.today, near_days))


def _said(code: Code, today: date) -> dict[str, JsonValue]:
    return {name: value for name, value in gs1_expiry(code.gs1, today).items() if value is not None}


def _conflict(row: Row, name: str, printed: str, coded: str, facts: FinishContext) -> Notice:
    what = label(row, "name") or say(facts, "商品", "product")
    zh = f"{what}的印刷内容（{printed[:20]}）与条码（{coded[:20]}）不一致，请人工核对：{name}。"
    en = f"Print ({printed[:20]}) and code ({coded[:20]}) disagree on the {what}'s {name}; please check it."
    return Notice("sources_disagree", say(facts, zh, en))


def _contradiction(row: Row, reason: str, facts: FinishContext) -> Notice:
    what = label(row, "name") or say(facts, "商品", "product")
    zh, en = _REASONS.get(reason, ("日期互相矛盾", "dates contradict each other"))
    return Notice(reason, say(facts, f"{what}：{zh}，请人工核对。", f"{what}: {en}; please check."))
