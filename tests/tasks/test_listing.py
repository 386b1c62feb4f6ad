"""The plain-text answer: complete numbers, and no English word from code in Chinese text."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import JsonValue

from pixel_agent.core import Reading, Row, Severity, Source, Task
from pixel_agent.tasks import BUILT_IN
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.compare import Change
from pixel_agent.tasks.listing import list_reading
from pixel_agent.tasks.rules.expiry_facts import _LAST
from pixel_agent.tasks.rules.promos import _GENERAL, _SPECIFIC
from pixel_agent.tasks.rules.signs import _SIGNS
from pixel_agent.tasks.wording import FIELDS, VALUES

COMPUTED = {
    "sign": {sign.sign for sign in _SIGNS},
    "type": {kind for kind, _ in (*_SPECIFIC, *_GENERAL)},
    "date_type": set(_LAST),
    "change": set(get_args(Change)),
    "severity": {severity.value for severity in Severity},
    "gtin_source": {source.value for source in Source},
    "status": {"ok", "near", "expired", "unreadable", "unclear", "misplaced", "not_found"},
    "verdict": {"ok", "tilted", "unclear"},
    "business_status": {"open", "closed"},
    "issues": {"missing_unit", "missing_origin", "mismatch", "damaged"},
}
"""Words that code puts into fields, beside those that a schema lists."""


def listed(lang: str = "zh", **fields: JsonValue) -> str:
    return list_reading(Reading(items=(Row(fields),)), "x", "zh" if lang == "zh" else "en")


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
def test_every_field_of_a_task_has_a_chinese_name(task: Task) -> None:
    assert not {name for name in (*columns_of(task), *dict(fields(task))) if name not in FIELDS}


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
def test_every_word_that_a_schema_lists_has_a_chinese_name(task: Task) -> None:
    for name, schema in fields(task):
        words = schema.get("enum")
        assert not [word for word in (words if isinstance(words, list) else []) if word and word not in VALUES[name]]


@pytest.mark.parametrize("name", COMPUTED)
def test_every_word_that_code_sets_has_a_chinese_name(name: str) -> None:
    assert not COMPUTED[name] - set(VALUES[name])


def test_a_chinese_answer_is_chinese() -> None:
    row = listed(type="member", status="near", issues=["missing_unit"], expiry_computed=True, blur={"sharpness": 0.5})
    assert row == "1. 类型：会员优惠；状态：临期；问题：缺计价单位；到期日为推算：是；清晰度：锐度 0.5"


def test_an_english_answer_is_english() -> None:
    assert listed("en", date_type="expiry", expiry_computed=False) == "1. date type: expiry; expiry computed: no"


def test_what_was_read_is_not_translated() -> None:
    assert listed(text="member", name="ok") == "1. 文字：member；品名：ok"


def test_figures_keep_their_digits_and_places_are_left_out() -> None:
    assert listed(price=28888.88, facings=4.0) == "1. 价格：28888.88；排面：4"
    assert listed(qr=[{"text": "https://a.b", "bbox": [1, 2, 3, 4]}]) == "1. 二维码：文字 https://a.b"


def fields(task: Task, *, inside: bool = True) -> list[tuple[str, dict[str, JsonValue]]]:
    """The fields of a task's schema without `bbox_2d`; instead of lists those of their rows, unless not `inside`."""
    found: list[tuple[str, dict[str, JsonValue]]] = []
    waiting: list[JsonValue] = [dict(task.schema)]
    while waiting:
        node = waiting.pop()
        properties = node.get("properties") if isinstance(node, dict) else None
        for name, part in properties.items() if isinstance(properties, dict) else []:
            assert isinstance(part, dict)
            if inside and "items" in part and name != "bbox_2d":
                waiting.append(part["items"])
            elif name != "bbox_2d":
                found.append((name, part))
    return found
