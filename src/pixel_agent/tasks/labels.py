"""The tasks about printed labels: price tags, dates on packs and promotion posters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from pydantic import JsonValue

from pixel_agent.core import Alert, Capability, Draft, FinishContext, Reading, Row, Severity, Source, Task
from pixel_agent.core.numbers import plain_number
from pixel_agent.tasks.codes import link_codes
from pixel_agent.tasks.dates import DATE_FIELDS, MAX_NEAR_DAYS, NEAR_DAYS, date_rows
from pixel_agent.tasks.finishing import (
    FINDINGS,
    Noun,
    advise,
    advise_unless_confirmed,
    alert,
    compose,
    counts,
    edit,
    label,
    number,
    say,
    text,
)
from pixel_agent.tasks.forms import FLAG, NUMBER, TEXT, Field, Form, Rows, choice
from pixel_agent.tasks.prices import check_prices
from pixel_agent.tasks.rules.dates import parse_date
from pixel_agent.tasks.rules.promos import period_end
from pixel_agent.tasks.rules.tags import price_issues
from pixel_agent.tasks.rules.unread import TOO_SMALL

PRICE_FIELDS = ("sale_price", "regular_price", "member_price")
"""In this order: the first one that is stated is the price a customer pays."""
MAX_PRICE = 10_000_000
MAX_EXPECTED = 100
MAX_EXPECTED_SIGNS = 200
CURRENCY: JsonValue = {"type": "string", "minLength": 3, "maxLength": 3}
"""The shop's currency, an ISO 4217 code: for prices without a currency sign or word."""
CONDITIONS = ("good", "damaged", "blocked", "dirty")
"""States of promotion material. If only text is read, `condition` is the condition of the offer instead."""

_TAGS = Noun("个价签", "price tag", "price tags")
_ISSUES = Noun("项缺陷", "issue", "issues")
_PACKS = Noun("个日期标签", "date label", "date labels")
_EXPIRED = Noun("个过期", "expired", "expired")
_NEAR = Noun("个临期", "near expiry", "near expiry")
_PROMOTIONS = Noun("件促销物料", "promotion", "promotions")

_TAG_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("name", TEXT, "品名", "product name"),
                Field("regular_price", NUMBER, "零售价或原价，数字", "regular price, a number"),
                Field("sale_price", NUMBER, "特价或促销价，数字", "sale price, a number"),
                Field("member_price", NUMBER, "会员价，数字", "member price, a number"),
                Field("currency", TEXT, "币种，如 CNY", "currency, e.g. CNY"),
                Field("unit", TEXT, "计价单位，如 瓶、500g、kg", "unit of sale, e.g. bottle, 500g, kg"),
                Field("spec", TEXT, "规格", "size or weight"),
                Field("origin", TEXT, "产地", "origin"),
                Field("grade", TEXT, "等级", "grade"),
                Field("gtin", TEXT, "条码数字", "digits of the barcode"),
                Field("valid_until", TEXT, "活动截止日期，照抄", "last day of the offer, as printed"),
                Field("damaged", FLAG, "价签是否破损", "whether the tag is damaged"),
            ),
            limit=40,
        ),
    )
)
_DATE_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("name", TEXT, "品名", "product name"),
                Field("gtin", TEXT, "条码数字", "digits of the barcode"),
                Field("production_date", TEXT, "生产日期，照抄", "production date, as printed"),
                Field("shelf_life", TEXT, "保质期时长，照抄，如 12个月", "shelf life, as printed, e.g. 12 months"),
                Field("expiry_date", TEXT, "到期日或保质期至，照抄", "expiry or best-before date, as printed"),
                Field("date_type", TEXT, "日期旁的字样，照抄", "the words beside the date, as printed"),
                Field("lot", TEXT, "批号", "lot"),
            ),
            limit=30,
        ),
    )
)
_PROMO_FORM = Form(
    (
        Rows(
            "items",
            (
                Field(
                    "type",
                    choice("poster", "banner", "stack", "shelf_talker", "hanger", "display", "other"),
                    "种类：海报、横幅、堆头、跳跳卡、吊旗、展架",
                    "kind",
                ),
                Field("text", TEXT, "物料上的文字", "its text"),
                Field("condition", choice(*CONDITIONS), "状况", "condition"),
                Field("valid_until", TEXT, "活动截止日期，照抄", "last day of the offer, as printed"),
            ),
            limit=30,
        ),
    )
)


def finish_tags(draft: Draft, facts: FinishContext) -> Reading:
    """Tags with their codes and what each one lacks, and an alert if a price differs from `options.expected_price`."""
    linked = link_codes(draft.items, facts)
    expected = number(facts.options.get("expected_price"))
    checked, doubts = check_prices(linked.rows, linked.codes, PRICE_FIELDS, facts)
    rows = [_tag(row, expected, facts) for row in checked]
    alerts = [_mismatch(row, expected, facts) for row in rows if "mismatch" in _issues(row) and expected is not None]
    by_issue: dict[str, int] = {}
    for issue in (issue for row in rows for issue in _issues(row)):
        by_issue[issue] = by_issue.get(issue, 0) + 1
    totals: dict[str, JsonValue] = {
        "tags": len(rows),
        "priced": sum(any(number(row.fields.get(name)) is not None for name in PRICE_FIELDS) for row in rows),
        "by_issue": dict(by_issue),
    }
    reading = compose(
        draft,
        facts,
        [(_TAGS, len(rows)), (_ISSUES, sum(by_issue.values()))],
        items=rows,
        findings=draft.findings,
        alerts=alerts,
        totals=totals,
        warnings=(*linked.warnings, *doubts),
    )
    return replace(reading, complete=not any(notice.code == TOO_SMALL for notice in reading.warnings))


def finish_dates(draft: Draft, facts: FinishContext) -> Reading:
    """Normalise dates, compute the expiry, compare with GS1 codes, and raise an alert for expired goods."""
    rows, warnings = date_rows(draft.items, facts)
    rows = [_dated(row) for row in rows]
    expired = [row for row in rows if row.fields.get("status") == "expired"]
    near = sum(row.fields.get("status") == "near" for row in rows)
    dates = [words for row in rows if (words := text(row.fields.get("expiry_date")))]
    totals: dict[str, JsonValue] = {
        "labels": len(rows),
        "by_status": counts(rows, "status"),
        "earliest_expiry": min(dates, default=None),
    }
    return compose(
        draft,
        facts,
        [(_PACKS, len(rows)), (_EXPIRED, len(expired)), (_NEAR, near)],
        items=rows,
        findings=draft.findings,
        alerts=[_expired_alert(row, facts) for row in expired],
        totals=totals,
        warnings=warnings,
    )


def finish_promotions(draft: Draft, facts: FinishContext) -> Reading:
    """Promotions, which of them are past their last day, and which of the texts in `options.expected` were seen."""
    rows = [_promotion(row, facts) for row in draft.items]
    findings = [*draft.findings, *(_over(row) for row in rows if _is_over(row, facts.today))]
    expected = _expected(facts.options.get("expected"))
    seen = {
        words: any(words.casefold() in text(row.fields.get("text")).casefold() for row in rows) for words in expected
    }
    findings += [_absent(words) for words, present in seen.items() if not present]
    totals: dict[str, JsonValue] = {
        "promotions": len(rows),
        "by_type": counts(rows, "type"),
        "by_condition": counts([row for row in rows if row.fields.get("condition") in CONDITIONS], "condition"),
        "expected_present": sum(seen.values()) if expected else None,
        "expected": len(seen) if expected else None,
    }
    rows = [edit(row, expected_present=_named(row, expected)) for row in rows]
    counted = [(_PROMOTIONS, len(rows)), (FINDINGS, len(findings))]
    return compose(draft, facts, counted, items=rows, findings=[advise(row) for row in findings], totals=totals)


def _tag(row: Row, expected: float | None, facts: FinishContext) -> Row:
    until = _last_day(text(row.fields.get("valid_until")), facts.today)
    fields = {
        **row.fields,
        "valid_until": until.isoformat() if until else None,
        "expected_price": expected,
        **{name: _price(row.fields.get(name)) for name in PRICE_FIELDS},
    }
    damaged = fields.pop("damaged", None) is True or "damaged" in _issues(row)
    issues: list[JsonValue] = [*price_issues(fields, expected)]
    if damaged and "damaged" not in issues:
        issues.append("damaged")
    fields["issues"] = issues
    return advise_unless_confirmed(replace(row, fields=fields), Source.TEXT, Source.HUMAN)


def _last_day(words: str, today: date) -> date | None:
    """The last day of an offer, read from its copied text: the end of a period, never its first day."""
    return (period_end(words, today, labelled=True) or parse_date(words, today)) if words else None


def _price(value: JsonValue) -> float | None:
    found = number(value)
    return found if found is not None and found >= 0 else None


def _issues(row: Row) -> list[str]:
    issues = row.fields.get("issues")
    return [issue for issue in issues if isinstance(issue, str)] if isinstance(issues, list) else []


def _mismatch(row: Row, expected: float, facts: FinishContext) -> Alert:
    found = next((price for name in PRICE_FIELDS if (price := number(row.fields.get(name))) is not None), 0.0)
    name = label(row, "name") or say(facts, "价签", "Tag")
    says, wanted = plain_number(found), plain_number(expected)
    message = say(facts, f"{name}：价签 {says}，应为 {wanted}。", f"{name}: says {says}, expected {wanted}.")
    return alert(row, "price_mismatch", Severity.MAJOR, message)


def _dated(row: Row) -> Row:
    stated = any(row.fields.get(name) for name in DATE_FIELDS)
    return advise_unless_confirmed(row, Source.BARCODE, Source.HUMAN) if stated else advise(row)


def _expired_alert(row: Row, facts: FinishContext) -> Alert:
    name = label(row, "name") or say(facts, "商品", "Product")
    when = text(row.fields.get("expiry_date"))
    return alert(
        row, "expired", Severity.CRITICAL, say(facts, f"{name}已过期（{when}）。", f"{name} expired on {when}.")
    )


def _promotion(row: Row, facts: FinishContext) -> Row:
    until = _last_day(text(row.fields.get("valid_until")), facts.today)
    return edit(row, valid_until=until.isoformat() if until else None)


def _is_over(row: Row, today: date) -> bool:
    words = text(row.fields.get("valid_until"))
    return bool(words) and words < today.isoformat()


def _over(row: Row) -> Row:
    return edit(row, kind="promotion_over", severity=Severity.MINOR.value)


def _absent(words: str) -> Row:
    return Row({"kind": "promotion_not_found", "expected": words, "severity": Severity.MINOR.value}, source=Source.RULE)


def _expected(value: JsonValue) -> list[str]:
    found = [text(words) for words in value[:MAX_EXPECTED]] if isinstance(value, list) else []
    return list(dict.fromkeys(words for words in found if words))


def _named(row: Row, expected: Sequence[str]) -> bool | None:
    if not expected:
        return None
    return any(words.casefold() in text(row.fields.get("text")).casefold() for words in expected)


PRICE_TAG = Task(
    id="price_tag",
    zh="价签识别",
    en="Price tags",
    about_zh="逐字读取价签的品名、价格、单位、规格和产地，并指出缺项。",
    about_en="Reads name, prices, unit, size and origin of each tag, and says what is missing.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.CODES}),
    schema=_TAG_FORM.schema,
    prompt_zh=_TAG_FORM.prompt("逐个读取价签，每个价签一行。满减、打折等活动不是价格。", "zh"),
    prompt_en=_TAG_FORM.prompt("Read every price tag, one row each. Discounts off a sum are no prices.", "en"),
    finish=finish_tags,
    pixel_budget=1280 * 1024,
    max_new_tokens=2048,
    options={"expected_price": None, "currency": None},
    option_schema={"expected_price": {"type": "number", "minimum": 0, "maximum": MAX_PRICE}, "currency": CURRENCY},
    columns=(
        "name",
        *("regular_price", "sale_price", "member_price", "currency", "unit", "spec", "origin", "grade", "gtin"),
        *("valid_until", "expected_price", "issues", "gtin_source"),
    ),
)
EXPIRY_CHECK = Task(
    id="expiry_check",
    zh="保质期检查",
    en="Expiry dates",
    about_zh="抄写日期和保质期，由程序计算到期日和剩余天数。",
    about_en="Copies dates and shelf lives; code computes the expiry and the days left.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.CODES}),
    schema=_DATE_FORM.schema,
    prompt_zh=_DATE_FORM.prompt("逐个抄写商品上的生产日期、保质期和到期日。", "zh"),
    prompt_en=_DATE_FORM.prompt("Copy the production date, shelf life and expiry date of every product.", "en"),
    finish=finish_dates,
    pixel_budget=1280 * 1024,
    max_new_tokens=1536,
    options={"near_days": NEAR_DAYS},
    option_schema={"near_days": {"type": "integer", "minimum": 0, "maximum": MAX_NEAR_DAYS}},
    columns=(
        *("name", "gtin", "production_date", "shelf_life", "expiry_date", "expiry_computed", "date_type", "lot"),
        *("days_left", "status", "reason", "unlabelled_dates", "gtin_source"),
    ),
)
PROMO_CHECK = Task(
    id="promo_check",
    zh="促销物料检查",
    en="Promotion material",
    about_zh="检查海报、横幅、堆头的文字、状况和有效期。",
    about_en="Checks posters, banners and stacks: text, condition and last day.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.OBJECTS}),
    schema=_PROMO_FORM.schema,
    prompt_zh=_PROMO_FORM.prompt("列出促销物料，抄写文字，判断种类和状况。", "zh"),
    prompt_en=_PROMO_FORM.prompt("List the promotion material, copy its text, and give kind and condition.", "en"),
    finish=finish_promotions,
    pixel_budget=1280 * 1024,
    max_new_tokens=1280,
    options={"expected": []},
    option_schema={
        "expected": {
            "type": "array",
            "maxItems": MAX_EXPECTED,
            "items": {"type": "string", "minLength": 1, "maxLength": MAX_EXPECTED_SIGNS},
        }
    },
    columns=("type", "text", "condition", "valid_until", "price", "expected_present", "expected", "severity"),
)
