# The framework is installed in an environment of its own, where the type checker cannot see it.
# mypy: disable-error-code="import-not-found,misc"
"""mosec, tuned: separate workers decode the photos, so that the device worker only runs batches.

Its queue is limited (`--capacity`) to what the device does in two seconds: above that it answers 429 at once.
"""

from __future__ import annotations

import json
import sys

from mosec import Server, Worker

from .device import MAX_ITEMS, Device
from .photos import decode_small, file_of

DECODERS = 2
MAX_WAIT_MS = 20
CAPACITY = 128


class Decode(Worker):
    """Parses the multipart body and decodes the photo."""

    def deserialize(self, data: bytes) -> bytes:
        """Find the file in the body."""
        return file_of(data)

    def forward(self, data: bytes) -> str:
        """Decode one photo."""
        return decode_small(data)


class Run(Worker):
    """The worker that owns the device."""

    def __init__(self) -> None:
        super().__init__()
        self.device = Device()

    def forward(self, data: list[str]) -> list[str]:
        """Run one batch."""
        return self.device.run(data)

    def serialize(self, data: str) -> bytes:
        """Format the answer as JSON."""
        return json.dumps({"status": "success", "result": data}).encode()


if __name__ == "__main__":
    port = sys.argv[1]
    sys.argv[1:] = ["--address", "127.0.0.1", "--port", port, "--capacity", str(CAPACITY), "--timeout", "30000"]
    server = Server()
    server.append_worker(Decode, num=DECODERS, route="/scan")
    server.append_worker(Run, num=1, max_batch_size=MAX_ITEMS, max_wait_time=MAX_WAIT_MS, route="/scan")
    server.run()
