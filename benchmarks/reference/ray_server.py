# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found,untyped-decorator"
"""Ray Serve, tuned as its documentation advises: decoding in the ingress, `serve.batch` at the device, bounded queues.

Its defaults (5 ongoing requests a replica, no limit on the queue) are overridden; above the limit it answers 503.
"""

import asyncio
import signal
import sys
from typing import Annotated

import ray
from fastapi import FastAPI, File, Form, UploadFile
from ray import serve
from ray.serve.config import HTTPOptions
from ray.serve.handle import DeploymentHandle

from .device import MAX_ITEMS, Device
from .photos import decode_small

ONGOING = 64
QUEUED = 32
BATCH_WAIT_S = 0.02
CPUS = {"num_cpus": 0.5}
OBJECT_STORE_BYTES = 80 * 2**20

app = FastAPI()


class Model:
    """The deployment that owns the device."""

    def __init__(self) -> None:
        self.device = Device()

    @serve.batch(max_batch_size=MAX_ITEMS, batch_wait_timeout_s=BATCH_WAIT_S)
    async def __call__(self, digests: list[str]) -> list[str]:
        """Run one batch."""
        return await asyncio.to_thread(self.device.run, digests)


class Scan:
    """The deployment that accepts photos, decodes them in threads and calls the device."""

    def __init__(self, model: DeploymentHandle) -> None:
        self.model = model

    @app.post("/scan")
    async def scan(self, file: Annotated[UploadFile, File()], task: Annotated[str, Form()] = "") -> dict[str, str]:
        """Answer one photo."""
        digest = await asyncio.to_thread(decode_small, await file.read())
        return {"status": "success", "result": await self.model.remote(digest), "task": task}


if __name__ == "__main__":
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, log_to_driver=False)
    serve.start(http_options=HTTPOptions(host="127.0.0.1", port=int(sys.argv[1])))
    model = serve.deployment(max_ongoing_requests=ONGOING, ray_actor_options=CPUS)(Model)
    ingress = serve.deployment(max_ongoing_requests=ONGOING, max_queued_requests=QUEUED, ray_actor_options=CPUS)
    serve.run(ingress(serve.ingress(app)(Scan)).bind(model.bind()))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.pause()
