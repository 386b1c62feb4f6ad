"""What a scan can be asked: tasks as data, what they need, and how an engine goes about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.photo import Code, Quality, TextLine
from pixel_agent.core.reading import Draft, Reading

Lang: TypeAlias = Literal["zh", "en"]


class Priority(StrEnum):
    """How urgent a scan is: a person waits for it, a program waits for it, or it may take its time."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


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
class FinishContext:
    """What a task's finishing function gets beside the draft. `today` is the shop's date."""

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


Finish: TypeAlias = Callable[[Draft, FinishContext], Reading]


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
    (codes and photo checks). `grid`: both sides of the prepared
    photo are multiples of it, in pixels, so that a model's own resizing has nothing left to do.
    """

    support: Support
    missing: tuple[Capability, ...]
    pixel_budget: int
    uses_codes: bool
    runs: bool = True
    grid: int = 1
