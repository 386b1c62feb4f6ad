"""Input and output of an engine: jobs, batches and outputs. The scheduler makes the batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from pixel_agent.core.photo import Photo, TextLine
from pixel_agent.core.reading import Draft
from pixel_agent.core.spec import ScanSpec
from pixel_agent.core.task import Message, Task


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A prepared scan for the device. `deadline` is on the scheduler's clock (seconds), None for no deadline.

    `on_text` gets each new piece of the model's answer, on the event loop, from engines that can stream; the pieces
    joined are `Output.text`. A job that runs again after its replica failed starts a new answer.
    """

    scan_id: str
    task: Task
    photo: Photo
    spec: ScanSpec
    deadline: float | None = None
    today: date = date.min
    messages: tuple[Message, ...] = ()
    on_text: Callable[[str], None] | None = None

    @property
    def tokens(self) -> int:
        """Visual tokens of the job's photo."""
        return self.photo.visual_tokens

    @property
    def conversation(self) -> tuple[Message, ...]:
        """The input of a model: the job's own messages, else the photo, the task's prompt and the user's question."""
        if self.messages:
            return self.messages
        lang, question = self.spec.lang, self.spec.question
        prompt = self.task.prompt(lang)
        if question:
            prompt = f"{prompt}\n{'问题：' if lang == 'zh' else 'Question: '}{question}"
        return (Message("user", (None, prompt)),)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Jobs that one replica runs together.

    An engine that works in steps calls `beat` at each step, from any thread; while it does, the watchdog does not treat
    it as hung. An engine that has an answer before the batch ends can publish it with `answered`, on the event loop;
    `run` returns the same answer again.
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
    """Numbers of tokens that a model read and wrote."""

    visual: int = 0
    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """An engine's result for one job: a draft (engines that apply rules) or raw text (models), never both."""

    draft: Draft | None = None
    text: str = ""
    lines: tuple[TextLine, ...] = ()
    tokens: Tokens | None = None
    finish_reason: str = "stop"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Name and version of an engine and its model."""

    name: str
    model: str
    version: str
    simulated: bool = False
