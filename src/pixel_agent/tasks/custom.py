"""Loads the operator's own tasks from a TOML file at start. A bad file is rejected with the number of the wrong line.

Each task is a table `[tasks.<id>]`; see docs/tasks.md. The schema is JSON text or a TOML table.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pixel_agent.core import Capability, Draft, FinishContext, Reading, Row, Task
from pixel_agent.core.errors import ConfigurationError
from pixel_agent.tasks.finishing import FINDINGS, Noun, advise, compose, counts, text
from pixel_agent.tasks.lines import TomlLines
from pixel_agent.tasks.names import key, names

MAX_FILE_BYTES = 1_000_000
MAX_SCHEMA_NODES = 2_000
RESERVED = frozenset({"bbox", "source", "confidence", "verified_by", "review"})
"""Fields of every row; a custom task cannot define fields with these names."""

_ID = re.compile(r"[a-z][a-z0-9_]{1,48}")
_ROWS = Noun("项", "item", "items")
_HOW = "See docs/tasks.md, “Your own tasks”."


class _Entry(BaseModel):
    """One table `[tasks.<id>]` of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=60)
    about_zh: str = Field("", max_length=200)
    about_en: str = Field("", max_length=200)
    needs: list[str] = ["scene"]
    wants: list[str] = []
    prompt_zh: str = Field("", max_length=8000)
    prompt_en: str = Field("", max_length=8000)
    # Any JSON value passes here; _schema checks it and reports the line.
    answer: JsonValue = Field(alias="schema")
    pixel_budget: int = Field(768 * 1024, ge=64 * 1024, le=4096 * 1024)
    max_new_tokens: int = Field(1024, ge=16, le=8192)
    needs_question: bool = False
    options: dict[str, JsonValue] = {}


@dataclass(frozen=True, slots=True)
class _File:
    """The file being read, with the line numbers of its keys for error messages."""

    path: Path
    lines: TomlLines

    def wrong(self, what: str, table: str = "", name: str = "", *, below: int = 0) -> ConfigurationError:
        """Return an error that names the file and the line of a key in a table, or `below` lines after it."""
        line = self.lines.find(table, name) + below
        return ConfigurationError(f"{self.path}, line {line}: {what}", _HOW)


def load_custom(path: Path, taken: Set[str]) -> tuple[Task, ...]:
    """Return the tasks of a file. `taken` are the names already in use, normalised by `names.key`.

    Raises ConfigurationError that names the file, the line and what is accepted.
    """
    source = _read(path)
    file = _File(path, TomlLines(source))
    tables = _tables(file, _parse(path, source))
    used = set(taken)
    tasks = []
    for task_id, table in tables.items():
        task = _task(file, task_id, table)
        _claim(file, task, used)
        tasks.append(task)
    return tuple(tasks)


def finish_custom(draft: Draft, facts: FinishContext) -> Reading:
    """Rows as answered, values outside lists as a first item; totals count rows by status and severity."""
    answers = [Row({"kind": "answer", **draft.extra})] if any(v is not None for v in draft.extra.values()) else []
    items = [*answers, *draft.items]
    findings = [row if row.fields.get("status") == "pass" else advise(row) for row in draft.findings]
    totals: dict[str, JsonValue] = {"items": len(draft.items), "findings": len(findings)}
    for name in ("status", "severity"):
        if found := counts([*items, *findings], name):
            totals[f"by_{name}"] = found
    answer = draft.summary.strip() or ("" if draft.items or findings else text(draft.extra.get("answer")))
    draft = replace(draft, summary=answer)
    return compose(
        draft, facts, [(_ROWS, len(items)), (FINDINGS, len(findings))], items=items, findings=findings, totals=totals
    )


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigurationError(f"The tasks file {path} is larger than {MAX_FILE_BYTES} bytes.", _HOW)
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"Cannot read the tasks file {path}: {error.strerror}.", _HOW) from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}, line {line}: this is not UTF-8 text.", "Save the file as UTF-8.") from None


def _parse(path: Path, source: str) -> Mapping[str, JsonValue]:
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        line = int(found[1]) if found else source.count("\n") + 1
        raise ConfigurationError(f"{path}, line {line}: not valid TOML: {error}.", _HOW) from None
    except (RecursionError, ValueError) as error:
        raise ConfigurationError(f"{path}, line 1: not readable as TOML: {error}.", _HOW) from None


def _tables(file: _File, content: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    for name in content:
        if name != "tasks":
            raise file.wrong(f"there is no section {name!r}; tasks are tables [tasks.<id>].", name, name)
    tables = content.get("tasks", {})
    if not isinstance(tables, dict):
        raise file.wrong("`tasks` must hold tables [tasks.<id>].", "", "tasks")
    return tables


def _task(file: _File, task_id: str, table: JsonValue) -> Task:
    where = f"tasks.{task_id}"
    if not _ID.fullmatch(task_id):
        raise file.wrong(f"the id {task_id!r} must be lower-case letters, digits and _, 2 to 49 of them.", where)
    if not isinstance(table, dict):
        raise file.wrong(f"{where} must be a table.", "tasks", task_id)
    try:
        entry = _Entry.model_validate(table)
    except ValidationError as error:
        problem = error.errors()[0]
        name = str(problem["loc"][0]) if problem["loc"] else ""
        what = "there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"].lower()
        raise file.wrong(f"{where}.{name}: {what}.", where, name) from None
    if not (entry.prompt_zh.strip() or entry.prompt_en.strip()):
        raise file.wrong(f"{where}: prompt_zh or prompt_en is required.", where)
    return Task(
        id=task_id,
        zh=entry.zh,
        en=entry.en,
        about_zh=entry.about_zh or entry.zh,
        about_en=entry.about_en or entry.en,
        needs=_capabilities(file, where, "needs", entry.needs),
        wants=_capabilities(file, where, "wants", entry.wants),
        schema=_schema(file, where, entry.answer),
        prompt_zh=entry.prompt_zh.strip() or entry.prompt_en.strip(),
        prompt_en=entry.prompt_en.strip() or entry.prompt_zh.strip(),
        finish=finish_custom,
        pixel_budget=entry.pixel_budget,
        max_new_tokens=entry.max_new_tokens,
        needs_question=entry.needs_question,
        options=entry.options,
    )


def _capabilities(file: _File, where: str, name: str, words: list[str]) -> frozenset[Capability]:
    known = [capability.value for capability in Capability]
    for word in words:
        if word not in known:
            raise file.wrong(f"{where}.{name}: {word!r} is none of {', '.join(known)}.", where, name)
    return frozenset(Capability(word) for word in words)


def _schema(file: _File, where: str, given: JsonValue) -> Mapping[str, JsonValue]:
    schema = given
    if isinstance(given, str):
        try:
            schema = json.loads(given)
        except (ValueError, RecursionError) as error:
            below = error.lineno - 1 if isinstance(error, json.JSONDecodeError) else 0
            # A text that starts with ''' and a line break begins on the next line: TOML drops that break.
            below += file.lines.opens_below(where, "schema")
            raise file.wrong(f"{where}.schema is not valid JSON: {error}.", where, "schema", below=below) from None
    if not isinstance(schema, dict) or schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        raise file.wrong(f'{where}.schema must be {{"type": "object", "properties": …}}.', where, "schema")
    if problem := _schema_problem(schema):
        raise file.wrong(f"{where}.schema: {problem}.", where, "schema")
    return schema


def _schema_problem(schema: dict[str, JsonValue]) -> str:
    nodes = list(_nodes(schema, MAX_SCHEMA_NODES + 1))
    if len(nodes) > MAX_SCHEMA_NODES:
        return f"more than {MAX_SCHEMA_NODES} parts"
    for node in nodes:
        if "$ref" in node or "$dynamicRef" in node:
            return "$ref is not supported; write the part out"
        properties = node.get("properties")
        if isinstance(properties, dict) and (clash := sorted(RESERVED & set(properties))):
            return f"the field {clash[0]!r} is reserved: every row carries it already"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path) or "the top"
        return f"at {path}: {error.message[:200]}"
    return ""


def _nodes(value: JsonValue, limit: int) -> Iterator[dict[str, JsonValue]]:
    """All objects of a schema, found without recursion; at most about `limit` values are visited."""
    waiting: list[JsonValue] = [value]
    seen = 0
    while waiting and seen <= limit:
        node = waiting.pop()
        seen += 1
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _claim(file: _File, task: Task, used: set[str]) -> None:
    for name, where in zip(names(task), ("", "zh", "en"), strict=True):
        plain = key(name)
        if not plain or plain in used:
            raise file.wrong(f"the name {name!r} belongs to another task.", f"tasks.{task.id}", where)
    used.update(key(name) for name in names(task))
