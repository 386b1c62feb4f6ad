"""The first and the last type of a scan: the request, and the finished scan with its status."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.engine import EngineInfo, Tokens
from pixel_agent.core.photo import Quality
from pixel_agent.core.reading import Reading
from pixel_agent.core.spec import ScanSpec
from pixel_agent.core.task import Message, Task

OnEvent: TypeAlias = Callable[[str, Mapping[str, JsonValue]], None]
"""Gets each progress event of a scan, on the event loop: its name and its values. Must be quick and must not raise."""


class Status(StrEnum):
    """The state of a scan; the last six are final."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    RETAKE_REQUIRED = "retake_required"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One photo, its task and its options. `deadline` is on the event loop's clock (seconds), None for no deadline.

    `sha256` is that of `data`. `task` is the task that `spec` names. `fresh` bypasses sharing and caching. `messages`
    go to the model instead of the task's prompt. `on_event` gets `queued` (position, estimated_ms), `stage` (stage) and
    `text` (text: the next piece of the model's answer); None: no progress is published.
    """

    scan_id: str
    spec: ScanSpec
    task: Task
    data: bytes
    sha256: str
    received_at: datetime
    filename: str | None = None
    deadline: float | None = None
    fresh: bool = False
    messages: tuple[Message, ...] = ()
    on_event: OnEvent | None = None

    def asking(self, task: Task, options: Mapping[str, JsonValue]) -> ScanRequest:
        """A request for another task and its options on the same photo."""
        return replace(self, task=task, spec=replace(self.spec, task=task.id, options=options))


@dataclass(frozen=True, slots=True)
class Scan:
    """One finished scan: the envelope of every answer. `timings` is stage → milliseconds."""

    scan_id: str
    status: Status
    spec: ScanSpec
    task: Task
    engine: EngineInfo
    reading: Reading
    timings: Mapping[str, float]
    received_at: datetime
    photo_sha256: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    quality: Quality | None = None
    captured_at: datetime | None = None
    filename: str | None = None
    tokens: Tokens | None = None
    shared: Literal["", "in_flight", "cache"] = ""
    parts: tuple[Scan, ...] = ()
