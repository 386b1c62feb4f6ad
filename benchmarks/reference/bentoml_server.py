# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found,untyped-decorator"
"""BentoML, tuned as its documentation advises: a separate service for decoding, adaptive batching at the device.

`max_concurrency` limits the requests inside; above it BentoML answers 429.
"""

import asyncio
import os
import sys
from pathlib import Path

import bentoml

from .device import MAX_ITEMS, Device
from .photos import decode_small

CONCURRENCY = 96
MAX_LATENCY_MS = 1000


@bentoml.service(workers=1, traffic={"timeout": 30})
class Model:
    """The service that owns the device."""

    def __init__(self) -> None:
        self.device = Device()

    @bentoml.api(batchable=True, max_batch_size=MAX_ITEMS, max_latency_ms=MAX_LATENCY_MS)
    def run(self, digests: list[str]) -> list[str]:
        """Run one batch."""
        return self.device.run(digests)


@bentoml.service(workers=1, traffic={"timeout": 30, "max_concurrency": CONCURRENCY})
class Scan:
    """The service that accepts photos, decodes them in threads and calls the device."""

    model = bentoml.depends(Model)

    @bentoml.api(route="/scan")
    async def scan(self, file: Path, task: str = "") -> dict[str, str]:
        """Answer one photo."""
        digest = await asyncio.to_thread(lambda: decode_small(file.read_bytes()))
        (text,) = await self.model.to_async.run([digest])
        return {"status": "success", "result": text, "task": task}


if __name__ == "__main__":
    command = [
        sys.executable,
        "-m",
        "bentoml",
        "serve",
        "reference.bentoml_server:Scan",
        "--host",
        "127.0.0.1",
        "--quiet",
    ]
    os.execv(sys.executable, [*command, "--port", sys.argv[1]])
