"""The state of one scan in the pipeline: each stage stores its result for the next stages here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date

from pixel_agent.core import Assessment, Code, Draft, Job, Notice, Output, Photo, Plan, ScanRequest
from pixel_agent.photo.decoders import Assess
from pixel_agent.scheduling.prefetch import PrefetchSlot
from pixel_agent.service.progress import Progress
from pixel_agent.service.timing import Stopwatch

NO_OUTPUT = Output(Draft())
"""The output for a task that does not need the engine."""


@dataclass(slots=True, eq=False)
class ScanRun:
    """Owned by the pipeline. Each stage fills in its own field: `slot`, `photo`, `assessment`, `output`, `codes`.

    `submitted` is set once the device has the scan, or will certainly not get it. `today` is the shop's date.
    """

    request: ScanRequest
    plan: Plan
    today: date
    watch: Stopwatch = field(default_factory=Stopwatch)
    submitted: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = field(init=False)
    slot: PrefetchSlot = field(init=False)
    photo: Photo = field(init=False)
    assess: Assess = field(init=False)
    assessment: Assessment = field(init=False)
    output: Output = NO_OUTPUT
    codes: tuple[Code, ...] = ()
    notices: tuple[Notice, ...] = ()
    duplicate_of: str | None = None

    def __post_init__(self) -> None:
        self.progress = Progress(self.request.on_event)

    @property
    def unreadable(self) -> bool:
        """Whether the photo must be taken again: it is not readable, and the request does not force the scan."""
        request = self.request
        return bool(request.task.capabilities) and not (self.assessment.quality.readable or request.spec.force)

    @property
    def job(self) -> Job:
        """The scan as a job for the engine."""
        return Job(
            scan_id=self.request.scan_id,
            task=self.request.task,
            photo=self.photo,
            spec=self.request.spec,
            deadline=self.request.deadline,
            today=self.today,
            messages=self.request.messages,
            on_text=self.progress.on_text,
        )
