"""Runs one export in its own process, as a script; imports only what an export needs, because its memory is measured.

`python export_run.py DATA_FOLDER FORMAT SINCE_MS` exports the records received from then on, discards the output, and
prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from time import perf_counter, process_time

import psutil

from pixel_agent.api.routes.exports import Export
from pixel_agent.core.settings import load
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.schemas.queries import ExportQuery
from pixel_agent.storage.records import moment
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue

TICK_S = 0.01


async def run(data: str, name: str, since_ms: int) -> dict[str, float]:
    """Run one export and measure it.

    Returns seconds, CPU seconds, bytes of the file, peak memory, and how late (ms) a timer on the event loop came.
    """
    settings = load({"data_dir": data}, environment={})
    store, photos = Store(settings), PhotoStage(settings.photo)
    await store.open()
    late: list[float] = []
    ticking = asyncio.create_task(_tick(late))
    try:
        query = ExportQuery.model_validate({"format": name, "since": moment(since_ms)})
        start, worked = perf_counter(), process_time()
        size = 0
        async for piece in await Export(settings, Catalogue(), store, query, photos).open():
            size += len(piece)
        seconds, worked = perf_counter() - start, process_time() - worked
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking
        await photos.close()
        await store.close()
    late.sort()
    p99 = late[int(len(late) * 0.99)] if late else 0.0
    return {
        "seconds": seconds,
        "cpu_s": worked,
        "file_bytes": size,
        "peak_bytes": _peak_bytes(),
        "late_p99_ms": p99 * 1000,
        "late_max_ms": max(late, default=0.0) * 1000,
    }


async def _tick(late: list[float]) -> None:
    """Record how late the event loop resumes after a sleep."""
    while True:
        start = perf_counter()
        await asyncio.sleep(TICK_S)
        late.append(perf_counter() - start - TICK_S)


def _peak_bytes() -> int:
    """Peak memory of this process (Linux: VmHWM); elsewhere its current memory."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
