"""Types for tasks: tasks as data, the capabilities they need, and an engine's plan for them."""

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
    """The urgency of a scan: a person waits (interactive), a program waits (normal), or it can wait (bulk)."""

    INTERACTIVE = "interactive"
    NORMAL = "normal"
    BULK = "bulk"


class Support(StrEnum):
    """How well an engine answers a task."""

    FULL = "full"
    PARTIAL = "partial"
    UNSUPPORTED = "unsupported"


class Capability(StrEnum):
    """A skill that an engine needs to answer a task."""

    CODES = "codes"
    TEXT = "text"
    OBJECTS = "objects"
    SCENE = "scene"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class FinishContext:
    """Input of a task's finishing function in addition to the draft. `today` is the shop's date."""

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
    """Sampling of a model. `temperature` 0 is greedy; an answer ends before the first of the `stop` strings."""

    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation with a model. `parts` are texts in order; None is the position of the job's photo.

    A conversation contains the photo once.
    """

    role: Literal["system", "user", "assistant"]
    parts: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One kind of scan: data, and a pure function that finishes the reading.

    `needs`: without these capabilities the task is unsupported. `wants`: without these it is partial. `schema` is the
    JSON Schema of a model's answer; empty: free text without constraints. `photos` is the number of photos for one scan
    of this task. `options` are the defaults, and `option_schema` the JSON Schema of each option (see `tasks.options`).
    `columns` are the fields of finished rows in display order; `kind` is never one of them; empty: the fields of the
    schema.
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
        """All capabilities that the task can use."""
        return self.needs | self.wants

    def name(self, lang: Lang) -> str:
        """The display name in a language."""
        return self.zh if lang == "zh" else self.en

    def prompt(self, lang: Lang) -> str:
        """The instruction for a model in a language."""
        return self.prompt_zh if lang == "zh" else self.prompt_en


@dataclass(frozen=True, slots=True)
class Plan:
    """An engine's plan for one task.

    `missing` names the capabilities that the engine lacks for a full answer. `runs` is False if the task does not need
    the engine (codes and photo checks). `grid`: both sides of the prepared photo are multiples of it, in pixels, so
    that the model's own resizing changes nothing.
    """

    support: Support
    missing: tuple[Capability, ...]
    pixel_budget: int
    uses_codes: bool
    runs: bool = True
    grid: int = 1
