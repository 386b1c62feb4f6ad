"""One scan from the request to the finished envelope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.engine import EngineInfo, Tokens
from pixel_agent.core.photo import Quality
from pixel_agent.core.reading import Reading
from pixel_agent.core.task import Lang, Message, Priority, Task

OnEvent: TypeAlias = Callable[[str, Mapping[str, JsonValue]], None]
"""Told what happens to a scan, on the event loop: the event's name and its values. Must be quick and must not raise."""


class Status(StrEnum):
    """Where a scan stands; the last six are final."""

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
    """What somebody asked: one photo, one task. `deadline` is on the event loop's clock (seconds), None for never.

    `client` is the API key's id or the address, for a fair share. `fresh` bypasses sharing and caching.
    `messages` is what is said to the model instead of the task's prompt. `on_event` hears `queued` (position,
    estimated_ms), `stage` (stage) and `text` (text: the next piece of the model's answer); None: nobody listens.
    """

    scan_id: str
    data: bytes
    task: Task
    received_at: datetime
    filename: str | None = None
    question: str | None = None
    store_id: str | None = None
    priority: Priority = Priority.INTERACTIVE
    deadline: float | None = None
    lang: Lang = "zh"
    force: bool = False
    fresh: bool = False
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    client: str = ""
    messages: tuple[Message, ...] = ()
    on_event: OnEvent | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """One finished scan: the envelope of every answer. `timings` is stage → milliseconds."""

    scan_id: str
    status: Status
    task: Task
    engine: EngineInfo
    reading: Reading
    timings: Mapping[str, float]
    received_at: datetime
    lang: Lang = "zh"
    photo_sha256: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    quality: Quality | None = None
    captured_at: datetime | None = None
    store_id: str | None = None
    filename: str | None = None
    question: str | None = None
    tokens: Tokens | None = None
    shared: Literal["", "in_flight", "cache"] = ""
    parts: tuple[Scan, ...] = ()
