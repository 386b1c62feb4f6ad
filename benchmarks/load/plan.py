"""The plan of a load client: the address, the photos, and the streams of requests."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of traffic. `rate` (a second) makes it an open loop, `clients` a closed one.

    It begins `start_s` after the run's start and lasts `duration_s` (seconds), or until `count` requests were begun.
    `leave_after_s`: the client hangs up after so long. `retry`: a refused request comes back after `Retry-After`.
    """

    name: str
    path: str = "/scan"
    file_field: str = "file"
    fields: dict[str, str] = field(default_factory=dict)
    rate: float = 0.0
    clients: int = 0
    start_s: float = 0.0
    duration_s: float = 0.0
    count: int = 0
    timeout_s: float = 5.0
    leave_after_s: float = 0.0
    retry: bool = False

    def asking(self, task: str) -> Stream:
        """The same stream, asking for a task."""
        return replace(self, fields={**self.fields, "task": task})

    def scheduled(self, number: int) -> float:
        """When the numbered arrival of an open loop is due, in seconds after the run's start."""
        return self.start_s + number / self.rate

    def ended(self, number: int, elapsed_s: float) -> bool:
        """Whether the request of this number is no longer part of the stream."""
        if self.count and number >= self.count:
            return True
        return bool(self.duration_s) and elapsed_s >= self.start_s + self.duration_s


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of one client process: the address, the uploads, and the traffic.

    `send_buffer_bytes` bounds what the kernel takes at once (0: its default, up to 4 MB on Linux, so that a request
    leaves in one call). A small one makes answers arrive while the client still sends, as over a real network.
    """

    host: str
    port: int
    photos: list[str]
    streams: list[Stream]
    seed: str = "0"
    send_buffer_bytes: int = 0

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read a plan that `write` wrote."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(**{**raw, "streams": [Stream(**stream) for stream in raw["streams"]]})

    def write(self, path: Path) -> None:
        """Write the plan as JSON."""
        path.write_text(json.dumps(asdict(self)), "utf-8")
