from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Capability, EngineInfo, FinishContext, Output, Plan, Review, Support
from pixel_agent.core.errors import ConfigurationError
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.reading import read_output
from tests.paths import EXAMPLES
from tests.tasks.build import TODAY

EXAMPLE = EXAMPLES / "tasks.toml"
GOOD = """\
# mine
[tasks.fridge]
zh = "冰柜"
en = "Fridge"
prompt_zh = '''
[tasks.not_a_header]
zh = "inside a text"
'''
schema = '''
{
  "type": "object",
  "properties": {"answer": {"type": "string"}}
}
'''
"""


def load(tmp_path: Path, source: str) -> Catalogue:
    path = tmp_path / "tasks.toml"
    path.write_text(source, "utf-8")
    return Catalogue.load(path)


def test_the_example_loads_and_is_found_by_every_name() -> None:
    catalogue = Catalogue.load(EXAMPLE)
    task = catalogue.find("冰柜检查")
    assert task is catalogue.find("fridge check") is catalogue.find("fridge_check")
    assert task.needs == {Capability.TEXT, Capability.SCENE}
    assert len(catalogue) == 19


def test_a_custom_task_reads_answers_like_a_built_in_one() -> None:
    task = Catalogue.load(EXAMPLE).find("fridge_check")
    text = '{"items": [{"door": "open"}], "findings": [{"item": "左", "status": "fail", "severity": "major"}]}'
    plan = Plan(Support.FULL, (), 1024, False)
    reading = read_output(Output(text=text), task, FinishContext(10, 10, TODAY), EngineInfo("e", "m", "1"), plan)
    assert reading.items[0].fields["door"] == "open"
    assert reading.findings[0].review is Review.ADVISED
    assert reading.totals == {"items": 1, "findings": 1, "by_status": {"fail": 1}, "by_severity": {"major": 1}}


def test_values_outside_lists_become_the_first_item(tmp_path: Path) -> None:
    task = load(tmp_path, GOOD).find("fridge")
    plan = Plan(Support.FULL, (), 1024, False)
    reading = read_output(Output(text="门关好了"), task, FinishContext(10, 10, TODAY), EngineInfo("e", "m", "1"), plan)
    assert reading.items[0].fields == {"kind": "answer", "answer": "门关好了"}
    assert reading.summary == "门关好了"


@pytest.mark.parametrize(
    ("old", "new", "line", "word"),
    [
        ('en = "Fridge"', 'en = "Fridge', 4, "TOML"),
        ('en = "Fridge"', 'en = "Price tags"', 4, "another task"),
        ('zh = "冰柜"', 'zh = "价签识别"', 3, "another task"),
        ("[tasks.fridge]", "[tasks.price_tag]", 2, "another task"),
        ("[tasks.fridge]", "[tasks.Fridge]", 2, "lower-case"),
        ("[tasks.fridge]", "[task.fridge]", 2, "no section"),
        ('en = "Fridge"', 'en = "Fridge"\ncolour = 1', 5, "no such key"),
        ('en = "Fridge"', 'en = "Fridge"\nneeds = ["eyes"]', 5, "eyes"),
        ('en = "Fridge"', 'en = "Fridge"\npixel_budget = 1', 5, "pixel_budget"),
        ('en = "Fridge"', "en = 3", 4, "string"),
        ('en = "Fridge"\n', "", 2, "en"),
        ('"type": "object",\n', '"type": "object"\n', 12, "JSON"),
        ('"type": "object"', '"type": "array"', 9, "object"),
        ('"answer": {"type": "string"}', '"answer": {"type": "word"}', 9, "answer"),
        ('"answer": {"type": "string"}', '"answer": {"$ref": "file:///etc/passwd"}', 9, "$ref"),
        ('"answer": {"type": "string"}', '"bbox": {"type": "string"}', 9, "reserved"),
        ("prompt_zh", "other", 5, "no such key"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, word: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert f"tasks.toml, line {line}: " in caught.value.message
    assert word in caught.value.message


def test_a_task_without_a_prompt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="line 1: .*prompt_zh or prompt_en"):
        load(tmp_path, "[tasks.fridge]\nzh = '冰柜'\nen = 'F'\nschema = {type = 'object', properties = {a = {}}}\n")


def test_a_schema_may_be_a_table_and_a_prompt_of_one_language_serves_both(tmp_path: Path) -> None:
    source = "[tasks.fridge]\nzh = '冰柜'\nen = 'F'\nprompt_en = 'Look.'\n[tasks.fridge.schema]\ntype = 'object'\n"
    task = load(tmp_path, source + "[tasks.fridge.schema.properties]\nnote = {type = 'string'}\n").find("fridge")
    assert task.prompt_zh == task.prompt_en == "Look."
    assert task.schema["properties"] == {"note": {"type": "string"}}


def test_two_tasks_of_a_file_may_not_share_a_name(tmp_path: Path) -> None:
    second = GOOD.replace("[tasks.fridge]", "[tasks.cooler]").replace('"Fridge"', '"Cooler"')
    with pytest.raises(ConfigurationError, match="line 17: .*冰柜"):
        load(tmp_path, GOOD + second)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Cannot read"):
        Catalogue.load(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"# a\n# b \xff\n")
    with pytest.raises(ConfigurationError, match="line 2: "):
        Catalogue.load(tmp_path / "t.toml")


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert Catalogue.load(tmp_path / "t.toml").find("fridge").en == "Fridge"


@given(st.integers(0, len(GOOD)), st.text(alphabet="[]{}=\"'\\#\n.a1客", max_size=6))
@settings(deadline=None, max_examples=100)
def test_a_damaged_file_loads_or_is_refused_with_a_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: str
) -> None:
    message = ""
    try:
        load(tmp_path_factory.mktemp("t"), GOOD[:at] + bit + GOOD[at:])
    except ConfigurationError as error:
        message = error.message
    assert not message or ", line " in message
