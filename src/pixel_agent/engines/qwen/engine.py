"""The `transformers` engine: runs Ostrakon-VL or any Qwen3-VL in this process, on CUDA, Apple's GPUs or the CPU.

All work on the model runs on one dedicated thread, because the model stores positions as state. PyTorch is imported
only when the engine starts, so that asking this file for the engine's capabilities costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from pixel_agent.core import VISUAL_TOKEN_SIDE, Batch, Capability, EngineInfo, Job, Output, Plan, Task
from pixel_agent.core.errors import EngineUnavailable, PixelAgentError
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.base import Limits, plan_by_capability

if TYPE_CHECKING:
    from pixel_agent.engines.qwen.loading import Loaded
    from pixel_agent.engines.qwen.model import QwenModel

log = logging.getLogger("pixel_agent.transformers")

CAPABILITIES = frozenset(Capability)
NEEDED = ("torch", "transformers", "accelerate")
ROW_TOKENS = 2048
"""Tokens planned for a row's prompt and answer when batch limits are computed from memory; photos are added to this."""


class TransformersEngine:
    """One model on one device. `loading` is a lock so that engines of one process do not choose a device at once.

    `load` loads the model (default: from the folder or hub name in the settings).
    """

    def __init__(
        self,
        settings: TransformersSettings,
        loading: threading.Lock | None = None,
        load: Callable[[TransformersSettings], Loaded] | None = None,
    ) -> None:
        self._settings = settings
        self._bring = load
        self._loading = loading or threading.Lock()
        name = Path(settings.model).name if Path(settings.model).exists() else settings.model
        libraries = ", ".join(f"{package} {_version(package)}" for package in ("torch", "transformers"))
        self._info = EngineInfo("transformers", name, libraries)
        self._limits = Limits(settings.max_items, settings.max_tokens or settings.max_items * self._tokens_of_a_photo)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="transformers")
        self._model: QwenModel | None = None
        self._running: frozenset[Job] = frozenset()
        self._forgotten: set[Job] = set()

    @property
    def info(self) -> EngineInfo:
        """Name, model and version of this engine."""
        return self._info

    @property
    def limits(self) -> Limits:
        """The largest batch: from the settings, and after loading also limited by the device's free memory."""
        return self._limits

    @property
    def slo_s(self) -> float | None:
        """None: the response time depends on the device."""
        return None

    @property
    def model(self) -> QwenModel | None:
        """The loaded model, for benchmarks; None if it is not loaded."""
        return self._model

    def plan(self, task: Task) -> Plan:
        """Full support for every task, at the model's input size."""
        return plan_by_capability(task, CAPABILITIES, pixel_budget=self._settings.max_pixels, grid=VISUAL_TOKEN_SIDE)

    async def start(self) -> None:
        """Load the model and generate a few words, outside the event loop. Raises EngineUnavailable with the fix."""
        missing = [package for package in NEEDED if find_spec(package) is None]
        if missing:
            raise EngineUnavailable(
                f"The engine transformers needs packages that are not installed: {', '.join(missing)}.",
                "Run `pip install 'pixel-agent[transformers]'`, or choose --engine embedded.",
            )
        self._model = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        self._limits = self._reckon(self._model)

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Generate all answers together; tasks, sizes, schemas and lengths can differ. Raises OutOfMemory."""
        model = self._model
        if model is None:
            raise EngineUnavailable("The engine transformers has not been started.", "Start the service first.")
        loop = asyncio.get_running_loop()
        forgotten: set[Job] = set()
        jobs = [_on_loop(job, loop, forgotten) for job in batch.jobs]
        twins = dict(zip(jobs, batch.jobs, strict=True))
        self._running, self._forgotten = frozenset(batch.jobs), forgotten

        def wanted(job: Job) -> bool:
            batch.beat()  # asked before each step
            return twins[job] not in forgotten

        def answered(job: Job, output: Output) -> None:
            loop.call_soon_threadsafe(batch.answered, twins[job], output)

        try:
            return await loop.run_in_executor(self._thread, model.answer, jobs, wanted, answered)
        finally:
            forgotten.update(batch.jobs)  # if the call was cancelled, the thread ends at its next step
            self._running = frozenset()

    def forget(self, job: Job) -> None:
        """End the job's row at the next step."""
        if job in self._running:
            self._forgotten.add(job)

    async def stop(self) -> None:
        """End running rows at their next step, then release the model and the device's memory."""
        self._forgotten.update(self._running)
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        model, self._model = self._model, None
        if model is not None:
            await asyncio.to_thread(model.release)

    def _load(self) -> QwenModel:
        log.info("event=model_loading stage=packages percent=0")  # importing them takes seconds
        from pixel_agent.engines.qwen.loading import load
        from pixel_agent.engines.qwen.model import QwenModel

        with self._loading:
            return QwenModel(self._settings, (self._bring or load)(self._settings))

    @property
    def _tokens_of_a_photo(self) -> int:
        # A photo smaller than the budget can be rounded up to one more row and column of tokens.
        return -(-self._settings.max_pixels // VISUAL_TOKEN_SIDE**2) * 5 // 4

    def _reckon(self, model: QwenModel) -> Limits:
        """Compute the batch limits: as many rows as fit in memory with their answers, the rest of it for photos."""
        room = model.room_tokens
        items = max(1, min(self._settings.max_items, room // (ROW_TOKENS + self._tokens_of_a_photo // 4)))
        photos = max(self._tokens_of_a_photo, room - items * ROW_TOKENS)
        most = self._settings.max_tokens or items * self._tokens_of_a_photo
        return Limits(items, min(most, photos), reckons_memory=True, gpu=model.gpu)


def transformers_factory(settings: TransformersSettings) -> Callable[[], TransformersEngine]:
    """Return a factory of engines that load one after another, each on the device with the most free memory then."""
    loading = threading.Lock()
    return lambda: TransformersEngine(settings, loading)


def has_cuda() -> bool:
    """Whether the model can run on a GPU of this machine; imports PyTorch only if there is a driver."""
    if which("nvidia-smi") is None and not Path("/dev/nvidiactl").exists():
        return False
    if any(find_spec(package) is None for package in NEEDED):
        return False
    import torch

    return torch.cuda.is_available()


def _on_loop(job: Job, loop: asyncio.AbstractEventLoop, forgotten: set[Job]) -> Job:
    """Copy the job so that its listener is called on the event loop, from any thread, until the job is forgotten."""
    listener = job.on_text
    if listener is None:
        return replace(job)

    def tell(text: str) -> None:
        if job not in forgotten:
            listener(text)

    def hand_over(text: str) -> None:
        loop.call_soon_threadsafe(tell, text)

    return replace(job, on_text=hand_over)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
