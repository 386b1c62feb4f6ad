"""A reading as plain text for people and for programs of the old contract, which know one string only."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pixel_agent.core import Lang, Reading, Row
from pixel_agent.tasks.finishing import text

VERBATIM = frozenset({"text_read"})
"""Tasks whose answer is the text itself."""

_HIDDEN = frozenset({"kind", "gtin_source", "count_is_estimate", "gs1"})

# Chinese labels of the catalogue's fields; English ones are the names with spaces.
_ZH: Mapping[str, str] = {
    "action": "建议",
    "address": "地址",
    "advice": "建议",
    "answer": "回答",
    "blur": "清晰度",
    "brand": "品牌",
    "business_category": "经营品类",
    "business_status": "营业状态",
    "category": "品类",
    "change": "变化",
    "condition": "状况",
    "currency": "币种",
    "date_type": "日期类型",
    "days_left": "剩余天数",
    "duplicate_of": "重复于",
    "empty_slots": "空位",
    "evidence": "依据",
    "expected": "应为",
    "expected_present": "应有已见",
    "expected_price": "应有价格",
    "expiry_date": "到期日",
    "exposure": "曝光",
    "facings": "排面",
    "fill_rate": "饱满度",
    "found": "实际",
    "glare": "反光",
    "grade": "等级",
    "gtin": "条码",
    "hazard": "隐患",
    "issues": "问题",
    "item": "项目",
    "level": "层",
    "lot": "批号",
    "member_price": "会员价",
    "name": "品名",
    "object": "物体",
    "origin": "产地",
    "phone": "电话",
    "portion": "份量",
    "position_id": "位置",
    "price": "价格",
    "production_date": "生产日期",
    "qr": "二维码",
    "reason": "原因",
    "regular_price": "价格",
    "resolution": "分辨率",
    "rule_id": "规则",
    "sale_price": "促销价",
    "severity": "严重程度",
    "shelf_level": "层",
    "shelf_life": "保质期",
    "shop_name": "店名",
    "sign": "标识",
    "sign_text": "招牌",
    "slot": "位",
    "slots": "位置数",
    "spec": "规格",
    "status": "状态",
    "symbology": "码制",
    "tag_text": "价签文字",
    "text": "文字",
    "threshold_deg": "阈值",
    "tilt": "倾斜",
    "tilt_deg": "倾斜角",
    "type": "类型",
    "unit": "单位",
    "valid_until": "有效至",
    "verdict": "判定",
    "waste_type": "类别",
}


def list_reading(reading: Reading, task_id: str, lang: Lang) -> str:
    """Summary, alerts, then one numbered line a row; for verbatim tasks the lines alone."""
    if task_id in VERBATIM and reading.items:
        return "\n".join(text(row.fields.get("text")) for row in reading.items)
    lines = [reading.summary] if reading.summary else []
    lines += [f"! {alert.message}" for alert in reading.alerts]
    rows = [words for row in (*reading.items, *reading.findings) if (words := _row(row, lang))]
    if rows != [reading.summary]:
        lines += [f"{number}. {words}" for number, words in enumerate(rows, 1)]
    return "\n".join(lines)


def _row(row: Row, lang: Lang) -> str:
    if row.fields.get("kind") == "answer" and len(row.fields) == 2:
        return text(row.fields.get("answer"))
    parts = [
        f"{_label(name, lang)}{'：' if lang == 'zh' else ': '}{words}"
        for name, value in row.fields.items()
        if name not in _HIDDEN and (words := _words(value, lang))
    ]
    return ("；" if lang == "zh" else "; ").join(parts)


def _label(name: str, lang: Lang) -> str:
    plain = name.replace("_", " ")
    return _ZH.get(name, plain) if lang == "zh" else plain


def _words(value: JsonValue, lang: Lang) -> str:
    match value:
        case None:
            return ""
        case bool():
            return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
        case int() | float():
            return f"{value:.10g}"
        case str():
            return " ".join(value.split())
        case list():
            return ("、" if lang == "zh" else ", ").join(words for part in value if (words := _words(part, lang)))
        case dict():
            return " ".join(f"{name} {words}" for name, part in value.items() if (words := _words(part, lang)))
