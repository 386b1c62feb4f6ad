"""The tasks about premises: the storefront, the dining area, escape routes, the kitchen and the waste bins."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from pixel_agent.core import Alert, Capability, Draft, FinishContext, Reading, Row, Severity, Source, Task
from pixel_agent.tasks.codes import assign, is_qr
from pixel_agent.tasks.columns import FINDING_FIELDS
from pixel_agent.tasks.finishing import (
    FAILED,
    FINDINGS,
    SEVERITIES,
    Noun,
    advise,
    alert,
    compose,
    counts,
    edit,
    label,
    number,
    say,
    text,
)
from pixel_agent.tasks.forms import NUMBER, TEXT, Field, Form, Rows, choice

HAZARDS = (
    "blocked_exit",
    "blocked_aisle",
    "blocked_extinguisher",
    "missing_extinguisher",
    "wet_floor",
    "exposed_wiring",
    "exit_sign_missing",
    "other",
)
KITCHEN_RULES = (
    "hat",
    "mask",
    "uniform",
    "gloves",
    "raw_cooked_apart",
    "lids_closed",
    "off_floor",
    "pests",
    "cleanliness",
    "other",
)
_SHOPS = Noun("个门头", "storefront", "storefronts")
_SIGNS = Noun("块标识", "sign", "signs")
_CHECKS = Noun("项检查", "check", "checks")
_WASTES = Noun("种废弃物", "kind of waste", "kinds of waste")

_STATUS = Field(
    "status", choice("pass", FAILED, "unclear"), "合格 pass、不合格 fail、看不清 unclear", "whether it passes"
)
_SEVERITY = Field("severity", choice(*SEVERITIES), "严重程度", "how serious it is")
_EVIDENCE = Field("evidence", TEXT, "看到的依据", "what is seen")
_ACTION = Field("action", TEXT, "整改建议", "what to do")

_STOREFRONT_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("shop_name", TEXT, "店名", "name of the shop"),
                Field("sign_text", TEXT, "招牌全部文字", "all text of the sign"),
                Field("address", TEXT, "地址", "address"),
                Field("phone", TEXT, "电话", "phone number"),
                Field("business_category", TEXT, "经营品类", "kind of business"),
                Field("business_status", choice("open", "closed", "unclear"), "营业状态", "open or closed"),
            ),
            limit=8,
        ),
    )
)
_ENVIRONMENT_FORM = Form(
    (
        Rows(
            "findings",
            (
                Field(
                    "item",
                    TEXT,
                    "检查项：地面、桌面、照明、杂物等",
                    "what is checked: floor, tables, lighting, clutter",
                ),
                _STATUS,
                _SEVERITY,
                _EVIDENCE,
                _ACTION,
            ),
            limit=20,
        ),
    )
)
_SAFETY_FORM = Form(
    (
        Rows(
            "findings",
            (Field("hazard", choice(*HAZARDS), "隐患", "the hazard"), _SEVERITY, _EVIDENCE, _ACTION),
            limit=20,
        ),
    )
)
_KITCHEN_FORM = Form(
    (
        Rows(
            "findings",
            (Field("rule_id", choice(*KITCHEN_RULES), "规则", "the rule"), _STATUS, _SEVERITY, _EVIDENCE, _ACTION),
            limit=24,
        ),
    )
)
_WASTE_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("waste_type", choice("food", "packaging", "recyclable", "hazardous", "other"), "类别", "kind"),
                Field("item", TEXT, "物品", "what it is"),
                Field("portion", NUMBER, "份量", "how much"),
                Field("unit", TEXT, "份量单位：份、个、kg 等", "unit of the portion: portions, pieces, kg"),
                Field("reason", TEXT, "可见的废弃原因", "visible reason"),
                _ACTION,
            ),
            limit=30,
        ),
    )
)


def finish_storefront(draft: Draft, facts: FinishContext) -> Reading:
    """Each storefront with its QR codes; if there is no storefront, only the QR codes."""
    squares = tuple(code for code in facts.codes if is_qr(code))
    shops = list(draft.items)
    if squares and not shops:
        shops = [Row({"shop_name": None}, source=Source.BARCODE)]
    owned = assign(shops, squares)
    rows: list[Row] = []
    for row, codes in zip(shops, owned, strict=True):
        mine = squares if len(shops) == 1 else codes
        qr: list[JsonValue] = [{"text": code.text, "bbox": list(code.box)} for code in mine]
        rows.append(edit(row, qr=qr))
    totals: dict[str, JsonValue] = {"storefronts": len(draft.items), "qr": len(squares)}
    return compose(
        draft, facts, [(_SHOPS, len(draft.items))], items=rows, findings=_penal(draft.findings), totals=totals
    )


def finish_safety(draft: Draft, facts: FinishContext) -> Reading:
    """Advise a review of every hazard; blocked exits and critical hazards raise alerts; signs stay items."""
    findings = [_exit_is_critical(row) for row in _penal(draft.findings)]
    alerts = _alerts(findings, facts)
    totals = _finding_totals(findings)
    totals["by_hazard"] = counts(findings, "hazard")
    totals["signs"] = len(draft.items)
    signs = (_SIGNS, len(draft.items))
    # An engine that only reads signs cannot see hazards: "0 findings" would claim that it looked for them.
    counted = [(FINDINGS, len(findings)), signs] if findings or not draft.items else [signs]
    return compose(draft, facts, counted, items=draft.items, findings=findings, alerts=alerts, totals=totals)


def finish_checks(draft: Draft, facts: FinishContext) -> Reading:
    """Rules that passed, failed or could not be judged: advise a review of failures, raise alerts for critical ones."""
    findings = _penal(draft.findings)
    failed = sum(_fails(row) for row in findings)
    counted = [(_CHECKS, len(findings)), (FINDINGS, failed)]
    return compose(
        draft,
        facts,
        counted,
        items=draft.items,
        findings=findings,
        alerts=_alerts(findings, facts),
        totals=_finding_totals(findings),
    )


def finish_waste(draft: Draft, facts: FinishContext) -> Reading:
    """Add up portions by unit; a review is advised for every estimate."""
    rows = [advise(row) for row in draft.items]
    totals: dict[str, JsonValue] = {
        "kinds": len(rows),
        "by_type": counts(rows, "waste_type"),
        "portions": _portions(rows),
    }
    return compose(draft, facts, [(_WASTES, len(rows))], items=rows, findings=_penal(draft.findings), totals=totals)


def _fails(row: Row) -> bool:
    """Whether a finding reports a fault; one without a status does."""
    return row.fields.get("status", FAILED) == FAILED


def _penal(findings: Sequence[Row]) -> list[Row]:
    return [advise(row) if row.fields.get("status") != "pass" else row for row in findings]


def _exit_is_critical(row: Row) -> Row:
    blocked = row.fields.get("hazard") == "blocked_exit" and _fails(row)
    return edit(row, severity=Severity.CRITICAL.value) if blocked else row


def _alerts(findings: Sequence[Row], facts: FinishContext) -> list[Alert]:
    return [
        _alert(row, facts) for row in findings if _fails(row) and row.fields.get("severity") == Severity.CRITICAL.value
    ]


def _alert(row: Row, facts: FinishContext) -> Alert:
    if row.fields.get("hazard") == "blocked_exit":
        return alert(
            row,
            "blocked_exit",
            Severity.CRITICAL,
            say(facts, "安全出口被堵，请立即清理。", "An exit is blocked; clear it now."),
        )
    what = label(row, "evidence", "item", "hazard", "rule_id", "name", "text")
    return alert(row, "critical_finding", Severity.CRITICAL, say(facts, f"严重问题：{what}", f"Critical: {what}"))


def _finding_totals(findings: Sequence[Row]) -> dict[str, JsonValue]:
    return {
        "findings": len(findings),
        "failed": sum(_fails(row) for row in findings),
        "by_status": counts(findings, "status"),
        "by_severity": counts([row for row in findings if _fails(row)], "severity"),
    }


def _portions(rows: Sequence[Row]) -> dict[str, JsonValue]:
    sums: dict[str, float] = {}
    for row in rows:
        portion = number(row.fields.get("portion"))
        if portion is not None and portion >= 0:
            unit = text(row.fields.get("unit")) or "?"
            sums[unit] = sums.get(unit, 0.0) + portion
    return {unit: round(amount, 3) for unit, amount in sums.items()}


STOREFRONT_CHECK = Task(
    id="storefront_check",
    zh="门头识别",
    en="Storefront",
    about_zh="识别店名、招牌、地址、电话、营业状态和二维码。",
    about_en="Reads the shop's name, sign, address, phone, whether it is open, and its QR codes.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.CODES, Capability.SCENE}),
    schema=_STOREFRONT_FORM.schema,
    prompt_zh=_STOREFRONT_FORM.prompt("识别门头：抄写招牌文字，写出店名、地址、电话、经营品类和营业状态。", "zh"),
    prompt_en=_STOREFRONT_FORM.prompt(
        "Read the storefront: copy the sign; give name, address, phone, kind of business, and whether it is open.",
        "en",
    ),
    finish=finish_storefront,
    pixel_budget=768 * 1024,
    max_new_tokens=512,
    columns=("shop_name", "sign_text", "address", "phone", "business_category", "business_status", "qr"),
)
ENVIRONMENT_CHECK = Task(
    id="environment_check",
    zh="环境分析",
    en="Environment",
    about_zh="检查清洁、桌面、照明和杂物。",
    about_en="Checks cleanliness, tables, lighting and clutter.",
    needs=frozenset({Capability.SCENE}),
    wants=frozenset(),
    schema=_ENVIRONMENT_FORM.schema,
    prompt_zh=_ENVIRONMENT_FORM.prompt("检查店内环境：地面、桌面、照明、杂物、设施，逐项判断。", "zh"),
    prompt_en=_ENVIRONMENT_FORM.prompt(
        "Check the premises item by item: floor, tables, lighting, clutter, fittings.", "en"
    ),
    finish=finish_checks,
    pixel_budget=768 * 1024,
    max_new_tokens=1024,
    columns=("item", *FINDING_FIELDS),
)
SAFETY_CHECK = Task(
    id="safety_check",
    zh="消防通道检查",
    en="Safety",
    about_zh="检查出口、通道、灭火器和湿滑地面。",
    about_en="Looks for blocked exits, extinguishers and wet floors.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.SCENE}),
    schema=_SAFETY_FORM.schema,
    prompt_zh=_SAFETY_FORM.prompt(
        "检查消防安全隐患：出口和通道是否被堵，灭火器是否在位可取，地面是否湿滑。没有隐患就给空列表。", "zh"
    ),
    prompt_en=_SAFETY_FORM.prompt(
        "Look for safety hazards: blocked exits and aisles, extinguishers missing or out of reach, wet floors. "
        "Give an empty list where there is none.",
        "en",
    ),
    finish=finish_safety,
    pixel_budget=768 * 1024,
    max_new_tokens=768,
    columns=("hazard", "sign", *FINDING_FIELDS),
)
KITCHEN_HYGIENE = Task(
    id="kitchen_hygiene",
    zh="后厨卫生检查",
    en="Kitchen hygiene",
    about_zh="检查帽子、口罩、工服、生熟分开、加盖、离地和虫害。",
    about_en="Checks hats, masks, uniforms, raw and cooked apart, lids, off-floor storage and pests.",
    needs=frozenset({Capability.SCENE}),
    wants=frozenset(),
    schema=_KITCHEN_FORM.schema,
    prompt_zh=_KITCHEN_FORM.prompt(
        "按规则检查后厨卫生：帽子、口罩、工服、手套、生熟分开、加盖、离地存放、虫害、清洁；画面中涉及的规则逐条判断，有几处写几行。",
        "zh",
    ),
    prompt_en=_KITCHEN_FORM.prompt(
        "Check kitchen hygiene rule by rule: hats, masks, uniforms, gloves, raw and cooked apart, lids, off-floor "
        "storage, pests, cleanliness; judge the rules that the photo shows, one row for each place.",
        "en",
    ),
    finish=finish_checks,
    pixel_budget=768 * 1024,
    max_new_tokens=1280,
    columns=("rule_id", *FINDING_FIELDS),
)
WASTE_ESTIMATE = Task(
    id="waste_estimate",
    zh="废弃物识别",
    en="Waste",
    about_zh="识别废弃物种类和份量。",
    about_en="Names kinds of waste and estimates portions.",
    needs=frozenset({Capability.SCENE}),
    wants=frozenset(),
    schema=_WASTE_FORM.schema,
    prompt_zh=_WASTE_FORM.prompt("列出看得见的废弃物：类别、物品、份量和单位、原因。", "zh"),
    prompt_en=_WASTE_FORM.prompt("List the visible waste: kind, item, portion with its unit, reason.", "en"),
    finish=finish_waste,
    pixel_budget=768 * 1024,
    max_new_tokens=1024,
    columns=("waste_type", "item", "portion", "unit", "reason", "action"),
)
