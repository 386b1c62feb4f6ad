from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Draft, FinishContext, Notice, Quality, Reading, Row, Source, Task
from pixel_agent.engines.ocr.engine import READERS
from pixel_agent.tasks import BUILT_IN, Catalogue
from pixel_agent.tasks.answers import FINDING_LISTS
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.compare import compare_readings
from tests.tasks.build import COLA, TODAY, WATER, code
from tests.tasks.rules.lines import column
from tests.tasks.test_listing import fields

FIND = Catalogue().find
CODES = (code(COLA, ai17="261130", ai10="L7"), code(WATER, (700, 700, 720, 720)), code(None, symbology="QRCode"))
QUALITY = Quality(0.05, 0.5, 0.4, 0.01, 3.0, (Notice("blurred", "照片模糊。"),))
PAGES = (
    ("老王便利店", "电话:0571-88886666", "地址:文三路18号", "正在营业"),
    ("生产日期:20260822", "保质期:12个月", "20260909", "品名:牛奶"),
    ("生产日期:20271122",),
    ("矿泉水 550ml", "零售价:¥2.00", "会员价:¥1.80", "产地:浙江", "活动时间:11.20-11.30"),
    ("限时特价 ¥9.9", "满100减20", "活动时间:10.1-10.7"),
    ("安全出口", "小心地滑"),
)
OPTIONS: dict[str, dict[str, JsonValue]] = {
    "planogram_check": {"planogram": [{"gtin": WATER}, {"name": "可乐"}]},
    "promo_check": {"expected": ["双11", "特价"]},
    "price_tag": {"expected_price": 3.5},
}


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
def test_rows_of_what_was_read_keep_to_the_columns(task: Task) -> None:
    reader = READERS.get(task.id)
    drafts = [reader(column(*page)) for page in PAGES] if reader else [Draft()]
    readings = [task.finish(draft, facts(task, with_codes)) for draft in drafts for with_codes in (True, False)]
    for reading in readings:
        assert not unknown(task, reading)


@given(task=st.sampled_from(BUILT_IN), data=st.data())
@settings(deadline=None, max_examples=60)
def test_rows_of_what_a_model_says_keep_to_the_columns(task: Task, data: st.DataObject) -> None:
    words = st.none() | st.sampled_from(["2026-08-22", "12个月", COLA, "可乐", "fail", "critical"]) | st.integers(0, 40)
    lists = [name for name, part in fields(task, inside=False) if "items" in part]
    drawn = st.fixed_dictionaries({name: words for name, _ in fields(task)})
    rows = data.draw(st.lists(drawn, max_size=3))
    kind = {"kind": data.draw(st.sampled_from(lists)).rstrip("s")} if len(lists) > 1 else {}
    made = tuple(Row({**kind, **row}, (0, 0, 90, 90), Source.MODEL) for row in rows)
    found = made if FINDING_LISTS & set(lists) else ()
    assert not unknown(task, task.finish(Draft(made, found), facts(task, data.draw(st.booleans()))))


def test_a_comparison_shows_the_columns_of_its_inner_task() -> None:
    assert columns_of(FIND("compare"), FIND("expiry_check")) == ("change", *columns_of(FIND("expiry_check")))
    reading = FIND("product_full_scan").finish(
        Draft((Row({"name": "可乐", "price": 3}),)), facts(FIND("compare"), True)
    )
    assert not unknown(FIND("compare"), compare_readings(reading, Reading()))


def test_a_task_that_names_none_has_those_of_its_schema() -> None:
    schema: JsonValue = {
        "type": "object",
        "properties": {
            "answer": {"type": "string"},
            "items": {"type": "array", "items": {"properties": {"a": {}, "bbox_2d": {}, "b": {}}}},
            "findings": {"type": "array", "items": {"properties": {"b": {}, "c": {}}}},
        },
    }
    assert columns_of(custom(schema)) == ("answer", "a", "b", "c")


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
def test_columns_are_named_once_and_hold_what_finished_rows_have(task: Task) -> None:
    columns = columns_of(task)
    assert columns
    assert len(set(columns)) == len(columns)
    assert "kind" not in columns
    assert {name for name, _ in fields(task)} - {"damaged"} <= set(columns)


def custom(schema: JsonValue) -> Task:
    ask = FIND("ask")
    assert isinstance(schema, dict)
    return Task(
        *("own", "自", "own", "", "", ask.needs, ask.wants, schema, "?", "?", ask.finish),
    )


def facts(task: Task, with_codes: bool) -> FinishContext:
    codes = CODES if with_codes else ()
    return FinishContext(1000, 1000, TODAY, codes=codes, options=OPTIONS.get(task.id, {}), quality=QUALITY)


def unknown(task: Task, reading: Reading) -> set[str]:
    return set(_names(reading)) - set(columns_of(task)) - {"kind"}


def _names(reading: Reading) -> Iterator[str]:
    for row in (*reading.items, *reading.findings):
        yield from row.fields
