"""The contenders of the device benchmark: as published, in published batches, the library's server, Pixel Agent."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
import torch
from PIL import Image
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from pixel_agent.core import Job, ScanSpec, Task
from pixel_agent.core.settings import PhotoSettings, PoolSettings, SchedulerSettings
from pixel_agent.engines.qwen.engine import TransformersEngine
from pixel_agent.engines.qwen.loading import Loaded
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool

WINDOW_S = 0.1
"""Seconds that the first rebuild waited for a batch of four."""
SERVE_START_S = 120.0


class Contender(Protocol):
    """One way to run the model: takes the bytes of a photo, returns the model's text."""

    async def scan(self, data: bytes) -> str:
        """Scan one photo."""
        ...


class Published:
    """The library's processor and `generate`, in batches of `items` that wait up to `WINDOW_S` to fill; 1: no waiting."""

    def __init__(self, loaded: Loaded, task: Task, items: int) -> None:
        self._model, self._tokenizer, self._task = loaded.model, loaded.tokenizer, task
        self._items = items
        size = {"shortest_edge": 65536, "longest_edge": task.pixel_budget}
        self._images = Qwen2VLImageProcessorPil(
            patch_size=16, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3, size=size
        )
        self._queue: asyncio.Queue[tuple[bytes, asyncio.Future[str]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1)

    async def scan(self, data: bytes) -> str:
        """Queue one photo and wait for its text."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((data, future))
        return await future

    async def work(self) -> None:
        """Answer batch after batch, without end."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._queue.get()]
            end = loop.time() + WINDOW_S
            while len(batch) < self._items:
                try:
                    async with asyncio.timeout_at(end):
                        batch.append(await self._queue.get())
                except TimeoutError:
                    break
            texts = await loop.run_in_executor(self._thread, self._write, [data for data, _ in batch])
            for (_, future), text in zip(batch, texts, strict=True):
                if not future.done():
                    future.set_result(text)

    @torch.inference_mode()
    def _write(self, photos: Sequence[bytes]) -> list[str]:
        pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in photos]
        seen = self._images(images=pictures, return_tensors="pt")
        content = [{"type": "image"}, {"type": "text", "text": self._task.prompt_zh}]
        said: Any = [{"role": "user", "content": content}]
        text = str(self._tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False))
        counts = (seen["image_grid_thw"].prod(dim=1) // 4).tolist()
        prompts = [text.replace("<|image_pad|>", "<|image_pad|>" * count) for count in counts]
        self._tokenizer.padding_side = "left"
        inputs = self._tokenizer(prompts, return_tensors="pt", padding=True)
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == self._model.config.image_token_id).int()
        given: dict[str, Any] = {key: value.to(self._model.device) for key, value in {**inputs, **seen}.items()}
        model: Any = self._model
        wrote = model.generate(**given, max_new_tokens=self._task.max_new_tokens, do_sample=False)
        return self._tokenizer.batch_decode(wrote[:, given["input_ids"].shape[1] :], skip_special_tokens=True)


class Ours:
    """Pixel Agent's photo stage, batcher, pool and engine, connected as in the service."""

    def __init__(self, photos: PhotoStage, batcher: Batcher, engine: TransformersEngine, task: Task) -> None:
        self._photos, self._batcher, self._task = photos, batcher, task
        self._plan = engine.plan(task)
        self._asked = 0

    async def scan(self, data: bytes) -> str:
        """Prepare one photo, queue it and wait for its text."""
        photo = (await self._photos.prepare(data, self._plan.pixel_budget, self._plan.grid)).photo
        self._asked += 1
        return (await self._batcher.submit(Job(str(self._asked), self._task, photo, ScanSpec(self._task.id)))).text


class Server:
    """A client of `transformers serve` over HTTP."""

    def __init__(self, client: httpx.AsyncClient, model: str, task: Task) -> None:
        self._client, self._model, self._task = client, model, task

    async def scan(self, data: bytes) -> str:
        """Send one chat completion request."""
        url = "data:image/png;base64," + base64.b64encode(data).decode()
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": self._task.prompt_zh}]
        body = {
            "model": self._model,
            "max_tokens": self._task.max_new_tokens,
            "messages": [{"role": "user", "content": content}],
        }
        answer = await self._client.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])


@asynccontextmanager
async def published(loaded: Loaded, task: Task, items: int) -> AsyncIterator[Contender]:
    """Run the published loop in the background."""
    contender = Published(loaded, task, items)
    worker = asyncio.create_task(contender.work())
    try:
        yield contender
    finally:
        worker.cancel()
        await asyncio.wait([worker])


@asynccontextmanager
async def ours(engine: TransformersEngine, task: Task) -> AsyncIterator[Contender]:
    """Run Pixel Agent's own stages around an engine that is not started yet."""
    pool = Pool([lambda: engine], PoolSettings(hang_timeout_s=600))
    batcher, photos = Batcher(pool, SchedulerSettings()), PhotoStage(PhotoSettings())
    await batcher.start()
    try:
        yield Ours(photos, batcher, engine, task)
    finally:
        await batcher.stop()
        await photos.close()


@asynccontextmanager
async def served(folder: Path, task: Task, threads: int) -> AsyncIterator[Contender]:
    """Run the library's server in a separate process. Raises RuntimeError with its last output if it does not start."""
    launcher = Path(__file__).parents[1] / "reference" / "transformers_serve.py"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder.parent / "transformers-serve.log"
    command = [str(launcher), "serve", str(folder), "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            stdout=output,
            stderr=output,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)},
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
            await _until_healthy(client, process, log)
            yield Server(client, str(folder), task)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def _until_healthy(client: httpx.AsyncClient, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(SERVE_START_S):
        while process.returncode is None:
            try:
                if (await client.get("/health")).is_success:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.2)
    raise RuntimeError(_last_line(log))


def _last_line(log: Path) -> str:
    return (log.read_text("utf-8", "replace").strip().splitlines() or ["it ended"])[-1]
