"""The batching version of the first FastAPI rebuild: up to four photos, or as many as come within 0.1 s."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, Form, UploadFile

from .device import Device
from .photos import decode_resized

BATCH_ITEMS = 4
WINDOW_S = 0.1

Waiting = tuple[str, asyncio.Future[str]]


class Batcher:
    """Collects photos and runs them in batches, one batch after the other."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()
        self._device = Device()
        self._model_thread = ThreadPoolExecutor(max_workers=1)

    async def answer(self, digest: str) -> str:
        """Queue a photo for the next batch and wait for its answer."""
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        await self._queue.put((digest, future))
        return await future

    async def run(self) -> None:
        """Run batches without end."""
        while True:
            batch = await self._collect()
            digests = [digest for digest, _ in batch]
            texts = await asyncio.get_running_loop().run_in_executor(self._model_thread, self._device.run, digests)
            for (_, future), text in zip(batch, texts, strict=True):
                if not future.done():
                    future.set_result(text)

    async def _collect(self) -> list[Waiting]:
        batch = [await self._queue.get()]
        loop = asyncio.get_running_loop()
        until = loop.time() + WINDOW_S
        while len(batch) < BATCH_ITEMS and (left := until - loop.time()) > 0:
            try:
                batch.append(await asyncio.wait_for(self._queue.get(), left))
            except TimeoutError:
                break
        return batch


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start the batcher with the application."""
    app.state.batcher = Batcher()
    running = asyncio.create_task(app.state.batcher.run())
    yield
    running.cancel()


app = FastAPI(lifespan=lifespan)
executor = ThreadPoolExecutor(max_workers=4)


@app.get("/livez")
async def livez() -> dict[str, str]:
    """Liveness: answers while the event loop runs."""
    return {"status": "alive"}


@app.post("/scan")
async def scan(file: Annotated[UploadFile, File()], task: Annotated[str, Form()] = "") -> dict[str, str]:
    """Answer one photo as part of a batch."""
    data = await file.read()
    digest = await asyncio.get_running_loop().run_in_executor(executor, decode_resized, data)
    batcher: Batcher = app.state.batcher
    return {"status": "success", "result": await batcher.answer(digest), "task": task}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
