"""The columns of CSV and XLSX tables: the scan, the row, the task's own fields, the evidence, and the corrections.

They are the same for every file of one task, and for every file of all tasks: they depend on the catalogue, never on
the data. A field without its own column goes to `more` as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from pixel_agent.core import Lang, Task
from pixel_agent.storage.exports.cells import EVIDENCE
from pixel_agent.storage.exports.entry import Entry, Fields, Line, latest, words
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.wording import field_name

SCAN = (
    *("scan_id", "task", "scan_status", "store_id", "batch_id", "filename"),
    *("captured_at", "received_at", "engine", "simulated"),
)
"""Columns of the scan, repeated on each of its lines."""
ROW = ("part", "row", "kind")
"""Columns of the row: `item` or `finding`, its index from 0 as in the API, and its kind if a task has several."""
PEOPLE = ("corrected_fields", "model_values", "corrected_by", "corrected_at")
"""Columns of corrections: the task's columns have the corrected values, these columns the model's."""
TAIL = ("more", "error")

_FIXED = frozenset((*SCAN, *ROW, *EVIDENCE, *PEOPLE, *TAIL))
_RENAMED = {"scan_status": "status"}
_CHINESE = {
    "alerts": "提示数",
    "at": "时间",
    "batch_id": "批次",
    "bbox": "位置框",
    "by": "由谁",
    "bytes": "字节",
    "captured_at": "拍摄时间 (UTC)",
    "carried_from": "沿用自",
    "confidence": "置信度",
    "corrected_at": "更正时间 (UTC)",
    "corrected_by": "更正人",
    "corrected_fields": "更正字段",
    "engine": "引擎",
    "error": "错误",
    "field": "字段",
    "filename": "文件名",
    "findings": "问题数",
    "finished_at": "完成时间 (UTC)",
    "items": "条目数",
    "model_value": "模型的值",
    "model_values": "模型的值",
    "more": "其他字段",
    "part": "部分",
    "photo_sha256": "照片 SHA-256",
    "received_at": "收到时间 (UTC)",
    "rerun_of": "重扫自",
    "review": "复核",
    "row": "行",
    "scan_id": "扫描号",
    "scan_status": "扫描状态",
    "simulated": "模拟",
    "source": "来源",
    "store_id": "门店",
    "summary": "小结",
    "task": "任务",
    "total_ms": "用时 (ms)",
    "value": "更正后的值",
    "verified_by": "佐证",
}


class RowColumns:
    """The columns of a table of rows for the given tasks."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        own = dict.fromkeys(column for task in tasks for column in columns_of(task))
        self.fields = tuple(column for column in own if column not in _FIXED)
        self.names = (*SCAN, *ROW, *self.fields, *EVIDENCE, *PEOPLE, *TAIL)
        self._place = {
            name: place for place, name in enumerate(self.names) if name in (*self.fields, *EVIDENCE, "kind")
        }
        self._first = len(SCAN)
        self._people = self.names.index(PEOPLE[0])
        self._error = len(self.names) - 1

    def values(self, entry: Entry) -> list[list[JsonValue]]:
        """The lines of one scan, each as long as `names`; a scan without rows gives one line without row values.

        Tables of all tasks are sparse: only present fields are visited.
        """
        record = entry.record
        blank: list[JsonValue] = [None] * len(self.names)
        blank[: self._first] = [record.get(_RENAMED.get(name, name)) for name in SCAN]
        blank[self._error] = entry.error() or None
        return [self._line(line, blank.copy()) for line in entry.lines()] or [blank]

    def _line(self, line: Line, cells: list[JsonValue]) -> list[JsonValue]:
        cells[self._first : self._first + 2] = line.noun, line.index
        more: dict[str, JsonValue] = {}
        for name, value in line.fields.items():
            place = self._place.get(name)
            if place is None:
                more[name] = value
            else:
                cells[place] = value
        if line.corrections:
            cells[self._people : self._people + len(PEOPLE)] = _people(line)
        if more:
            cells[self._error - 1] = more
        return cells


def heading(name: str, lang: Lang | None) -> str:
    """The heading of a column: its stable name, or its label in a language."""
    if lang is None:
        return name
    return _CHINESE.get(name) or field_name(name, lang) if lang == "zh" else field_name(name, lang)


def _people(line: Line) -> list[JsonValue]:
    """The corrections of a row: the fields, the model's value of each, and the last reviewer and time."""
    model: dict[str, JsonValue] = {}
    for correction in line.corrections:
        model.setdefault(words(correction.get("field")), correction.get("model_value"))
    last: Fields = latest(line.corrections)
    return [" ".join(model), model, last.get("by"), last.get("at")]
