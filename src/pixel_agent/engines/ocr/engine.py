"""The `embedded` engine, which needs no GPU and no download: reads text on the CPU and interprets it with rules.

The barcodes stage reads codes separately. This engine sees nothing else in a photo than text, and its plan says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

import cv2
import numpy as np

from pixel_agent.core import (
    VISUAL_TOKEN_SIDE,
    Batch,
    Capability,
    Draft,
    EngineInfo,
    Job,
    Output,
    Plan,
    Point,
    Row,
    Source,
    Task,
    TextLine,
)
from pixel_agent.core.errors import EngineError, EngineUnavailable, PixelAgentError
from pixel_agent.core.settings import EmbeddedSettings
from pixel_agent.engines.base import Limits, plan_by_capability
from pixel_agent.engines.ocr.second_look import SOFT, better, wants_second_look
from pixel_agent.engines.ocr.text_reader import CLOSE, QUICK, DetectionSize, TextReader
from pixel_agent.tasks.rules.expiry import read_expiry
from pixel_agent.tasks.rules.page import Page, Reader
from pixel_agent.tasks.rules.places import read_storefront
from pixel_agent.tasks.rules.products import read_products
from pixel_agent.tasks.rules.promos import read_promos
from pixel_agent.tasks.rules.signs import read_signs
from pixel_agent.tasks.rules.tags import read_price_tags
from pixel_agent.tasks.rules.unread import unread_notices

MODEL = "PP-OCRv6-small"


def read_text(page: Page) -> Draft:
    """One verbatim item per line, for tasks without rules."""
    rows = (
        Row({"text": line.text}, bbox=line.box, source=Source.TEXT, confidence=line.confidence) for line in page.lines
    )
    return Draft(items=tuple(rows))


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "price_tag": read_price_tags,
        "product_full_scan": read_products,
        "expiry_check": read_expiry,
        "storefront_check": read_storefront,
        "promo_check": read_promos,
        "safety_check": read_signs,
    }
)
"""Task id → its rules; every other task gets `read_text`."""

DETECTION_SIZES: Mapping[str, DetectionSize] = MappingProxyType({"price_tag": QUICK})
"""Task id → image size for finding text, if it is not `CLOSE`."""


class EmbeddedEngine:
    """Reads text and applies the task's rules; capabilities TEXT and CODES.

    `readers`: task id → its rules; every other task gets one item per line (`read_text`). `currency`: the shop's, for
    prices without a currency sign or word; the scan's own option overrides it.
    """

    def __init__(
        self, settings: EmbeddedSettings, readers: Mapping[str, Reader] = READERS, currency: str | None = None
    ) -> None:
        self._settings = settings
        self._currency = currency
        self._readers = readers
        self._info = EngineInfo(
            "embedded", MODEL, f"rapidocr {_version('rapidocr')}, onnxruntime {_version('onnxruntime')}"
        )
        self._reader: TextReader | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded")

    @property
    def info(self) -> EngineInfo:
        """Name, models and version of this engine."""
        return self._info

    @property
    def limits(self) -> Limits:
        """The largest batch; its token limit is computed from items and resolution."""
        tokens = -(-self._settings.max_pixels // VISUAL_TOKEN_SIDE**2)
        # A prepared photo can be rounded up to one more row and column of tokens than its pixels need.
        return Limits(self._settings.max_items, self._settings.max_items * tokens * 5 // 4)

    @property
    def slo_s(self) -> float | None:
        """None: the response time depends on the machine."""
        return None

    def plan(self, task: Task) -> Plan:
        """Full or partial support by text and codes; photos are prepared at the resolution that text needs."""
        plan = plan_by_capability(task, frozenset({Capability.TEXT, Capability.CODES}))
        # The task's own budget is meant for a model's tokens; small print needs more pixels.
        return replace(plan, pixel_budget=self._settings.max_pixels) if plan.runs else plan

    async def start(self) -> None:
        """Load the models and read one small image, outside the event loop. Raises EngineUnavailable."""
        self._reader = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Read all photos of the batch together, then apply each task's rules; a batch can mix tasks."""
        reader = self._reader
        if reader is None:
            raise EngineUnavailable("The embedded engine has not been started.", "Start the service first.")
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, _answer, reader, self._readers, batch.jobs, self._currency
        )

    def forget(self, job: Job) -> None:
        """Do nothing: a batch cannot be stopped in part, so the job ends with the others."""

    async def stop(self) -> None:
        """Wait for a running batch, then release the models and the thread."""
        await asyncio.to_thread(self._thread.shutdown)
        self._reader = None

    def _load(self) -> TextReader:
        reader = TextReader(self._settings.threads, min_confidence=self._settings.min_confidence)
        sample = np.full((96, 320, 3), 255, np.uint8)
        cv2.putText(sample, "12.80", (30, 70), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
        reader.read([sample], DetectionSize(320))
        return reader


def _answer(
    reader: TextReader,
    readers: Mapping[str, Reader],
    jobs: Sequence[Job],
    currency: str | None = None,
    size: DetectionSize | None = None,
) -> list[Output | PixelAgentError]:
    """The answer to each job. Without `size`: each task's own size, and a second look at labels with missed dates."""
    sizes = [size or DETECTION_SIZES.get(job.task.id, CLOSE) for job in jobs]
    try:
        pages = reader.read([job.photo.pixels for job in jobs], sizes)
    except Exception as error:
        if len(jobs) == 1:
            return [_failure(error)]
        return [
            answer for job in jobs for answer in _answer(reader, readers, [job], currency, size)
        ]  # so that only the faulty photo fails
    answers = [
        _apply(readers.get(job.task.id, read_text), job, lines, unread, currency)
        for job, lines, unread in zip(jobs, pages, reader.unread, strict=True)
    ]
    again = [index for index, job in enumerate(jobs) if size is None and wants_second_look(job, answers[index])]
    if again:
        softly = _answer(reader, readers, [jobs[index] for index in again], currency, SOFT)
        for index, answer in zip(again, softly, strict=True):
            answers[index] = better(answers[index], answer)
    return answers


def _apply(
    rules: Reader, job: Job, lines: Sequence[TextLine], unread: Sequence[TextLine], currency: str | None
) -> Output | PixelAgentError:
    placed = tuple(_in_original(line, job.photo.scale) for line in lines)
    missed = tuple(_in_original(line, job.photo.scale) for line in unread)
    options = job.spec.options if currency is None else {"currency": currency, **job.spec.options}
    page = Page(placed, job.photo.width, job.photo.height, job.today, job.spec.lang, options, missed)
    try:
        draft = rules(page)
        return Output(draft=replace(draft, warnings=(*draft.warnings, *unread_notices(page))), lines=placed)
    except Exception as error:
        return _failure(error)


def _in_original(line: TextLine, scale: tuple[float, float]) -> TextLine:
    def place(point: Point) -> Point:
        return point[0] * scale[0], point[1] * scale[1]

    a, b, c, d = line.corners
    return replace(line, corners=(place(a), place(b), place(c), place(d)))


def _failure(error: Exception) -> PixelAgentError:
    if isinstance(error, PixelAgentError):
        return error
    failure = EngineError(f"The text of this photo could not be read: {error}", "Try another photo.")
    failure.__cause__ = error
    return failure


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
