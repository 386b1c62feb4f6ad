"""The values of the storage: new scans, outcomes, stored scans and filters. Times are milliseconds since 1970."""

from __future__ import annotations

import base64
import binascii
import time
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.records import ReviewState

Origin = Literal["sync", "async"]
FINAL = frozenset(
    {Status.COMPLETED, Status.PARTIAL, Status.RETAKE_REQUIRED, Status.FAILED, Status.CANCELLED, Status.EXPIRED}
)
"""States that a scan never leaves."""


@dataclass(frozen=True, slots=True)
class PhotoRecord:
    """A row of `photos`. Width and height are null until it is decoded; `removed_at`: when its file was deleted."""

    sha256: str
    bytes: int
    media_type: str = ""
    width: int | None = None
    height: int | None = None
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class NewScan:
    """A new scan: everything that is known before it runs."""

    scan_id: str
    origin: Origin
    spec: ScanSpec
    received_at: int
    photo: PhotoRecord | None = None
    filename: str | None = None
    batch_id: str | None = None
    batch_index: int | None = None
    rerun_of: str | None = None
    deadline_at: int | None = None


class Topic(NamedTuple):
    """The number of findings or alerts of one scan on one topic. `severity` is empty if it has no rating."""

    kind: Literal["finding", "alert"]
    label: str
    severity: str
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a scan: the columns of `scans`, the envelope as JSON (`document`), and its search terms.

    `gtins` have 14 digits. `words` are tokens, as `search.words_of` gives them. `error` is the problem body as JSON.
    `photo` has the values found by decoding the photo.
    """

    status: Status
    finished_at: int
    engine: str | None = None
    simulated: bool = False
    captured_at: int | None = None
    summary: str = ""
    items: int = 0
    findings: int = 0
    alerts: int = 0
    severity: str | None = None
    review: ReviewState = "none"
    total_ms: float | None = None
    error_code: str | None = None
    error: str | None = None
    document: str | None = None
    gtins: tuple[str, ...] = ()
    words: str = ""
    topics: tuple[Topic, ...] = ()
    photo: PhotoRecord | None = None


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """A row of `scans`, with its photo; `document` is the envelope as JSON, if it was requested and exists."""

    seq: int
    scan_id: str
    origin: Origin
    status: Status
    spec: ScanSpec
    filename: str | None
    photo: PhotoRecord | None
    batch_id: str | None
    batch_index: int | None
    rerun_of: str | None
    received_at: int
    deadline_at: int | None
    finished_at: int | None
    attempts: int
    engine: str | None
    simulated: bool
    captured_at: int | None
    summary: str
    items: int
    findings: int
    alerts: int
    severity: str | None
    review: ReviewState
    total_ms: float | None
    error_code: str | None
    error: str | None
    document: str | None = None

    @property
    def final(self) -> bool:
        """Whether the scan has ended."""
        return self.status in FINAL

    @property
    def position(self) -> Position:
        """The position of the scan in the history."""
        return Position(self.received_at, self.seq)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in the history, which goes from the newest to the oldest.

    As text it is a cursor with a checksum, which detects accidental changes; it is no protection against forgery.
    """

    received_at: int
    seq: int

    def __str__(self) -> str:
        said = f"{self.received_at}.{self.seq}"
        return base64.urlsafe_b64encode(f"{said}.{zlib.crc32(said.encode()):x}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> Position:
        """Parse a cursor. Raises InvalidRequest."""
        try:
            said = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            received_at, seq, _ = said.split(".")
            position = cls(int(received_at), int(seq))
        except (ValueError, binascii.Error):
            position = cls(-1, -1)
        if not (0 <= position.received_at < 2**63 and 0 <= position.seq < 2**63) or str(position) != cursor:
            raise InvalidRequest("This cursor is not one of ours.", "Send `next` of the page before, unchanged.")
        return position


@dataclass(frozen=True, slots=True)
class ScanFilter:
    """A filter for scans; None and empty mean any. All given conditions must match.

    `since` (inclusive) and `until` (exclusive) bound the time of receipt. `text`: all its words occur in the searched
    texts (see `search`). `gtin` has 8 to 14 digits. `severity` is the worst of a scan's findings and alerts.
    """

    task: str | None = None
    statuses: tuple[Status, ...] = ()
    store_id: str | None = None
    batch_id: str | None = None
    since: int | None = None
    until: int | None = None
    text: str | None = None
    gtin: str | None = None
    review: ReviewState | None = None
    severity: str | None = None
    scan_ids: tuple[str, ...] = ()


def now_ms() -> int:
    """The current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def millis(moment: datetime) -> int:
    """A time in milliseconds since 1970, as stored."""
    return int(moment.timestamp() * 1000)


def moment(at_ms: int) -> datetime:
    """A stored time (milliseconds since 1970) in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
