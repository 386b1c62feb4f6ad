"""The model in this process: Ostrakon-VL, or any Qwen3-VL, on CUDA, Apple's GPUs or the CPU.

Everything that touches the model happens on one thread of its own: positions are state of the model. PyTorch is
imported when the engine starts, so that this file costs nothing where it is only asked what it can do.
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
"""Room that a row's prompt and answer get when batches are reckoned from memory; photos come on top."""


class TransformersEngine:
    """One model on one device. `loading` keeps engines of one process from choosing the same device at once.

    `load` (default: from the settings' folder or hub) brings the model.
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
        """Who answers."""
        return self._info

    @property
    def limits(self) -> Limits:
        """The largest batch: the settings', and once the model is loaded what the device has room for."""
        return self._limits

    @property
    def slo_s(self) -> float | None:
        """No promise: it depends on the device."""
        return None

    @property
    def model(self) -> QwenModel | None:
        """The model while it is loaded; for measuring."""
        return self._model

    def plan(self, task: Task) -> Plan:
        """Every task in full, at the size that the model sees."""
        return plan_by_capability(task, CAPABILITIES, pixel_budget=self._settings.max_pixels, grid=VISUAL_TOKEN_SIDE)

    async def start(self) -> None:
        """Load the model and write a few words, off the loop. Raises EngineUnavailable with the way out."""
        missing = [package for package in NEEDED if find_spec(package) is None]
        if missing:
            raise EngineUnavailable(
                f"The engine transformers needs packages that are not installed: {', '.join(missing)}.",
                "Run `pip install 'pixel-agent[transformers]'`, or choose --engine embedded.",
            )
        self._model = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        self._limits = self._reckon(self._model)

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Write all answers together; tasks, sizes, schemas and lengths may differ. Raises OutOfMemory."""
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
        """The row ends at the next step."""
        if job in self._running:
            self._forgotten.add(job)

    async def stop(self) -> None:
        """End what runs at its next step, then release the model and the device's memory."""
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
        # A photo smaller than the budget may round up to one more row and column of tokens.
        return -(-self._settings.max_pixels // VISUAL_TOKEN_SIDE**2) * 5 // 4

    def _reckon(self, model: QwenModel) -> Limits:
        """As many rows as fit in memory with room to write, and what is left for their photos."""
        room = model.room_tokens
        items = max(1, min(self._settings.max_items, room // (ROW_TOKENS + self._tokens_of_a_photo // 4)))
        photos = max(self._tokens_of_a_photo, room - items * ROW_TOKENS)
        most = self._settings.max_tokens or items * self._tokens_of_a_photo
        return Limits(items, min(most, photos), reckons_memory=True, gpu=model.gpu)


def transformers_factory(settings: TransformersSettings) -> Callable[[], TransformersEngine]:
    """Engines that load one after the other, each on the device that has the most room then."""
    loading = threading.Lock()
    return lambda: TransformersEngine(settings, loading)


def has_cuda() -> bool:
    """Whether the model can run on a GPU of this machine; imports PyTorch only where there is a driver."""
    if which("nvidia-smi") is None and not Path("/dev/nvidiactl").exists():
        return False
    if any(find_spec(package) is None for package in NEEDED):
        return False
    import torch

    return torch.cuda.is_available()


def _on_loop(job: Job, loop: asyncio.AbstractEventLoop, forgotten: set[Job]) -> Job:
    """The job with its listener called on the event loop, from whatever thread, while somebody waits."""
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
