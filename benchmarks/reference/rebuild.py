"""The first FastAPI rebuild as published: four threads decode, and the handler itself calls the model."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import uvicorn
from fastapi import FastAPI, File, Form, UploadFile

from .device import Device
from .photos import decode_resized

app = FastAPI()
device = Device()
executor = ThreadPoolExecutor(max_workers=4)


@app.get("/livez")
async def livez() -> dict[str, str]:
    """Liveness: answers while the event loop runs."""
    return {"status": "alive"}


@app.post("/scan")
async def scan(file: Annotated[UploadFile, File()], task: Annotated[str, Form()] = "") -> dict[str, str]:
    """Answer one photo. The device call blocks the event loop, as in the published version."""
    data = await file.read()
    digest = await asyncio.get_running_loop().run_in_executor(executor, decode_resized, data)
    (text,) = device.run([digest])
    return {"status": "success", "result": text, "task": task}


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
