"""Photos, tasks and engines for the tests of the model in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue

from pixel_agent.core import Batch, Capability, Job, Output, Photo, Reading, Sampling, ScanSpec, Task
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.engine import TransformersEngine
from pixel_agent.engines.qwen.model import QwenModel

SIZES = ((256, 256), (512, 256), (320, 288), (256, 512))


def make_task(
    prompt: str = "Read the tag.",
    *,
    schema: Mapping[str, JsonValue] | None = None,
    tokens: int = 24,
    sampling: Sampling = Sampling(),  # noqa: B008
) -> Task:
    return Task(
        "tag",
        "标",
        "Tag",
        "",
        "",
        frozenset({Capability.TEXT}),
        frozenset(),
        schema or {},
        prompt,
        prompt,
        lambda draft, facts: Reading(),
        max_new_tokens=tokens,
        sampling=sampling,
    )


def make_photo(seed: int, size: tuple[int, int] = (256, 256)) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    name = f"{seed}-{size[0]}x{size[1]}"
    return Photo(b"", name, "image/jpeg", *size, pixels, lambda _most: pixels)


def make_job(seed: int, task: Task | None = None, size: tuple[int, int] = (256, 256), **more: Any) -> Job:
    return Job(f"scan-{seed}", task or make_task(), make_photo(seed, size), ScanSpec("tag"), **more)


def mixed_jobs(count: int = 6, **task: Any) -> list[Job]:
    """Photos of several sizes with prompts of several lengths."""
    return [
        make_job(seed, make_task("Read " + "more " * (seed % 3), **task), SIZES[seed % len(SIZES)])
        for seed in range(count)
    ]


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[TransformersEngine]:
    chosen: dict[str, Any] = {"device": "cpu", "dtype": "float32", "photo_memory_bytes": 0, **settings}
    engine = TransformersEngine(TransformersSettings(model=str(folder), **chosen))
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def model_of(engine: TransformersEngine) -> QwenModel:
    assert engine.model is not None
    return engine.model


async def answers(engine: TransformersEngine, jobs: list[Job]) -> list[Output]:
    outcomes = await engine.run(Batch(tuple(jobs)))
    assert all(isinstance(outcome, Output) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Output)]


async def texts(engine: TransformersEngine, jobs: list[Job]) -> list[str]:
    return [output.text for output in await answers(engine, jobs)]


async def alone(engine: TransformersEngine, jobs: list[Job]) -> list[str]:
    return [(await texts(engine, [job]))[0] for job in jobs]
