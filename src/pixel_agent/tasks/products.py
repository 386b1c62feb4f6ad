"""The tasks about products on shelves: full scan, shelf levels, stock gaps and neatness."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from pixel_agent.core import Alert, Capability, Code, Draft, FinishContext, Notice, Reading, Row, Severity, Source, Task
from pixel_agent.core.numbers import plain_number
from pixel_agent.tasks.codes import describe, is_qr, link_codes
from pixel_agent.tasks.columns import CODE_FIELDS
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
    of_kind,
    rate,
    say,
    text,
    total,
    whole,
)
from pixel_agent.tasks.forms import COUNT, FLAG, NUMBER, TEXT, Field, Form, Rows, choice
from pixel_agent.tasks.prices import check_prices

DEFAULT_TILT_DEG = 15.0
MAX_TILT_DEG = 90
_PRODUCTS = Noun("种商品", "product", "products")
_LEVELS = Noun("层货架", "shelf level", "shelf levels")
_GAPS = Noun("处缺口", "gap", "gaps")
_OBJECTS = Noun("个物体", "object", "objects")
_TILTED = Noun("个歪斜", "tilted", "tilted")

_NAME = Field("name", TEXT, "品名，照包装抄写", "product name as printed")
_BRAND = Field("brand", TEXT, "品牌", "brand")
_FACINGS = Field("facings", COUNT, "排面数，整数", "facings, a whole number")
_LEVEL = Field("level", COUNT, "第几层，从上往下数，最上为 1", "shelf level, counted from the top, which is 1")

_PRODUCT_FORM = Form(
    (
        Rows(
            "items",
            (
                _NAME,
                _BRAND,
                Field("spec", TEXT, "规格，如 500ml", "size or weight, e.g. 500ml"),
                Field("category", TEXT, "品类", "category"),
                Field("gtin", TEXT, "看得见的条码数字", "digits of a visible barcode"),
                _FACINGS,
                Field("count_is_estimate", FLAG, "排面数是否估计", "whether facings is an estimate"),
                Field("shelf_level", COUNT, "第几层，最上为 1", "shelf level, the top is 1"),
                Field("price", NUMBER, "对应价签上的价格", "price on its tag"),
            ),
        ),
    )
)
_SHELF_FORM = Form(
    (
        Rows(
            "levels",
            (_LEVEL, _FACINGS, Field("empty_slots", COUNT, "空着的排面数", "empty facings")),
            limit=12,
        ),
        Rows("products", (_NAME, _BRAND, _LEVEL, _FACINGS), boxed=False),
        Rows("gaps", (_LEVEL, Field("tag_text", TEXT, "缺口下价签文字", "text of the tag below the gap"))),
        Rows(
            "misplaced",
            (_NAME, _LEVEL, Field("reason", TEXT, "为什么放错", "why it is misplaced")),
        ),
    )
)
_STOCK_FORM = Form(
    (
        Rows(
            "levels",
            (_LEVEL, Field("slots", COUNT, "该层有价签或有货的位置数", "places with a tag or goods")),
            limit=12,
        ),
        Rows(
            "gaps",
            (
                Field("tag_text", TEXT, "价签文字", "text of the tag"),
                _LEVEL,
                Field(
                    "status",
                    choice("oos", "low", "not_carried"),
                    "有价签无货 oos，快没货 low，既无价签也无货 not_carried",
                    "oos: tag without goods, low: nearly gone, not_carried: neither tag nor goods",
                ),
            ),
        ),
    )
)
_NEAT_FORM = Form(
    (
        Rows(
            "items",
            (
                Field("object", TEXT, "物体名称", "name of the object"),
                Field("tilt_deg", NUMBER, "偏离端正的角度（度）", "degrees away from straight"),
            ),
        ),
    )
)


def finish_products(draft: Draft, facts: FinishContext) -> Reading:
    """Products with their codes; a code without a product becomes a row; a review is advised for counts and prices."""
    linked = link_codes(draft.items, facts)
    checked, doubts = check_prices(linked.rows, linked.codes, ("price",), facts)
    seen = {text(row.fields.get("gtin")).zfill(14) for row in checked}
    extra = [code for code in linked.loose if code.gtin is not None or not is_qr(code)]
    rows = [_product(row) for row in checked]
    rows += [_coded(code, facts) for code in _distinct(extra) if (code.gtin or code.text).zfill(14) not in seen]
    totals: dict[str, JsonValue] = {
        "products": len(rows),
        "facings": total(rows, "facings"),
        "with_gtin": sum(bool(row.fields.get("gtin")) for row in rows),
        "with_price": sum(number(row.fields.get("price")) is not None for row in rows),
        "by_category": counts(rows, "category"),
    }
    return compose(
        draft,
        facts,
        [(_PRODUCTS, len(rows))],
        items=rows,
        findings=draft.findings,
        totals=totals,
        warnings=(*linked.warnings, *doubts),
    )


def finish_shelf(draft: Draft, facts: FinishContext) -> Reading:
    """Compute each level's fill rate from its facings and empty slots, the mean rate, and each brand's facing share."""
    levels = [_filled(row) for row in of_kind(draft.items, "level")]
    products = [advise(row) for row in of_kind(draft.items, "product")]
    others = [row for row in draft.items if row.fields.get("kind") not in ("level", "product")]
    rates = [found for row in levels if (found := number(row.fields.get("fill_rate"))) is not None]
    findings = [advise(row) for row in draft.findings]
    gaps = len(of_kind(findings, "gap"))
    totals: dict[str, JsonValue] = {
        "levels": len(levels),
        "facings": total(levels, "facings") if levels else total(products, "facings"),
        "fill_rate": round(sum(rates) / len(rates), 4) if rates else None,
        "gaps": gaps,
        "misplaced": len(of_kind(findings, "misplaced")),
        "share_of_shelf": list(_shares(products)),
    }
    counted = [(_LEVELS, len(levels)), (_GAPS, gaps), (FINDINGS, len(findings) - gaps)]
    return compose(draft, facts, counted, items=[*levels, *products, *others], findings=findings, totals=totals)


def finish_stock(draft: Draft, facts: FinishContext) -> Reading:
    """Count slots level by level; out-of-stock rate = tags without goods / slots, null if the slots are unknown."""
    findings = [advise(row) for row in draft.findings]
    empty = sum(row.fields.get("status") == "oos" for row in findings)
    levels = [advise(row) for row in draft.items]
    slots = total(levels, "slots")
    trusted = slots is not None and slots >= empty
    warnings = [] if trusted or slots is None else [_slots_contradict(facts)]
    totals: dict[str, JsonValue] = {
        "slots_total": slots if trusted else None,
        "slots_empty": empty,
        "oos_rate": rate(empty, slots) if trusted and slots is not None else None,
        "by_status": counts(findings, "status"),
    }
    counted = [(Noun("处缺货", "out of stock", "out of stock"), empty), (_GAPS, len(findings) - empty)]
    return compose(draft, facts, counted, items=levels, findings=findings, totals=totals, warnings=warnings)


def finish_neatness(draft: Draft, facts: FinishContext) -> Reading:
    """Compare each object's tilt with `options.threshold_deg` (default 15 degrees); raise an alert above it."""
    given = number(facts.options.get("threshold_deg"))
    threshold = DEFAULT_TILT_DEG if given is None or given < 0 else given
    rows = [advise(_judged(row, threshold)) for row in draft.items]
    tilted = [row for row in rows if row.fields["verdict"] == "tilted"]
    alerts = [_tilt_alert(row, threshold, facts) for row in tilted]
    totals: dict[str, JsonValue] = {"objects": len(rows), "tilted": len(tilted), "threshold_deg": threshold}
    counted = [(_OBJECTS, len(rows)), (_TILTED, len(tilted))]
    return compose(draft, facts, counted, items=rows, findings=draft.findings, alerts=alerts, totals=totals)


def _product(row: Row) -> Row:
    facings = whole(row.fields.get("facings"))
    if facings is not None and row.fields.get("count_is_estimate") is None:
        row = edit(row, count_is_estimate=True)
    if facings is not None:  # text that confirms the price does not confirm the count
        return advise_unless_confirmed(row, Source.HUMAN)
    priced = number(row.fields.get("price")) is not None or "price_status" in row.fields
    return advise_unless_confirmed(row, Source.TEXT, Source.HUMAN) if priced else row


def _coded(code: Code, facts: FinishContext) -> Row:
    return Row({"name": None, **describe(code, facts)}, bbox=code.box, source=Source.BARCODE)


def _distinct(codes: Sequence[Code]) -> list[Code]:
    return list({code.gtin or code.text: code for code in reversed(codes)}.values())[::-1]


def _filled(row: Row) -> Row:
    facings, empty = whole(row.fields.get("facings")), whole(row.fields.get("empty_slots"))
    fill = rate(facings, facings + empty) if facings is not None and empty is not None else None
    return advise(edit(row, fill_rate=fill))


def _shares(products: Sequence[Row]) -> list[JsonValue]:
    facings: dict[str, int] = {}
    for row in products:
        brand = label(row, "brand", "name")
        if brand:
            facings[brand] = facings.get(brand, 0) + (whole(row.fields.get("facings")) or 0)
    everything = sum(facings.values())
    ordered = sorted(facings.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"brand": brand, "facings": count, "share": rate(count, everything)} for brand, count in ordered]


def _judged(row: Row, threshold: float) -> Row:
    tilt = number(row.fields.get("tilt_deg"))
    verdict = "unclear" if tilt is None else "tilted" if abs(tilt) > threshold else "ok"
    return edit(row, threshold_deg=threshold, verdict=verdict)


def _tilt_alert(row: Row, threshold: float, facts: FinishContext) -> Alert:
    name = label(row, "object") or say(facts, "物体", "Object")
    tilt = number(row.fields.get("tilt_deg")) or 0.0
    message = say(
        facts,
        f"{name}歪斜 {plain_number(tilt)}°，超过 {plain_number(threshold)}°。",
        f"{name} is tilted by {plain_number(tilt)}°, over {plain_number(threshold)}°.",
    )
    return alert(row, "tilt_over_threshold", Severity.MINOR, message)


def _slots_contradict(facts: FinishContext) -> Notice:
    return Notice(
        "slots_contradict",
        say(facts, "缺货数多于位置数，缺货率未计算。", "More gaps than slots were reported; no rate is computed."),
    )


PRODUCT_FULL_SCAN = Task(
    id="product_full_scan",
    zh="商品全扫描",
    en="Full product scan",
    about_zh="列出画面中的商品、排面、价格和条码。",
    about_en="Lists the visible products with facings, prices and barcodes.",
    needs=frozenset({Capability.TEXT}),
    wants=frozenset({Capability.CODES, Capability.OBJECTS}),
    schema=_PRODUCT_FORM.schema,
    prompt_zh=_PRODUCT_FORM.prompt("列出图中看得见的不同商品；同一商品的多个排面合并为一行。", "zh"),
    prompt_en=_PRODUCT_FORM.prompt(
        "List the distinct products that are visible; group identical facings into one row.", "en"
    ),
    finish=finish_products,
    pixel_budget=1280 * 1024,
    max_new_tokens=2048,
    columns=(
        *("name", "brand", "spec", "category", "gtin", "facings", "count_is_estimate", "shelf_level", "price"),
        *CODE_FIELDS,
    ),
)
SHELF_AUDIT = Task(
    id="shelf_audit",
    zh="货架巡检",
    en="Shelf audit",
    about_zh="逐层检查饱满度、缺口和错放，并计算排面占比。",
    about_en="Checks every level for fullness, gaps and misplaced goods, and computes the share of shelf.",
    needs=frozenset({Capability.OBJECTS}),
    wants=frozenset(),
    schema=_SHELF_FORM.schema,
    prompt_zh=_SHELF_FORM.prompt(
        "逐层巡检货架：数每层的排面和空位，合并相同商品并数排面，指出缺口和放错的商品。", "zh"
    ),
    prompt_en=_SHELF_FORM.prompt(
        "Audit the shelf level by level: count facings and empty slots, group identical products with their facings, "
        "and point out gaps and misplaced goods.",
        "en",
    ),
    finish=finish_shelf,
    pixel_budget=1280 * 1024,
    max_new_tokens=2048,
    columns=("level", "name", "brand", "facings", "empty_slots", "fill_rate", "tag_text", "reason"),
)
OUT_OF_STOCK = Task(
    id="out_of_stock",
    zh="缺货检测",
    en="Out of stock",
    about_zh="找出有价签无货的位置，并计算缺货率。",
    about_en="Finds tags without goods and computes the out-of-stock rate.",
    needs=frozenset({Capability.OBJECTS}),
    wants=frozenset(),
    schema=_STOCK_FORM.schema,
    prompt_zh=_STOCK_FORM.prompt("逐层数货架上的位置，并列出每一处缺货或快缺货的位置。", "zh"),
    prompt_en=_STOCK_FORM.prompt("Count the slots of every shelf level and list each gap or nearly empty slot.", "en"),
    finish=finish_stock,
    pixel_budget=1280 * 1024,
    max_new_tokens=1536,
    columns=("level", "slots", "tag_text", "status"),
)
NEATNESS_CHECK = Task(
    id="neatness_check",
    zh="整齐度检查",
    en="Neatness",
    about_zh="估计每个物体的歪斜角度，超过阈值时提示。",
    about_en="Estimates the tilt of each object and alerts over a threshold.",
    needs=frozenset({Capability.OBJECTS}),
    wants=frozenset(),
    schema=_NEAT_FORM.schema,
    prompt_zh=_NEAT_FORM.prompt("列出主要物体，估计每个物体偏离端正的角度。", "zh"),
    prompt_en=_NEAT_FORM.prompt("List the main objects and estimate how far each is from standing straight.", "en"),
    finish=finish_neatness,
    pixel_budget=768 * 1024,
    max_new_tokens=1024,
    options={"threshold_deg": DEFAULT_TILT_DEG},
    option_schema={"threshold_deg": {"type": "number", "minimum": 0, "maximum": MAX_TILT_DEG}},
    columns=("object", "tilt_deg", "threshold_deg", "verdict"),
)
