"""The task and options of one scan: one value, from the request to the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from pixel_agent.core.task import Lang, Priority


@dataclass(frozen=True, slots=True)
class ScanSpec:
    """What is asked: it rides unchanged in request, job, scan, record and batch.

    `task` is the task's id. `store_id` is the shop. `client` is the address or the API key's id, for a fair share. A field
    that is added here needs a column of its name in `scans` and `batches`, and a field of its name in `ScanFields`.
    """

    task: str
    question: str | None = None
    lang: Lang = "zh"
    force: bool = False
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    store_id: str | None = None
    priority: Priority = Priority.INTERACTIVE
    client: str = ""
