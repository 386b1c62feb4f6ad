"""Device benchmark: how much of a device the model engine uses, against the published loops and the floor.

On a GPU the real architecture runs with random weights, made there: nothing is downloaded, and it computes as much as
the real model. Without a GPU the tiny model runs on the CPU, with the library's own server as a further contender; that
compares loops, and says nothing about the speed of the real model.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import psutil
import torch
from pydantic import JsonValue
from rich.console import Console

from benchmarks.device.contenders import Contender, ours, published, served
from benchmarks.device.models import Speeds, floor_s, measure_speeds, random_8b
from benchmarks.report import show
from benchmarks.tiny_model import build
from pixel_agent.core import VISUAL_TOKEN_SIDE, Capability, Reading, Task
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.engine import TransformersEngine
from pixel_agent.engines.qwen.loading import Loaded, load
from pixel_agent.service.monitor import Nvml

SIZES = ((512, 512), (1280, 1024))
PHOTOS = 32
"""Number of different photos; each contender gets the same ones in turn."""
PROMPT = "请逐行抄写照片里看得见的全部文字，并列出每件商品的品名、规格和价格；看不清的不要猜。"
EVERY_S = 0.2

Made = Callable[[], AbstractAsyncContextManager[Contender]]


def compare_on_device(
    *, seconds: float, clients: int, tokens: int, batch: int, tiny: bool, server: bool, json_path: Path | None
) -> None:
    """What `bench device` does: see `device_command.py` for its options. Prints, and writes the rows to `json_path`."""
    task = _task(tokens)
    on_gpu = torch.cuda.is_available() and not tiny
    with TemporaryDirectory() as folder:
        if on_gpu:
            settings = TransformersSettings(device="cuda", max_items=batch, photo_memory_bytes=0)
            loaded, model = random_8b(settings), torch.cuda.get_device_name()
        else:
            Console().print("No GPU is used: the tiny model runs on the CPU, which compares loops and nothing else.")
            path = build(Path(folder) / "tiny")
            settings = TransformersSettings(
                model=str(path), device="cpu", dtype="float32", max_items=batch, photo_memory_bytes=0
            )
            loaded, model = load(settings, lambda _stage, _part: None), "tiny model on the CPU"
        speeds = measure_speeds(loaded.model.device, loaded.model.dtype)
        rows: list[dict[str, JsonValue]] = []
        for size in SIZES:
            contenders = _contenders(loaded, settings, task, None if on_gpu or not server else Path(settings.model))
            rows += asyncio.run(_compare(contenders, _draw(size), clients, seconds, _Floor(loaded, speeds, task, size)))
    rates = f"{speeds.operations_per_s / 1e12:.3g} TFLOP/s, {speeds.bytes_per_s / 1e9:.0f} GB/s measured"
    show(f"{model}: {clients} clients, {tokens} tokens a photo; {rates}", rows, json_path=json_path)


def _contenders(loaded: Loaded, settings: TransformersSettings, task: Task, folder: Path | None) -> dict[str, Made]:
    made: dict[str, Made] = {
        "published loop": lambda: published(loaded, task, 1),
        "published batches of 4": lambda: published(loaded, task, 4),
    }
    if folder is not None:
        made["transformers serve"] = lambda: served(folder, task, torch.get_num_threads())
    made["ours"] = lambda: ours(TransformersEngine(settings, load=lambda _settings: loaded), task)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _Floor:
    """The floor: the shortest possible time for a photo of this size."""

    loaded: Loaded
    speeds: Speeds
    task: Task
    size: tuple[int, int]

    def seconds(self, rows: int) -> float:
        """Shortest seconds for one photo in batches of `rows`."""
        visual = self.size[0] * self.size[1] // VISUAL_TOKEN_SIDE**2
        prompt = len(self.loaded.tokenizer(PROMPT)["input_ids"])
        return floor_s(self.loaded, self.speeds, visual, prompt, self.task.max_new_tokens, rows)


async def _compare(
    contenders: Mapping[str, Made], photos: Sequence[bytes], clients: int, seconds: float, floor: _Floor
) -> list[dict[str, JsonValue]]:
    """Measure every contender; one row each.

    `times`: scans a second relative to the first contender, whose answers `same` counts; `of_floor`: the share of the
    device's best possible speed.
    """
    rows: list[dict[str, JsonValue]] = []
    first: _Measured | None = None
    for name, make in contenders.items():
        try:
            async with make() as contender:
                one = await _measure(contender, photos, clients, seconds)
        except (RuntimeError, TimeoutError) as error:
            rows.append({**dict.fromkeys(rows[0], None), "way": f"{name}: {error}"[:120]})
            continue
        first = first or one
        least = floor.seconds(clients if name == "ours" else 1)
        rows.append(
            {
                "way": name,
                "photo": f"{floor.size[0]}x{floor.size[1]}",
                "scans": one.scans,
                "per_s": one.per_s,
                "times": one.per_s / first.per_s,
                "p50_s": statistics.median(one.seconds),
                "p99_s": sorted(one.seconds)[int(0.99 * (one.scans - 1))],
                "busy": one.watch.busy,
                "gib": one.watch.memory_bytes / 2**30,
                "of_floor": least * one.per_s,
                "same": f"{first.agreeing(one)} of {len(first.texts.keys() & one.texts.keys())}",
            }
        )
    return rows


class _Watch:
    """Mean use (0-1) and most memory of the GPUs, or of processor and this process where there are none."""

    def __init__(self) -> None:
        self.busy = 0.0
        self.memory_bytes = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        try:
            nvml = Nvml()
        except RuntimeError:
            nvml = None
        uses, process = list[float](), psutil.Process()
        psutil.cpu_percent()
        while not self._ended.wait(EVERY_S):
            gpus = nvml.sample() if nvml else ()
            uses.append(max((gpu.utilisation or 0.0 for gpu in gpus), default=psutil.cpu_percent() / 100))
            memory = max((gpu.memory_used_bytes or 0 for gpu in gpus), default=process.memory_info().rss)
            self.memory_bytes = max(self.memory_bytes, memory)
        self.busy = statistics.fmean(uses) if uses else 0.0
        if nvml:
            nvml.close()


@dataclass(slots=True, eq=False)
class _Measured:
    """Results of one contender: the response time of each scan, and the text for each photo."""

    seconds: list[float] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)
    elapsed_s: float = 0.0
    watch: _Watch = field(default_factory=_Watch)

    @property
    def scans(self) -> int:
        return len(self.seconds)

    @property
    def per_s(self) -> float:
        return self.scans / self.elapsed_s

    def agreeing(self, other: _Measured) -> int:
        return sum(self.texts[photo] == other.texts[photo] for photo in self.texts.keys() & other.texts.keys())


async def _measure(contender: Contender, photos: Sequence[bytes], clients: int, seconds: float) -> _Measured:
    await contender.scan(photos[0])
    measured, numbers = _Measured(), itertools.count()
    started = time.perf_counter()

    async def client() -> None:
        while time.perf_counter() - started < seconds:
            photo = next(numbers) % len(photos)
            asked = time.perf_counter()
            measured.texts[photo] = await contender.scan(photos[photo])
            measured.seconds.append(time.perf_counter() - asked)

    with measured.watch:
        await asyncio.gather(*(client() for _ in range(clients)))
    measured.elapsed_s = time.perf_counter() - started
    return measured


def _task(tokens: int) -> Task:
    needs = frozenset({Capability.TEXT})
    return Task(
        "bench",
        "基准",
        "Benchmark",
        "",
        "",
        needs,
        frozenset(),
        {},
        PROMPT,
        PROMPT,
        lambda _draft, _facts: Reading(),
        max_new_tokens=tokens,
    )


def _draw(size: tuple[int, int]) -> list[bytes]:
    """PNGs of soft colours: every contender sees exactly the same pixels, whatever its decoder."""
    random = np.random.default_rng(7)
    coarse = random.integers(0, 256, (PHOTOS, 24, 24, 3), np.uint8)
    pictures = [cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in coarse]
    return [cv2.imencode(".png", picture)[1].tobytes() for picture in pictures]
