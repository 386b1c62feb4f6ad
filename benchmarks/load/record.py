"""Records of a load client: one for each request, and the client's own cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.load.answer import Outcome


@dataclass(frozen=True, slots=True)
class Record:
    """One request. Times are seconds after the run's start.

    `early`: the answer came while the upload was still being sent. `cut_off`: answered, but then the server broke the
    connection while the upload was still being sent, which many clients report as an error.
    """

    stream: str
    outcome: Outcome
    scheduled: float
    sent: float
    done: float
    status: int = 0
    retry_after: bool = False
    early: bool = False
    cut_off: bool = False
    sha256: str = ""

    @property
    def latency_s(self) -> float:
        """From the moment the request was due until its answer was complete."""
        return self.done - self.scheduled


@dataclass(frozen=True, slots=True)
class Run:
    """All records of one client process. `origin` is the run's start on the system's monotonic clock (seconds)."""

    origin: float
    elapsed_s: float
    cpu_s: float
    records: list[Record]

    def write(self, path: Path) -> None:
        """Write the run as JSON."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Run:
        """Read a run that `write` wrote."""
        raw = json.loads(path.read_text("utf-8"))
        records = [Record(**{**row, "outcome": Outcome(row["outcome"])}) for row in raw["records"]]
        return cls(raw["origin"], raw["elapsed_s"], raw["cpu_s"], records)
