"""Writes a reading as plain text, for people and for programs of the old API, which expect a single string."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pixel_agent.core import Lang, Reading, Row
from pixel_agent.core.numbers import plain_number
from pixel_agent.tasks.finishing import text
from pixel_agent.tasks.wording import FIELDS, VALUES

VERBATIM = frozenset({"text_read"})
"""Tasks whose result is the text itself, word for word."""

HIDDEN = frozenset({"kind", "gtin_source", "count_is_estimate", "gs1", "bbox"})
"""Fields for programs only: they record how a row was made."""


def list_reading(reading: Reading, task_id: str, lang: Lang) -> str:
    """The summary, the alerts, then one numbered line per row; for verbatim tasks only the lines."""
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
    return ("；" if lang == "zh" else "; ").join(_parts(row.fields, lang, "：" if lang == "zh" else ": "))


def _parts(fields: Mapping[str, JsonValue], lang: Lang, colon: str) -> list[str]:
    return [
        f"{_label(name, lang)}{colon}{words}"
        for name, value in fields.items()
        if name not in HIDDEN and (words := field_words(name, value, lang))
    ]


def _label(name: str, lang: Lang) -> str:
    plain = name.replace("_", " ")
    return FIELDS.get(name, plain) if lang == "zh" else plain


def field_words(name: str, value: JsonValue, lang: Lang) -> str:
    """A field's value in words, on one line; empty for null. Text read from the photo is never translated."""
    match value:
        case None:
            return ""
        case bool():
            return ("是" if value else "否") if lang == "zh" else ("yes" if value else "no")
        case int() | float():
            return plain_number(value)
        case str():
            said = VALUES.get(name, {}).get(value) if lang == "zh" else None
            return said or " ".join(value.split())
        case list():
            listed = (words for part in value if (words := field_words(name, part, lang)))
            return ("、" if lang == "zh" else ", ").join(listed)
        case dict():
            return " ".join(_parts(value, lang, " "))
