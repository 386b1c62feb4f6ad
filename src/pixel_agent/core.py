"""The nouns of Pixel Agent, shared by every stage; frozen, and free of behaviour that belongs to a stage.

One request flows one way: `ScanRequest` → `Photo` → `Job` → `Batch` → `Output` → `Draft` → `Reading` → `Scan`.
This module imports no stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

# isort: off
from pixel_agent.core_photo import (
    VISUAL_TOKEN_SIDE as VISUAL_TOKEN_SIDE,
    Box as Box,
    Code as Code,
    Notice as Notice,
    Photo as Photo,
    Pixels as Pixels,
    Point as Point,
    Quad as Quad,
    Quality as Quality,
    TextLine as TextLine,
    bounding_box as bounding_box,
)

# isort: on

Lang: TypeAlias = Literal["zh", "en"]

OnEvent: TypeAlias = Callable[[str, Mapping[str, JsonValue]], None]
"""Told what happens to a scan, on the event loop: the event's name and its values. Must be quick and must not raise."""


class Priority(StrEnum):
    """How urgent a scan is: a person waits, a program waits, nobody waits."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


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


class Source(StrEnum):
    """Who says what a row states."""

    BARCODE = "barcode"
    TEXT = "text"
    MODEL = "model"
    RULE = "rule"
    HUMAN = "human"


class Review(StrEnum):
    """Whether a person should look, or has looked."""

    NONE = "none"
    ADVISED = "advised"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class Support(StrEnum):
    """How well an engine answers a task."""

    FULL = "full"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"


class Capability(StrEnum):
    """What answering a task takes."""

    CODES = "codes"
    TEXT = "text"
    OBJECTS = "objects"
    SCENE = "scene"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something somebody should act on."""

    code: str
    severity: Severity
    message: str
    bbox: Box | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a reading, an item or a finding, with its evidence.

    `confidence` is None where nobody measured one; it is never invented.
    """

    fields: Mapping[str, JsonValue]
    bbox: Box | None = None
    source: Source = Source.MODEL
    confidence: float | None = None
    verified_by: tuple[Source, ...] = ()
    review: Review = Review.NONE


@dataclass(frozen=True, slots=True)
class Draft:
    """What an engine understood, before code has checked and computed anything.

    `extra` holds the task's own top-level values that are neither items nor findings (`answer`, `slots_total`).
    """

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    summary: str = ""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The checked answer to a task. `totals` holds what code computed (rates, counts, shares)."""

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    alerts: tuple[Alert, ...] = ()
    summary: str = ""
    totals: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()
    raw_text: str = ""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a task's finishing function may know beside the draft. `today` is the shop's date."""

    width: int
    height: int
    today: date
    lang: Lang = "zh"
    codes: tuple[Code, ...] = ()
    lines: tuple[TextLine, ...] = ()
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    question: str | None = None
    quality: Quality | None = None
    duplicate_of: str | None = None


Finish: TypeAlias = Callable[[Draft, Facts], Reading]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model picks its words. `temperature` 0 is greedy; an answer ends before the first of the `stop` strings."""

    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a model. `parts` are texts in their order; None is where the job's photo stands.

    A conversation holds the photo once.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One thing a scan can be asked: data, and a pure function that finishes the reading.

    `needs`: without these capabilities the task is unsupported. `wants`: without these it is partial. `schema` is the
    JSON Schema of what a model answers; empty: free text, nothing constrains it. `photos` is how many photos one scan of
    this task takes. `options` are the defaults, and `option_schema` the JSON Schema of each option (see
    `tasks.options`). `columns` are the fields of finished rows in the order in which they are shown; `kind` is never one,
    and none means: those of the schema.
    """

    id: str
    zh: str
    en: str
    about_zh: str
    about_en: str
    needs: frozenset[Capability]
    wants: frozenset[Capability]
    schema: Mapping[str, JsonValue]
    prompt_zh: str
    prompt_en: str
    finish: Finish
    pixel_budget: int = 1280 * 1024
    max_new_tokens: int = 1024
    photos: int = 1
    needs_question: bool = False
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    sampling: Sampling = Sampling()
    option_schema: Mapping[str, JsonValue] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Everything the task can make use of."""
        return self.needs | self.wants

    def name(self, lang: Lang) -> str:
        """The display name in a language."""
        return self.zh if lang == "zh" else self.en

    def prompt(self, lang: Lang) -> str:
        """The instruction for a model in a language."""
        return self.prompt_zh if lang == "zh" else self.prompt_en


@dataclass(frozen=True, slots=True)
class Plan:
    """How one engine goes about one task.

    `missing` names what the engine lacks for a full answer. `runs` is False where the engine need not be asked at all
    (codes and photo checks). Jobs with different `compatibility` never share a batch. `grid`: both sides of the prepared
    photo are multiples of it, in pixels, so that a model's own resizing has nothing left to do.
    """

    support: Support
    missing: tuple[Capability, ...]
    pixel_budget: int
    uses_codes: bool
    runs: bool = True
    compatibility: str = ""
    grid: int = 1


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


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A prepared scan on its way to the device. `deadline` is on the scheduler's clock (seconds), None for never.

    `on_text` hears each new piece of the model's answer, on the event loop, from engines that can give it as it comes; the
    pieces together are `Output.text`. A job that runs again, because its replica was lost, begins anew.
    """

    scan_id: str
    task: Task
    photo: Photo
    lang: Lang = "zh"
    question: str | None = None
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    priority: Priority = Priority.INTERACTIVE
    deadline: float | None = None
    client: str = ""
    compatibility: str = ""
    today: date = date.min
    messages: tuple[Message, ...] = ()
    on_text: Callable[[str], None] | None = None

    @property
    def tokens(self) -> int:
        """Visual tokens that the job costs."""
        return self.photo.visual_tokens

    @property
    def conversation(self) -> tuple[Message, ...]:
        """What a model is told: the job's own messages, else the photo, the task's prompt and the user's question."""
        if self.messages:
            return self.messages
        prompt = self.task.prompt(self.lang)
        if self.question:
            prompt = f"{prompt}\n{'问题：' if self.lang == 'zh' else 'Question: '}{self.question}"
        return (Message("user", (None, prompt)),)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Jobs that one replica runs together.

    An engine that works in steps calls `beat` at each, from any thread: it is not taken for hung while it does. One that
    knows an answer before the batch has ended may say so with `answered`, on the event loop; `run` gives it once more.
    """

    jobs: tuple[Job, ...]
    beat: Callable[[], None] = lambda: None
    answered: Callable[[Job, Output], None] = lambda _job, _output: None

    @property
    def tokens(self) -> int:
        """Visual tokens of all jobs."""
        return sum(job.tokens for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a model read and wrote."""

    visual: int = 0
    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """What an engine gives for one job: a draft (engines that apply rules) or raw text (models), never both."""

    draft: Draft | None = None
    text: str = ""
    lines: tuple[TextLine, ...] = ()
    tokens: Tokens | None = None
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Who answers."""

    name: str
    model: str
    version: str
    simulated: bool = False


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
