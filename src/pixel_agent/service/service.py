"""Builds and connects all stages; runs one scan from admission to the answer.

admission → result cache → `pipeline.py`: prefetch → photo → barcodes → batcher → pool → engine → reading → recorder
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from time import perf_counter

from pydantic import JsonValue

from pixel_agent.core import Output, Photo, Plan, Scan, ScanRequest, Status, Support, Task
from pixel_agent.core.errors import (
    Draining,
    EngineUnavailable,
    InvalidRequest,
    PixelAgentError,
    StoreUnavailable,
    TaskUnsupported,
    TooManyPhotos,
)
from pixel_agent.core.settings import Settings
from pixel_agent.engines.choice import engine_factories
from pixel_agent.jobs.execution import ScanRunner
from pixel_agent.jobs.persistence import Persistence
from pixel_agent.jobs.recorder import Recorder
from pixel_agent.photo.barcodes.stage import BarcodeStage
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.photo.thumbnails import Pictures
from pixel_agent.scheduling.admission import Admission, response_time
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.policy import DeviceSnapshot
from pixel_agent.scheduling.pool import Pool
from pixel_agent.scheduling.prefetch import Prefetch
from pixel_agent.schemas.stats import Stats
from pixel_agent.service.compare import compare_photos
from pixel_agent.service.metrics import Metrics
from pixel_agent.service.monitor import GpuSample, Monitor, OwnUse
from pixel_agent.service.pipeline import Pipeline
from pixel_agent.service.result_cache import ResultCache, identity, memory_bytes
from pixel_agent.service.stats import Parts, gauges, snapshot
from pixel_agent.service.timing import Stopwatch
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.options import check_options

log = logging.getLogger("pixel_agent.service.service")

PREFETCH_BATCHES = 3
"""Photos prepared ahead of the device, in full batches: one to run next, two for the scheduler to choose from."""
BACKGROUND_BATCHES = 2
"""Accepted scans that run at once, in full batches: one on the device, and one to run next."""


def build_service(settings: Settings, *, keep: bool = True) -> ScanService:
    """Build the service that the settings describe, without starting it; with `keep` false it records nothing.

    Raises ConfigurationError for a bad tasks file or database URL.
    """
    storage = Store(settings) if keep and settings.store.enabled else None
    return ScanService(settings, Catalogue.load(settings.tasks_file), storage)


class ScanService:
    """Accepts requests and returns scans. `start` and `stop` own every background task.

    `storage` is where scans are recorded; None: they are not recorded.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, storage: Store | None = None) -> None:
        factories = engine_factories(settings)
        self.settings = settings
        self.catalogue = catalogue
        self.monitor = Monitor(settings.monitor)
        self.photos = PhotoStage(settings.photo)
        self.pictures = Pictures(self.photos)
        self.barcodes = BarcodeStage(settings.evidence)
        self.pool = Pool(factories, settings.pool)
        self.engine = self.pool.engine
        slo_s = response_time(settings.admission, self.engine.slo_s)
        self.metrics = Metrics(lambda: gauges(self._parts))
        self.batcher = Batcher(self.pool, settings.scheduler, slo_s=slo_s, gpus=self._gpus, on_batch=self.metrics.batch)
        self.admission = Admission(settings.admission, self.batcher.forecast, _loop_time, slo_s)
        self.cache: ResultCache[Scan] = ResultCache(settings.cache, memory_bytes, perf_counter)
        full_batches = self.engine.limits.max_items * len(factories)
        runner = ScanRunner(
            self.read, self.admission, catalogue.find, self.check_ready, BACKGROUND_BATCHES * full_batches
        )
        self._persistence = None if storage is None else Persistence(storage, runner, settings, self.photos)
        self._pipeline = Pipeline(
            self.photos,
            self.barcodes,
            Prefetch(PREFETCH_BATCHES * full_batches),
            self.batcher,
            self.engine,
            grace_s=settings.evidence.grace_s,
            on_photo=_ignore if self._persistence is None else self._persistence.recorder.photo,
        )
        self._own_use: dict[str, OwnUse] = {}
        self._starting: asyncio.Task[None] | None = None
        self._parts = Parts(
            settings=settings,
            pool=self.pool,
            batcher=self.batcher,
            admission=self.admission,
            cache=self.cache,
            photos=self.photos,
            metrics=self.metrics,
            monitor=self.monitor,
            persistence=self._persistence,
        )

    # One scan

    async def scan(self, request: ScanRequest) -> Scan:
        """Scan one photo for one task, and record the scan if recording is on. The caller has been admitted.

        Raises TaskUnsupported, an InvalidPhoto, DeadlineExceeded, or an EngineError; the last two are recorded too.
        """
        if self._persistence is None:
            return await self.read(request)
        recorder = self._persistence.recorder
        try:
            scan = await self.read(request)
        except PixelAgentError as error:
            recorder.failed(request, error)
            raise
        return await self._recorded(request, scan, recorder)

    async def read(self, request: ScanRequest) -> Scan:
        """As `scan`, without a record. The timings are final, so that the later record equals the answer."""
        watch = Stopwatch()
        with self._failures_counted():
            scan = await self._cached(request)
        scan = replace(scan, timings={**({} if scan.shared else scan.timings), "total": watch.total_ms})
        self.metrics.answered(scan.task.id, scan.status.value, scan.timings)
        return scan

    async def _cached(self, request: ScanRequest) -> Scan:
        """From the cache, from an identical running scan, or from a new run."""
        plan = self.plan(request.task)
        check_options(request.task, request.spec.options)
        today = _today(request.spec.options)
        if request.task.photos != 1:
            raise TooManyPhotos(
                f"{request.task.id} takes {request.task.photos} photos; one came.",
                "Send them together to /v1/scans in the field 'photos'.",
            )
        if request.fresh:
            return await self._pipeline.scan(request, plan, today)
        # A scan with a subscriber joins no other run: text published earlier could not be repeated to it.
        together = request.spec.priority if request.on_event is None else request.scan_id
        scan, shared = await self.cache.share(
            identity(request, today), together, lambda: self._pipeline.scan(request, plan, today)
        )
        return replace(
            scan,
            scan_id=request.scan_id,
            spec=request.spec,
            filename=request.filename,
            received_at=request.received_at,
            shared=shared,
        )

    async def _recorded(self, request: ScanRequest, scan: Scan, recorder: Recorder) -> Scan:
        began = perf_counter()
        scan = await recorder.keep(request, scan)
        self.metrics.stage("store", perf_counter() - began)
        return scan

    async def chat(self, request: ScanRequest) -> Output:
        """The model's answer to `request.messages`, unchanged: not assessed, not shared, not checked.

        The caller has been admitted. Raises what `scan` raises.
        """
        watch = Stopwatch()
        with self._failures_counted():
            output = await self._pipeline.chat(request, self.plan(request.task), watch)
        self.metrics.answered(request.task.id, Status.COMPLETED.value, {**watch.laps, "total": watch.total_ms})
        return output

    async def compare(self, requests: Sequence[ScanRequest]) -> Scan:
        """Compare two photos: what was resolved, remains or is new. Records the comparison and both scans.

        Raises what `compare_photos` raises.
        """
        scan = replace(await compare_photos(requests, self.catalogue, self.scan), scan_id=uuid.uuid4().hex)
        if self._persistence is None:
            return scan
        return await self._persistence.recorder.keep(replace(requests[1], scan_id=scan.scan_id), scan)

    @contextmanager
    def _failures_counted(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.metrics.failed(error.code if isinstance(error, PixelAgentError) else "cancelled")
            raise

    # Persistence

    @property
    def persistent(self) -> bool:
        """Whether scans are recorded here."""
        return self._persistence is not None

    @property
    def persistence(self) -> Persistence:
        """The part that records scans and runs queued ones. Raises StoreUnavailable if `store.enabled` is false."""
        if self._persistence is None:
            raise StoreUnavailable("Nothing is kept here: store.enabled is false.", "Ask a server that keeps scans.")
        return self._persistence

    @property
    def storage(self) -> Store:
        """Records and photos. Raises StoreUnavailable if `store.enabled` is false."""
        return self.persistence.storage

    def plan(self, task: Task) -> Plan:
        """The engine's plan for a task. Raises TaskUnsupported, naming the engines that can answer it."""
        plan = self.engine.plan(task)
        if plan.support is Support.UNSUPPORTED:
            raise TaskUnsupported(
                f"The engine {self.engine.info.name} cannot answer {task.id} ({task.zh}): it lacks "
                f"{', '.join(plan.missing)}.",
                "Engines that run the vision-language model can: transformers, openai, vllm. See docs/tasks.md.",
            )
        return plan

    # Start and end

    async def start(self) -> None:
        """Start every part; the engine warms up in the background: see `until_ready`."""
        self.monitor.start()
        self.photos.start()
        self._starting = asyncio.create_task(self.batcher.start())
        self._starting.add_done_callback(_log_failed_start)
        if self._persistence is not None:
            await self._persistence.start()

    async def until_ready(self) -> None:
        """Wait for the engine. Raises EngineUnavailable with advice."""
        if self._starting is not None:
            await asyncio.shield(self._starting)

    def check_ready(self) -> None:
        """Raise EngineUnavailable or Draining, with the reason, if scans cannot be answered now."""
        starting = self._starting
        if starting is None or not starting.done():
            raise EngineUnavailable("The engine is warming up.", "Ask again in a moment.")
        error = None if starting.cancelled() else starting.exception()
        if isinstance(error, PixelAgentError):
            raise type(error)(error.message, error.advice)
        if self.admission.draining:
            raise Draining("The server is stopping.", "Use another one.")
        if error is not None or not self.batcher.healthy or not self.pool.ready:
            raise EngineUnavailable("The engine is down; it is being started again.", "Ask again in a moment.")

    def close_admission(self) -> None:
        """Admit no more requests; scans inside continue."""
        self.admission.drain()

    async def stop(self) -> None:
        """Finish the admitted scans within `server.drain_timeout_s`, then end every thread and task."""
        self.admission.drain()
        if self._persistence is not None:
            await self._persistence.worker.stop(self.settings.server.drain_timeout_s)
        if self._starting is not None:
            if not self._starting.done():
                self._starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._starting
            await self.batcher.drain(self.settings.server.drain_timeout_s)
        await self.batcher.stop()
        await self.barcodes.close()
        await self.pictures.close()
        await self.photos.close()
        await asyncio.to_thread(self.monitor.stop)
        if self._persistence is not None:
            await self._persistence.stop()

    # What operators see

    def stats(self) -> Stats:
        """The current state of every part; cheap enough for once a second and many subscribers."""
        return snapshot(self._parts)

    async def annotated(self, scan: Scan, data: bytes) -> bytes:
        """The photo of a scan as a JPEG of full size with boxes and labels."""
        return await self.pictures.annotated(data, [*scan.reading.items, *scan.reading.findings], side=None)

    def _gpus(self) -> Mapping[str, DeviceSnapshot]:
        """The monitor's latest sample of each GPU, by UUID."""
        sample = self.monitor.latest
        return {gpu.uuid: self._gpu(gpu, sample.time) for gpu in sample.gpus}

    def _gpu(self, gpu: GpuSample, time: float) -> DeviceSnapshot:
        own = self._own_use.setdefault(gpu.uuid, OwnUse())
        return DeviceSnapshot(gpu.free_memory_bytes, gpu.utilisation, own.share(time, self.pool.busy_s(gpu.uuid)))


def _ignore(_: Photo) -> None:
    """Do nothing: this service records no photos."""


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _log_failed_start(starting: asyncio.Task[None]) -> None:
    if not starting.cancelled() and starting.exception() is not None:
        log.error("the engine did not start: %s", starting.exception())


def _today(options: Mapping[str, JsonValue]) -> date:
    """The shop's date: `options.today`, else this machine's. Raises InvalidRequest."""
    given = options.get("today")
    if given is None:
        return date.today()
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise InvalidRequest(
            f"options.today is not a date: {str(given)[:40]!r}.", "Write it like 2026-11-22."
        ) from None
