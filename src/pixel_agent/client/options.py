"""Keyword arguments of the client's methods for scans and for the history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, TypedDict

from pydantic import JsonValue

PriorityName = Literal["interactive", "normal", "bulk"]


class ScanOptions(TypedDict, total=False):
    """The fields of a scan except its photo; the server sets the defaults."""

    task: str
    question: str | None
    store_id: str | None
    priority: PriorityName
    deadline_ms: int | None
    lang: Literal["zh", "en"]
    force: bool
    options: Mapping[str, JsonValue]


class HistoryFilter(TypedDict, total=False):
    """Filters of the history; a scan must match all that are given."""

    task: str | None
    status: Sequence[str]
    store_id: str | None
    batch_id: str | None
    since: datetime | None
    until: datetime | None
    q: str | None
    gtin: str | None
    review: Literal["none", "advised", "confirmed", "corrected"] | None
    severity: str | None


def form_of(options: Mapping[str, object]) -> dict[str, str]:
    """The options as form fields."""
    return {name: _text(value) for name, value in options.items() if value is not None}


def params_of(options: Mapping[str, object]) -> list[tuple[str, str]]:
    """The options as query parameters; a list becomes several parameters of the same name."""
    pairs: list[tuple[str, str]] = []
    for name, value in options.items():
        if isinstance(value, Sequence) and not isinstance(value, str):
            pairs += [(name, _text(one)) for one in value]
        elif value is not None:
            pairs.append((name, _text(value)))
    return pairs


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, Mapping):
        return json.dumps(dict(value), ensure_ascii=False)
    return str(value)
