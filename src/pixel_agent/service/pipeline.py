"""The stages of one admitted scan: prefetch → photo → barcodes → batcher → pool → engine → reading.

`service.py` comes before: admission, shared runs, and records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from pixel_agent.core import FinishContext, Output, Photo, Plan, Quality, Reading, Scan, ScanRequest, Status, Support
from pixel_agent.engines.base import Engine
from pixel_agent.photo.barcodes.stage import BarcodeStage
from pixel_agent.photo.near_duplicates import RecentPhotos
from pixel_agent.photo.quality import localised
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.policy import RANK
from pixel_agent.scheduling.prefetch import Prefetch
from pixel_agent.service.progress import QueueWatch
from pixel_agent.service.run import ScanRun
from pixel_agent.service.timing import Stopwatch, cancel_and_wait
from pixel_agent.tasks.reading import read_output, retake


class Pipeline:
    """Runs one request through the stages. `on_photo` gets every decoded photo, for its record."""

    def __init__(
        self,
        photos: PhotoStage,
        barcodes: BarcodeStage,
        prefetch: Prefetch,
        batcher: Batcher,
        engine: Engine,
        *,
        grace_s: float,
        on_photo: Callable[[Photo], None],
    ) -> None:
        self._photos = photos
        self._barcodes = barcodes
        self._prefetch = prefetch
        self._batcher = batcher
        self._engine = engine
        self._grace_s = grace_s
        self._on_photo = on_photo
        self._queue_watch = QueueWatch(batcher.places)
        self._recent = RecentPhotos()

    async def scan(self, request: ScanRequest, plan: Plan, today: date) -> Scan:
        """From bytes to a finished scan. Raises what the stages raise."""
        run = ScanRun(request, plan, today)
        with await self._prefetch.take(request) as run.slot:
            run.watch.lap("queue")
            await self._prepare(run)
            # The device starts first, then the photo is assessed; an unreadable photo is cancelled milliseconds later.
            asking = asyncio.create_task(self._ask(run))
            asking.add_done_callback(lambda _: run.submitted.set())
            try:
                await run.submitted.wait()
                run.assessment = await run.assess()
                self._on_photo(run.photo)
                self._find_duplicate(run)
                if not run.unreadable:
                    await asking
                return self._read(run)
            finally:
                await cancel_and_wait(asking)

    async def chat(self, request: ScanRequest, plan: Plan, watch: Stopwatch) -> Output:
        """The model's answer to `request.messages`; neither the photo's quality nor the answer is checked."""
        run = ScanRun(request, plan, date.today(), watch)
        with await self._prefetch.take(request) as run.slot:
            run.watch.lap("queue")
            await self._prepare(run)
            await self._ask(run)
        return run.output

    async def _prepare(self, run: ScanRun) -> None:
        request, plan = run.request, run.plan
        run.progress.stage("photo")
        prepared = await self._photos.prepare(
            request.data,
            plan.pixel_budget,
            plan.grid,
            sha256=request.sha256,
            rank=RANK[request.spec.priority],
            client=request.spec.client,
        )
        run.photo, run.assess = prepared.photo, prepared.assess
        run.watch.lap("photo")

    async def _ask(self, run: ScanRun) -> None:
        """Read barcodes on the CPU while the device works; `submitted` is set as soon as the device has the scan."""
        plan = run.plan
        pending = self._barcodes.begin(run.photo, thorough=not plan.runs) if plan.uses_codes else None
        try:
            if plan.runs:
                await self._infer(run)
            run.submitted.set()
            if pending is not None:
                run.codes, notice = await self._barcodes.collect(pending, self._grace_s if plan.runs else None)
                run.notices = (notice,) if notice else ()
                run.watch.lap("evidence")
        except BaseException:
            if pending is not None:
                pending.cancel()
            raise

    async def _infer(self, run: ScanRun) -> None:
        """Wait in the queue, run on the device, and publish the progress of both."""
        scan_id, loop = run.request.scan_id, asyncio.get_running_loop()

        def on_start() -> None:
            run.watch.lap("queue")
            run.slot.release()
            self._queue_watch.leave(scan_id)
            run.progress.begin()

        self._queue_watch.follow(scan_id, run.request.on_event)
        try:
            # An idle replica wakes in this turn of the loop; work scheduled after that runs once it has started.
            run.output = await self._batcher.submit(run.job, on_start, lambda: loop.call_soon(run.submitted.set))
        finally:
            self._queue_watch.leave(scan_id)
        run.watch.lap("engine")
        run.progress.end(run.output.text)

    def _find_duplicate(self, run: ScanRun) -> None:
        photo, fingerprint, request = run.photo, run.assessment.fingerprint, run.request
        if not request.task.capabilities:  # only a photo check needs it: the search through the last photos takes time
            run.duplicate_of = self._recent.near(photo, fingerprint, request)
        self._recent.remember(photo, fingerprint, request)

    def _read(self, run: ScanRun) -> Scan:
        """Check the engine's output and finish the reading, or advise to take the photo again."""
        request, photo = run.request, run.photo
        quality = localised(run.assessment.quality, request.spec.lang)
        if run.unreadable:
            return self._finished(run, quality, Status.RETAKE_REQUIRED, retake(quality, request.spec.lang))
        run.progress.stage("reading")
        context = FinishContext(
            width=photo.width,
            height=photo.height,
            today=run.today,
            lang=request.spec.lang,
            codes=run.codes,
            lines=run.output.lines,
            options=request.spec.options,
            question=request.spec.question,
            quality=quality,
            duplicate_of=run.duplicate_of,
        )
        reading = read_output(run.output, request.task, context, self._engine.info, run.plan)
        reading = replace(reading, warnings=(*reading.warnings, *run.notices, *quality.advice))
        run.watch.lap("reading")
        whole = reading.complete and run.plan.support is Support.FULL
        scan = self._finished(run, quality, Status.COMPLETED if whole else Status.PARTIAL, reading)
        return replace(scan, tokens=run.output.tokens)

    def _finished(self, run: ScanRun, quality: Quality, status: Status, reading: Reading) -> Scan:
        request, photo = run.request, run.photo
        return Scan(
            scan_id=request.scan_id,
            status=status,
            spec=request.spec,
            task=request.task,
            engine=self._engine.info,
            reading=reading,
            timings=run.watch.laps,
            received_at=request.received_at,
            photo_sha256=photo.sha256,
            media_type=photo.media_type,
            width=photo.width,
            height=photo.height,
            quality=quality,
            captured_at=photo.captured_at,
            filename=request.filename,
        )
