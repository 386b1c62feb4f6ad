from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import JsonValue

from pixel_agent.core import Capability, Draft, FinishContext, Lang, Support, Task
from pixel_agent.core.errors import UnknownTask
from pixel_agent.engines.base import plan_by_capability
from pixel_agent.tasks import BUILT_IN, DEFAULT_TASK, Catalogue
from pixel_agent.tasks.dates import _REASONS
from tests.paths import DOCS, ROOT

FULL, PARTIAL, UNSUPPORTED = Support.FULL, Support.PARTIAL, Support.UNSUPPORTED
EMBEDDED = frozenset({Capability.TEXT, Capability.CODES})
SUPPORT = {
    "product_full_scan": PARTIAL,
    "shelf_audit": UNSUPPORTED,
    "out_of_stock": UNSUPPORTED,
    "price_tag": FULL,
    "expiry_check": FULL,
    "planogram_check": PARTIAL,
    "neatness_check": UNSUPPORTED,
    "promo_check": PARTIAL,
    "storefront_check": PARTIAL,
    "environment_check": UNSUPPORTED,
    "safety_check": PARTIAL,
    "kitchen_hygiene": UNSUPPORTED,
    "waste_estimate": UNSUPPORTED,
    "text_read": FULL,
    "code_read": FULL,
    "compare": PARTIAL,
    "photo_check": FULL,
    "ask": UNSUPPORTED,
}
every_task = pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)


def test_the_catalogue_holds_the_eighteen_tasks() -> None:
    assert [task.id for task in Catalogue()] == list(SUPPORT)
    assert len(Catalogue()) == 18


@every_task
def test_the_embedded_engine_supports_what_the_catalogue_promises(task: Task) -> None:
    assert plan_by_capability(task, EMBEDDED).support is SUPPORT[task.id]


@every_task
def test_every_schema_is_valid_and_strict(task: Task) -> None:
    Draft202012Validator.check_schema(task.schema)
    for node in _objects(dict(task.schema)):
        assert node["additionalProperties"] is False
        assert node["required"] == list(_dict(node["properties"]))


@every_task
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_prompt_names_the_fields_of_its_schema(task: Task, lang: Lang) -> None:
    names = [name for node in _objects(dict(task.schema)) for name in _dict(node["properties"])]
    assert all(f'"{name}"' in task.prompt(lang) for name in names)


@every_task
def test_a_prompt_never_asks_for_totals_or_rates(task: Task) -> None:
    names = {name for node in _objects(dict(task.schema)) for name in _dict(node["properties"])}
    assert not {name for name in names if name.endswith(("_rate", "_total", "_left")) or name.startswith("share")}


@every_task
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_empty_draft_finishes_without_inventing_anything(task: Task, lang: Lang) -> None:
    reading = task.finish(Draft(), FinishContext(100, 80, date(2026, 11, 22), lang))
    assert not reading.findings
    assert not reading.alerts
    assert len(reading.items) == (task.id == "photo_check")


@every_task
def test_budgets_suit_the_model(task: Task) -> None:
    assert 512 * 1024 <= task.pixel_budget <= 1280 * 1024
    assert 16 <= task.max_new_tokens <= 2048


@every_task
def test_a_task_answers_to_its_id_and_both_names(task: Task) -> None:
    catalogue = Catalogue()
    assert catalogue.find(task.id) is catalogue.find(task.zh) is catalogue.find(task.en) is task


@pytest.mark.parametrize(
    "name", ["PRICE_TAG", " price tags ", "ｐｒｉｃｅ－ｔａｇ", "价签 识别", "Price-Tag", "价签识别\n"]
)
def test_case_width_and_spaces_do_not_matter(name: str) -> None:
    assert Catalogue().find(name).id == "price_tag"


def test_the_default_is_the_full_scan() -> None:
    assert Catalogue().find("商品全扫描") is DEFAULT_TASK


def test_an_unknown_name_gets_near_ones_and_the_way_to_the_list() -> None:
    with pytest.raises(UnknownTask) as caught:
        Catalogue().find("price_tagg")
    assert "price_tag" in caught.value.advice
    assert "/v1/tasks" in caught.value.advice


@pytest.mark.parametrize("name", ["", " ", "\0", "a\0b", "😀" * 10, "x" * 10_000, "\ud800", "\u202eabc", "\x1b[31m"])
def test_hostile_names_are_unknown_and_echoed_harmlessly(name: str) -> None:
    with pytest.raises(UnknownTask) as caught:
        Catalogue().find(name)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=100)
def test_any_name_is_found_or_refused(name: str) -> None:
    try:
        task = Catalogue().find(name)
    except UnknownTask as error:
        error.message.encode("utf-8")
    else:
        assert task in BUILT_IN


def _objects(node: JsonValue) -> Iterator[dict[str, JsonValue]]:
    if isinstance(node, dict):
        if node.get("type") == "object":
            yield node
        for part in node.values():
            yield from _objects(part)
    elif isinstance(node, list):
        for part in node:
            yield from _objects(part)


def _dict(value: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(value, dict)
    return value


@every_task
def test_the_docs_tell_about_every_task(task: Task) -> None:
    docs = (DOCS / "tasks.md").read_text("utf-8")
    assert f"| `{task.id}` | {task.zh} · {task.en} |" in docs
    assert all(f"`{option}`" in docs for option in task.options)


def test_the_docs_explain_every_warning_and_alert() -> None:
    root = ROOT
    docs = (root / "docs" / "tasks.md").read_text("utf-8")
    modules = [path for folder in ("tasks", "tasks/rules") for path in (root / "src/pixel_agent" / folder).glob("*.py")]
    codes = {code for path in modules for code in _codes(ast.parse(path.read_text("utf-8")))} | set(_REASONS)
    assert len(codes) > 15
    assert not sorted(code for code in codes if f"`{code}`" not in docs)


def test_the_docs_give_the_limits_of_every_option() -> None:
    docs = (DOCS / "tasks.md").read_text("utf-8")
    for task in BUILT_IN:
        for name, schema in task.option_schema.items():
            line = next(line for line in docs.splitlines() if line.startswith(f"| `{name}` |"))
            limits = [_dict(schema)[key] for key in ("minimum", "maximum", "maxItems") if key in _dict(schema)]
            assert f"`{task.id}`" in line
            assert all(f"{limit:,}" in line for limit in limits)


def _codes(module: ast.Module) -> Iterator[str]:
    """The codes that are given to Notice(code, …), Alert(code, …) and alert(row, code, …)."""
    places = {"Notice": 0, "Alert": 0, "alert": 1}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in places:
            code = node.args[places[node.func.id]]
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                yield code.value
