"""Composition: the one file that makes every stage, and what stands around a scan: who comes in, who shares, what is kept.

admission → coalesce → `scanning.py`: photo → evidence → batcher → pool → engine → reading → recorder → the answer
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import date
from time import perf_counter

from pydantic import JsonValue

from pixel_agent.core import Output, Plan, Priority, Scan, ScanRequest, Status, Support, Task
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
from pixel_agent.jobs.execution import Flow
from pixel_agent.jobs.ingest import Intake
from pixel_agent.jobs.recorder import Recorder
from pixel_agent.jobs.webhooks.dispatcher import WebhookSender
from pixel_agent.jobs.worker import Runner
from pixel_agent.photo.annotate import annotate
from pixel_agent.photo.barcodes.stage import Evidence
from pixel_agent.photo.stage import PhotoStage, prepare
from pixel_agent.photo.thumbnails import Pictures
from pixel_agent.scheduling.admission import Admission, Ticket, response_time
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.policy import RANK, DeviceSnapshot
from pixel_agent.scheduling.pool import Pool
from pixel_agent.scheduling.prefetch import Lookahead
from pixel_agent.schemas.stats import Stats
from pixel_agent.service.compare import compare_photos
from pixel_agent.service.metrics import Metrics
from pixel_agent.service.monitor import Monitor, OwnUse
from pixel_agent.service.pipeline import Scanner
from pixel_agent.service.result_cache import Coalescer, identity, kept_bytes
from pixel_agent.service.stats import Parts, gauges, snapshot
from pixel_agent.service.timing import Stopwatch
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.options import check_options

log = logging.getLogger("pixel_agent.service.service")

LOOKAHEAD_BATCHES = 3
"""Photos prepared ahead of the device, in full batches: one to go next, two for the scheduler to choose from."""
BACKGROUND_BATCHES = 2
"""Accepted scans that run in the background, in full batches: one on the device, and one to go next."""


def build_service(settings: Settings, *, keep: bool = True) -> ScanService:
    """The service that the settings describe, not started; without `keep` it records nothing, whatever they say.

    Raises ConfigurationError for a bad tasks file or database URL.
    """
    store = Store(settings) if keep and settings.store.enabled else None
    return ScanService(settings, Catalogue.load(settings.tasks_file), store)


class ScanService:
    """Takes scans in, gives readings out. `start` and `stop` own every background task.

    `store` keeps records and photos; None: nothing is kept.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, store: Store | None = None) -> None:
        factories = engine_factories(settings)
        self.settings = settings
        self.store = store
        self.recorder = Recorder(store) if store is not None else None
        self.catalogue = catalogue
        self.monitor = Monitor(settings.monitor)
        self.photos = PhotoStage(settings.photo)
        self.pictures = Pictures(settings.photo)
        self.evidence = Evidence(settings.evidence)
        self.pool = Pool(factories, settings.pool)
        self.engine = self.pool.engine
        slo_s = response_time(settings.admission, self.engine.slo_s)
        self.metrics = Metrics(lambda: gauges(self._parts))
        self.batcher = Batcher(
            self.pool, settings.scheduler, slo_s=slo_s, device=self._device, on_batch=self.metrics.batch
        )
        self.admission = Admission(settings.admission, self.batcher.forecast, _loop_time, slo_s)
        self.coalescer: Coalescer[Scan] = Coalescer(settings.cache, kept_bytes, perf_counter)
        full_batches = self.engine.limits.max_items * len(factories)
        self._scanner = Scanner(
            self.photos,
            self.evidence,
            Lookahead(LOOKAHEAD_BATCHES * full_batches),
            self.batcher,
            self.engine,
            grace_s=settings.evidence.grace_s,
            on_photo=self.recorder.photo if self.recorder is not None else lambda _: None,
        )
        self._own_use = OwnUse()
        self._parts = Parts(
            settings=settings,
            pool=self.pool,
            batcher=self.batcher,
            admission=self.admission,
            coalescer=self.coalescer,
            photos=self.photos,
            metrics=self.metrics,
            monitor=self.monitor,
            store=self.store,
            recorder=self.recorder,
        )
        self._starting: asyncio.Task[None] | None = None
        flow = Flow(self.read, self.admission, catalogue.find, self.check_ready, BACKGROUND_BATCHES * full_batches)
        self.runner = Runner(store, flow, settings) if store is not None else None
        self._intake = Intake(store, settings.photo) if store is not None else None
        self.webhooks = WebhookSender(store.db, settings.webhooks, store.notifier) if store is not None else None

    # One scan

    async def scan(self, request: ScanRequest) -> Scan:
        """One photo, one task, one reading, recorded where scans are kept. The caller holds an admission ticket.

        Raises TaskUnsupported, an InvalidPhoto, DeadlineExceeded, or an EngineError; the last two are recorded too.
        """
        if self.recorder is None:
            return await self.read(request)
        try:
            scan = await self._timed(request)
        except PixelAgentError as error:
            self.recorder.failed(request, error)
            raise
        return self._counted(await self.recorder.keep(request, scan))

    async def read(self, request: ScanRequest) -> Scan:
        """The same without a record: for those who keep one themselves."""
        return self._counted(await self._timed(request))

    async def _timed(self, request: ScanRequest) -> Scan:
        watch = Stopwatch()
        with self._failures_counted():
            scan = await self._shared(request)
        return replace(scan, timings={**({} if scan.shared else scan.timings), "total": watch.total_ms})

    def _counted(self, scan: Scan) -> Scan:
        self.metrics.answered(scan.task.id, scan.status.value, scan.timings)
        return scan

    async def chat(self, request: ScanRequest) -> Output:
        """What the model says to `request.messages`: its own words, neither gated, nor shared, nor checked.

        The caller holds an admission ticket. Raises what `scan` raises.
        """
        watch = Stopwatch()
        with self._failures_counted():
            output = await self._scanner.chat(request, self.plan(request.task), watch)
        self.metrics.answered(request.task.id, Status.COMPLETED.value, {**watch.laps, "total": watch.total_ms})
        return output

    @contextmanager
    def _failures_counted(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.metrics.failed(error.code if isinstance(error, PixelAgentError) else "cancelled")
            raise

    async def _shared(self, request: ScanRequest) -> Scan:
        plan = self.plan(request.task)
        check_options(request.task, request.spec.options)
        today = _today(request.spec.options)
        if request.task.photos != 1:
            raise TooManyPhotos(
                f"{request.task.id} takes {request.task.photos} photos; one came.",
                "Send them together to /v1/scans in the field 'photos'.",
            )
        if request.fresh:
            return await self._scanner.scan(request, plan, today)
        key = identity(request, today)
        # A scan that is told while it runs joins no other, for its words cannot be told from the middle on.
        together = request.spec.priority if request.on_event is None else request.scan_id
        scan, shared = await self.coalescer.share(key, together, lambda: self._scanner.scan(request, plan, today))
        return replace(
            scan,
            scan_id=request.scan_id,
            spec=request.spec,
            filename=request.filename,
            received_at=request.received_at,
            shared=shared,
        )

    async def compare(self, requests: Sequence[ScanRequest]) -> Scan:
        """Two photos, before and after: what was resolved, remains or is new; recorded, and both scans as well.

        Raises what `compare_photos` raises.
        """
        scan = replace(await compare_photos(requests, self.catalogue, self.scan), scan_id=uuid.uuid4().hex)
        if self.recorder is not None:
            scan = await self.recorder.keep(replace(requests[1], scan_id=scan.scan_id), scan)
        return scan

    # Kept

    @property
    def kept(self) -> Store:
        """The store. Raises StoreUnavailable where `store.enabled` is false."""
        if self.store is None:
            raise _nothing_kept()
        return self.store

    @property
    def background(self) -> Runner:
        """What runs accepted scans. Raises StoreUnavailable where `store.enabled` is false."""
        if self.runner is None:
            raise _nothing_kept()
        return self.runner

    @property
    def intake(self) -> Intake:
        """What keeps scans for later. Raises StoreUnavailable where `store.enabled` is false."""
        if self._intake is None:
            raise _nothing_kept()
        return self._intake

    # Coming in

    def plan(self, task: Task) -> Plan:
        """How the engine goes about a task. Raises TaskUnsupported, naming the engines that can."""
        plan = self.engine.plan(task)
        if plan.support is Support.UNSUPPORTED:
            raise TaskUnsupported(
                f"The engine {self.engine.info.name} cannot answer {task.id} ({task.zh}): it lacks "
                f"{', '.join(plan.missing)}.",
                "Engines that run the vision-language model can: transformers, openai, vllm. See docs/tasks.md.",
            )
        return plan

    def admit(self, size_bytes: int | None, priority: Priority, client: str = "") -> Ticket:
        """Come in before the request is read, as far as it is known. Raises Refused."""
        return self.admission.enter(size_bytes, priority, client=client)

    @contextmanager
    def admit_all(self, ticket: Ticket, requests: Sequence[ScanRequest]) -> Iterator[None]:
        """Exchange the ticket of a request that has now been read for one ticket a scan. Raises Refused."""
        first, *others = requests
        with ExitStack() as stack:
            if ticket.rank == RANK[first.spec.priority] and first.deadline is None and not ticket.parked:
                ticket.resize(len(first.data))
                ticket.keep()
            else:
                ticket.release(answered=False)
                others = [first, *others]
            for request in others:
                stack.enter_context(self.admission.enter_for(request))
            yield

    # Start and end

    async def start(self) -> None:
        """Begin to work. The engine warms up meanwhile: see `until_ready`."""
        self.monitor.start()
        self._starting = asyncio.create_task(self.batcher.start())
        self._starting.add_done_callback(_log_failed_start)
        if self.store is not None and self.recorder is not None:
            await self.store.open()
            self.recorder.start()
        if self.runner is not None:
            self.runner.start()
        if self.webhooks is not None:
            self.webhooks.start()

    async def until_ready(self) -> None:
        """Wait for the engine. Raises EngineUnavailable with the way out."""
        if self._starting is not None:
            await asyncio.shield(self._starting)

    def check_ready(self) -> None:
        """Raise EngineUnavailable or Draining with the reason unless scans are taken and answered."""
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
        """Let nobody in any more; what is inside goes on."""
        self.admission.drain()

    async def stop(self) -> None:
        """Finish what is inside within `server.drain_timeout_s`, then end every thread and task."""
        self.admission.drain()
        if self.runner is not None:
            await self.runner.stop(self.settings.server.drain_timeout_s)
        if self._starting is not None:
            if not self._starting.done():
                self._starting.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._starting
            await self.batcher.drain(self.settings.server.drain_timeout_s)
        await self.batcher.stop()
        await self.evidence.close()
        await self.photos.close()
        await self.pictures.close()
        await asyncio.to_thread(self.monitor.stop)
        if self.store is not None and self.recorder is not None:
            await self.recorder.stop()
            if self.webhooks is not None:
                await self.webhooks.stop()
            await self.store.close()

    # Beside the flow

    def stats(self) -> Stats:
        """The state of every part now; cheap enough for once a second and many listeners."""
        return snapshot(self._parts)

    def annotated(self, scan: Scan, data: bytes) -> bytes:
        """The photo of a scan as a JPEG with boxes and labels; blocks."""
        photo = prepare(data, self.settings.photo.max_pixels, self.settings.photo)
        return annotate(photo.pixels, [*scan.reading.items, *scan.reading.findings], scale=photo.scale)

    def _device(self) -> DeviceSnapshot:
        """What the policy may know of the GPUs; nothing where there are none."""
        sample = self.monitor.latest
        if not sample.gpus:
            return DeviceSnapshot()
        busy_s = sum(replica.busy_s for replica in self.pool.stats()) / len(self.pool.replicas)
        return DeviceSnapshot(
            free_memory_bytes=sample.free_gpu_memory_bytes,
            utilisation=sample.gpu_utilisation,
            own_utilisation=self._own_use.share(sample, busy_s),
        )


def _nothing_kept() -> StoreUnavailable:
    return StoreUnavailable("Nothing is kept here: store.enabled is false.", "Ask a server that keeps scans.")


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
