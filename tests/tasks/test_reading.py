from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import (
    Capability,
    Draft,
    EngineInfo,
    FinishContext,
    Lang,
    Output,
    Plan,
    Reading,
    Row,
    Scan,
    ScanSpec,
    Source,
    Status,
    Support,
    Task,
)
from pixel_agent.tasks import BUILT_IN, Catalogue
from pixel_agent.tasks.answers import MAX_TEXT, parse_answer, pixel_box
from pixel_agent.tasks.reading import read_output, result_text

CATALOGUE = Catalogue()
MODEL = EngineInfo("openai", "Ostrakon-VL-8B", "1")
SIMULATED = replace(MODEL, name="simulated", simulated=True)
PLAN = Plan(Support.FULL, (), 1024 * 1024, True)
TODAY = date(2026, 11, 22)

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from(
    sorted({name for task in BUILT_IN for name in json.dumps(task.schema).split('"') if name.isidentifier()})
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=8), max_leaves=25
)


def facts(lang: Lang = "zh", **options: JsonValue) -> FinishContext:
    return FinishContext(1000, 500, TODAY, lang, options=options)


def read(task: str, text: str, lang: Lang = "zh", **output: str) -> Reading:
    return read_output(Output(text=text, **output), CATALOGUE.find(task), facts(lang), MODEL, PLAN)  # type: ignore[arg-type]


def codes(reading: Reading) -> list[str]:
    return [notice.code for notice in reading.warnings]


def tag(**fields: JsonValue) -> dict[str, JsonValue]:
    empty: dict[str, JsonValue] = dict.fromkeys(
        ["name", "regular_price", "sale_price", "member_price", "currency", "unit", "spec", "origin", "grade", "gtin"]
    )
    return {**empty, "valid_until": None, "damaged": None, "bbox_2d": None, **fields}


def test_a_good_answer_becomes_rows_in_pixels_of_the_original() -> None:
    answer = {"items": [tag(name="可乐", regular_price=3.5, unit="瓶", bbox_2d=[100, 200, 300, 400])]}
    reading = read("price_tag", json.dumps(answer))
    assert reading.complete
    assert reading.items[0].fields["regular_price"] == 3.5
    assert reading.items[0].bbox == (100, 100, 300, 200)
    assert reading.items[0].source is Source.MODEL
    assert reading.items[0].confidence is None


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"items": [{"name": "可乐", "regular_price": 3.5}]}\n```',
        '好的，结果如下：{"items": [{"name": "可乐", "regular_price": 3.5}]} 以上。',
        "{'items': [{'name': '可乐', 'regular_price': 3.5,}]}",
        '[{"name": "可乐", "regular_price": "3.50"}]',
        '{"name": "可乐", "regular_price": "¥3.5元"}',
        '见 [1]：{"items": [{"name": "可乐", "regular_price": 3.5}]}',
        '<think>{"items": []}</think>{"items": [{"name": "可乐", "regular_price": 3.5}]}',
        '先想 {"items": []}</think>{"items": [{"name": "可乐", "regular_price": 3.5}]}',
        '格式 {items: …}，结果：{"items": [{"name": "可乐", "regular_price": 3.5}]}',
        '示例：{"items": []} 答案：{"items": [{"name": "可乐", "regular_price": 3.5}]}',
        '{"items": [{"name": "可乐", "regular_price": 3.5}]} ```json {"items": []}```',
        '{"result": {"items": [{"name": "可乐", "regular_price": 3.5}]}}',
        '{"items": {"name": "可乐", "regular_price": 3.5}}',
        '{"items": {"1": {"name": "可乐", "regular_price": "3元5角"}}}',
        "{“items”：[{“name”：“可乐”，“regular_price”：3.5}]}",
        "{items: [{name: 可乐, regular_price: 3.5}]}",
        '{"items": [ /* one */ {"name": "可乐" "regular_price": 3.5} // end\n]}',
        '"{\\"items\\": [{\\"name\\": \\"可乐\\", \\"regular_price\\": 3.5}]}"',
    ],
)
def test_untidy_answers_are_mended(text: str) -> None:
    reading = read("price_tag", text)
    assert reading.complete
    assert [(row.fields["name"], row.fields["regular_price"]) for row in reading.items] == [("可乐", 3.5)]
    assert reading.raw_text == text


def test_bad_rows_are_dropped_one_by_one() -> None:
    reading = read("price_tag", json.dumps({"items": [tag(name="可乐"), "x", 3, {}, tag(name="雪碧")]}))
    assert [row.fields["name"] for row in reading.items] == ["可乐", "雪碧"]
    assert "rows_dropped" in codes(reading)


def test_a_value_that_does_not_fit_becomes_null() -> None:
    reading = read("price_tag", json.dumps({"items": [tag(name="可乐", regular_price="大约三块")]}))
    assert reading.items[0].fields["regular_price"] is None
    assert "values_dropped" in codes(reading)


def test_a_models_own_totals_are_dropped() -> None:
    text = json.dumps({"levels": [{"level": 1, "slots": 10}], "gaps": [], "slots_total": 99, "oos_rate": 0.9})
    totals = read("out_of_stock", text).totals
    assert totals["slots_total"] == 10
    assert totals["oos_rate"] == 0


@pytest.mark.parametrize(
    "text", ['<think>hm {"items": []}', "{items}", "", "看不清", "{", "[[[[", '{"foo": 1}', "null", "[1, 2]", "\0"]
)
def test_a_hopeless_answer_is_kept_and_said(text: str) -> None:
    reading = read("price_tag", text)
    assert not reading.complete
    assert codes(reading) == ["unparseable"]
    assert reading.items == ()


def test_an_answer_that_was_cut_off_is_incomplete() -> None:
    reading = read("price_tag", '{"items": [{"name": "可乐"}, {"name": "雪', finish_reason="length")
    assert not reading.complete
    assert reading.items[0].fields["name"] == "可乐"
    assert "truncated" in codes(reading)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"items": [{"name": "可乐", "regular_price": 3.', {"name": "可乐", "regular_price": None}),
        ('{"items": [{"name": "可乐", "regular_price": 12', {"name": "可乐", "regular_price": None}),
        ('{"items": [{"regular_price": 3.5, "name": "可', {"name": None, "regular_price": 3.5}),
    ],
)
def test_half_a_value_is_no_value(text: str, kept: dict[str, JsonValue]) -> None:
    reading = read("price_tag", text)
    assert {name: reading.items[0].fields[name] for name in kept} == kept
    assert not reading.complete
    assert codes(reading) == ["truncated"]


@pytest.mark.parametrize("text", ['{"items": [', '{"items": ', '{"items": [{"name": "可'])
def test_an_answer_that_is_cut_off_at_once_does_not_say_that_there_is_nothing(text: str) -> None:
    assert not read("price_tag", text).complete


def test_rows_one_after_another_are_a_list() -> None:
    reading = read("price_tag", '{"name": "可乐"}\n{"name": "雪碧"}')
    assert [row.fields["name"] for row in reading.items] == ["可乐", "雪碧"]


def test_rows_of_a_broken_answer_never_move_to_another_list() -> None:
    reading = read("shelf_audit", '{"gaps": [{"level": 1}, {"level": 2}], "levels": [{"lev')
    assert [row.fields["level"] for row in reading.findings] == [1, 2]
    assert not [row for row in reading.items if row.fields["level"]]


@pytest.mark.parametrize(
    ("price", "number"), [("1,299.00", 1299), ("5.9元/500g", 5.9), ("满100减20", None), ("3或4", None)]
)
def test_prices_in_words_become_numbers_where_they_state_one(price: str, number: float | None) -> None:
    assert (
        read("price_tag", json.dumps({"items": [tag(name="可乐", regular_price=price)]}))
        .items[0]
        .fields["regular_price"]
        == number
    )


def test_prose_answers_a_question() -> None:
    reading = read("ask", "货架上有三瓶水。")
    assert reading.complete
    assert reading.summary == "货架上有三瓶水。"
    assert reading.items[0].fields["answer"] == "货架上有三瓶水。"


def test_what_the_simulation_says_is_marked() -> None:
    reading = read_output(Output(text="simulated words"), CATALOGUE.find("price_tag"), facts(), SIMULATED, PLAN)
    assert (reading.summary, reading.raw_text, reading.complete) == ("simulated words", "simulated words", True)
    assert codes(reading) == ["simulated"]


@pytest.mark.parametrize(("lang", "word"), [("zh", "物体识别"), ("en", "recognising objects")])
def test_a_partial_plan_says_what_is_missing(lang: Lang, word: str) -> None:
    plan = replace(PLAN, support=Support.PARTIAL, missing=(Capability.OBJECTS,))
    reading = read_output(Output(draft=Draft()), CATALOGUE.find("product_full_scan"), facts(lang), MODEL, plan)
    assert codes(reading) == ["partial_support"]
    assert word in reading.warnings[0].message


def test_a_partial_answer_never_claims_that_there_is_nothing() -> None:
    plan = replace(PLAN, support=Support.PARTIAL, missing=(Capability.SCENE,))
    reading = read_output(Output(draft=Draft()), CATALOGUE.find("safety_check"), facts(), MODEL, plan)
    assert reading.summary == "未读到可用内容。"
    assert reading.totals["failed"] is None
    assert read("safety_check", '{"findings": []}').totals["failed"] == 0


def test_a_task_without_a_model_is_finished_from_facts_alone() -> None:
    plan = replace(PLAN, runs=False)
    reading = read_output(Output(), CATALOGUE.find("code_read"), facts(), SIMULATED, plan)
    assert reading.complete
    assert not reading.warnings


@pytest.mark.parametrize(
    ("box", "pixels"),
    [
        ([0, 0, 1000, 1000], (0, 0, 1000, 500)),
        ([300, 400, 100, 200], (100, 100, 300, 200)),
        ([-50, 900, 1200, 1100], (0, 450, 1000, 500)),
        ([1, 1, 1, 9], None),
        ([1, 2, 3], None),
        ([[100, 200, 300, 400]], (100, 100, 300, 200)),
        ([[100, 200], [300, 400]], (100, 100, 300, 200)),
        ([0, 0, 1280, 1024], None),
        ([[1, 2], [3]], None),
        ([[[1, 2, 3, 4]]], None),
        (["1", 2, 3, 4], None),
        ([True, 2, 3, 4], None),
        ([float("nan"), 2, 3, 4], None),
        ("1,2,3,4", None),
        (None, None),
    ],
)
def test_boxes_are_sorted_and_clipped_and_nonsense_is_none(box: JsonValue, pixels: object) -> None:
    assert pixel_box(box, 1000, 500) == pixels


@given(st.lists(st.floats(-2000, 3000), min_size=4, max_size=4), st.integers(1, 9000), st.integers(1, 9000))
@settings(deadline=None, max_examples=100)
def test_a_box_always_lies_inside_the_photo(box: list[JsonValue], width: int, height: int) -> None:
    found = pixel_box(box, width, height)
    if found is not None:
        left, top, right, bottom = found
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"items":' * 50_000,
        '{"items": [' + '{"name": "' + "x" * 100_000,
        '"' * 100_000,
        '{"items": [{"name": ' + "9" * 5_000 + "}]}",
        '{"items": [{"name": "\\ud800", "regular_price": 1e999}]}',
        '{"items": [' + ",".join(["{}"] * 20_000) + "]}",
        "{" + '"a":{},' * 20_000,
        "<think>" * 10_000,
    ],
)
def test_huge_and_nested_answers_are_bounded(text: str) -> None:
    reading = read("price_tag", text)
    assert len(reading.raw_text) <= MAX_TEXT
    assert len(reading.items) <= 500
    assert reading.complete is False or len(text) <= MAX_TEXT
    json.dumps([dict(row.fields) for row in reading.items], allow_nan=False).encode()


@given(task=st.sampled_from(BUILT_IN), content=anything, lang=st.sampled_from(["zh", "en"]))
@settings(deadline=None, max_examples=100)
def test_any_json_becomes_a_reading_that_can_be_sent(task: Task, content: JsonValue, lang: Lang) -> None:
    _check(task, json.dumps(content), lang)


@given(task=st.sampled_from(BUILT_IN), data=st.data())
@settings(deadline=None, max_examples=100)
def test_any_values_in_the_right_fields_become_a_reading(task: Task, data: st.DataObject) -> None:
    content: dict[str, JsonValue] = {}
    properties = task.schema["properties"]
    assert isinstance(properties, dict)
    for name, part in properties.items():
        assert isinstance(part, dict)
        rows = part.get("items")
        fields = list(rows["properties"]) if isinstance(rows, dict) and isinstance(rows["properties"], dict) else []
        values: st.SearchStrategy[JsonValue] = scalars | st.lists(st.integers(-9, 1100), max_size=4)
        rows_drawn: st.SearchStrategy[JsonValue] = st.lists(st.fixed_dictionaries(dict.fromkeys(fields, values)))
        content[name] = data.draw(rows_drawn if fields else scalars)
    _check(task, json.dumps(content), "zh")


@given(task=st.sampled_from(BUILT_IN), text=st.text(alphabet='{}[]",:\\ntfu019.eE- abc客', max_size=200))
@settings(deadline=None, max_examples=100)
def test_any_text_becomes_a_reading(task: Task, text: str) -> None:
    _check(task, text, "en")


def test_parse_answer_needs_a_schema_with_fields() -> None:
    assert parse_answer('{"items": []}', {}, 10, 10) is None


def test_the_old_contract_gets_a_listing() -> None:
    reading = read("price_tag", json.dumps({"items": [tag(name="可乐", regular_price=3.5, unit="瓶")]}))
    text = result_text(scan("price_tag", reading))
    assert "1 个价签" in text
    assert "1. 品名：可乐；价格：3.5；单位：瓶" in text


def test_the_old_contract_gets_text_verbatim() -> None:
    draft = Draft(items=(Row({"text": "第一行"}), Row({"text": "第二 行"})))
    reading = CATALOGUE.find("text_read").finish(draft, facts())
    assert result_text(scan("text_read", reading)) == "第一行\n第二 行"


@pytest.mark.parametrize(("task", "words"), [("price_tag", "不知道说什么"), ("ask", "有三瓶水。")])
def test_the_old_contract_gets_the_models_own_words(task: str, words: str) -> None:
    assert result_text(scan(task, read(task, words))) == words


def test_the_old_contract_gets_what_the_simulation_said() -> None:
    reading = Reading(summary="words", raw_text="words")
    assert result_text(replace(scan("price_tag", reading), engine=SIMULATED)) == "words"


def _check(task: Task, text: str, lang: Lang) -> None:
    reading = read_output(Output(text=text), task, facts(lang), MODEL, PLAN)
    rows = [dict(row.fields) for row in (*reading.items, *reading.findings)]
    json.dumps(
        [rows, dict(reading.totals), reading.summary, reading.raw_text], allow_nan=False, ensure_ascii=False
    ).encode()
    result_text(scan(task.id, reading, lang)).encode()


def scan(task: str, reading: Reading, lang: Lang = "zh") -> Scan:
    spec, at = ScanSpec(task, lang=lang), datetime(2026, 11, 22, tzinfo=UTC)
    return Scan("s", Status.COMPLETED, spec, CATALOGUE.find(task), MODEL, reading, {}, at)
