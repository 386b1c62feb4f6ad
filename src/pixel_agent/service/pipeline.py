"""The way of one scan through the stages: photo → evidence → batcher → pool → engine → reading.

`service.py` stands before it: who comes in, who shares a run, and what is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import TypeAlias

from pixel_agent.core import (
    Assessment,
    Code,
    Draft,
    Facts,
    Job,
    Notice,
    Output,
    Photo,
    Plan,
    Quality,
    Reading,
    Scan,
    ScanRequest,
    Status,
    Support,
)
from pixel_agent.engines.base import Engine
from pixel_agent.photo.barcodes.stage import Evidence
from pixel_agent.photo.near_duplicates import RecentPhotos
from pixel_agent.photo.quality import localised
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.policy import RANK
from pixel_agent.scheduling.prefetch import Lookahead, Place
from pixel_agent.service.progress import Progress, QueueWatch
from pixel_agent.service.timing import Stopwatch, let_go
from pixel_agent.tasks.reading import read_output, retake

Asked: TypeAlias = tuple[Output, tuple[Code, ...], tuple[Notice, ...]]
"""The engine's answer, the codes that were read, and what is to be said about them."""


class Scanner:
    """Takes one admitted request through the stages that the service has made. `on_photo` hears of every good photo."""

    def __init__(
        self,
        photos: PhotoStage,
        evidence: Evidence,
        lookahead: Lookahead,
        batcher: Batcher,
        engine: Engine,
        *,
        grace_s: float,
        on_photo: Callable[[Photo], None],
    ) -> None:
        self._photos = photos
        self._evidence = evidence
        self._lookahead = lookahead
        self._batcher = batcher
        self._engine = engine
        self._grace_s = grace_s
        self._on_photo = on_photo
        self._queue_watch = QueueWatch(batcher.places)
        self._recent = RecentPhotos()

    async def scan(self, request: ScanRequest, plan: Plan, today: date) -> Scan:
        """From bytes to a reading. Raises what the stages raise."""
        watch = Stopwatch()
        with await self._lookahead.take(request) as place:
            watch.lap("queue")
            photo = await self._prepare(request, plan, watch)
            # The device begins first, then the photo is assessed: an unreadable one is taken back milliseconds later.
            submitted = asyncio.Event()
            asking = asyncio.create_task(self._ask(request, plan, photo, today, watch, place, submitted))
            asking.add_done_callback(lambda _: submitted.set())
            try:
                await submitted.wait()
                assessment = await self._photos.assess(photo)
                self._on_photo(photo)
                return await self._read(request, plan, photo, assessment, asking, today, watch)
            finally:
                await let_go(asking)

    async def chat(self, request: ScanRequest, plan: Plan, watch: Stopwatch) -> Output:
        """What the model says to `request.messages`: neither gated nor checked."""
        with await self._lookahead.take(request) as place:
            watch.lap("queue")
            photo = await self._prepare(request, plan, watch)
            output, _, _ = await self._ask(request, plan, photo, date.today(), watch, place, asyncio.Event())
        return output

    async def _read(
        self,
        request: ScanRequest,
        plan: Plan,
        photo: Photo,
        assessment: Assessment,
        asking: asyncio.Task[Asked],
        today: date,
        watch: Stopwatch,
    ) -> Scan:
        quality = localised(assessment.quality, request.spec.lang)
        # Only a photo check asks for it, and looking through the last photos takes a while.
        duplicate = None if request.task.capabilities else self._recent.near(photo, assessment.fingerprint, request)
        self._recent.remember(photo, assessment.fingerprint, request)
        if not (quality.readable or request.spec.force or not request.task.capabilities):
            return self._finished(
                request, photo, quality, Status.RETAKE_REQUIRED, retake(quality, request.spec.lang), watch
            )
        output, codes, notices = await asking
        Progress(request.on_event).stage("reading")
        facts = Facts(
            width=photo.width,
            height=photo.height,
            today=today,
            lang=request.spec.lang,
            codes=codes,
            lines=output.lines,
            options=request.spec.options,
            question=request.spec.question,
            quality=quality,
            duplicate_of=duplicate,
        )
        reading = read_output(output, request.task, facts, self._engine.info, plan)
        reading = replace(reading, warnings=(*reading.warnings, *notices, *quality.advice))
        watch.lap("reading")
        whole = reading.complete and plan.support is Support.FULL
        status = Status.COMPLETED if whole else Status.PARTIAL
        return replace(self._finished(request, photo, quality, status, reading, watch), tokens=output.tokens)

    async def _prepare(self, request: ScanRequest, plan: Plan, watch: Stopwatch) -> Photo:
        Progress(request.on_event).stage("photo")
        rank = RANK[request.spec.priority]
        photo = await self._photos.prepare(request.data, plan.pixel_budget, plan.grid, sha256=request.sha256, rank=rank)
        watch.lap("photo")
        return photo

    async def _ask(
        self,
        request: ScanRequest,
        plan: Plan,
        photo: Photo,
        today: date,
        watch: Stopwatch,
        place: Place,
        submitted: asyncio.Event,
    ) -> Asked:
        """The engine's answer, and the codes that were read meanwhile; sets `submitted` as `_infer` does."""
        pending = self._evidence.begin(photo, thorough=not plan.runs) if plan.uses_codes else None
        try:
            output = Output(Draft())
            if plan.runs:
                output = await self._infer(request, photo, today, watch, place, submitted)
            submitted.set()
            if pending is None:
                return output, (), ()
            codes, notice = await self._evidence.collect(pending, self._grace_s if plan.runs else None)
            watch.lap("evidence")
            return output, codes, (notice,) if notice else ()
        except BaseException:
            if pending is not None:
                pending.cancel()
            raise

    async def _infer(
        self,
        request: ScanRequest,
        photo: Photo,
        today: date,
        watch: Stopwatch,
        place: Place,
        submitted: asyncio.Event,
    ) -> Output:
        """Through the queue and the engine, with progress; sets `submitted` once an idle engine has begun."""
        progress, loop = Progress(request.on_event), asyncio.get_running_loop()

        def on_start() -> None:
            watch.lap("queue")
            place.release()
            self._queue_watch.leave(request.scan_id)
            progress.begin()

        self._queue_watch.follow(request.scan_id, request.on_event)
        try:
            job = _job(request, photo, today, progress)
            # An idle replica is woken in this turn of the loop; what is scheduled behind that runs after it has begun.
            output = await self._batcher.submit(job, on_start, lambda: loop.call_soon(submitted.set))
        finally:
            self._queue_watch.leave(request.scan_id)
        watch.lap("engine")
        progress.end(output.text)
        return output

    def _finished(
        self, request: ScanRequest, photo: Photo, quality: Quality, status: Status, reading: Reading, watch: Stopwatch
    ) -> Scan:
        return Scan(
            scan_id=request.scan_id,
            status=status,
            spec=request.spec,
            task=request.task,
            engine=self._engine.info,
            reading=reading,
            timings=watch.laps,
            received_at=request.received_at,
            photo_sha256=photo.sha256,
            media_type=photo.media_type,
            width=photo.width,
            height=photo.height,
            quality=quality,
            captured_at=photo.captured_at,
            filename=request.filename,
        )


def _job(request: ScanRequest, photo: Photo, today: date, progress: Progress) -> Job:
    return Job(
        scan_id=request.scan_id,
        task=request.task,
        photo=photo,
        spec=request.spec,
        deadline=request.deadline,
        today=today,
        messages=request.messages,
        on_text=progress.on_text,
    )
