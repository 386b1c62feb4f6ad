"""Pauses between attempts and the Retry-After header, for all code that retries. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from `first_s` up to `max_s`. `spread` varies them: 0.25 means 25 % shorter to 25 % longer."""

    first_s: float
    max_s: float
    spread: float = 0.0

    def pause_s(self, failures: int, chance: float = 0.5) -> float:
        """Seconds to wait after `failures` failures in a row (from 1). `chance` (0-1) chooses within the spread."""
        pause_s = min(self.max_s, self.first_s * 2.0 ** min(failures - 1, 40))
        return min(self.max_s, pause_s * (1 + self.spread * (2 * chance - 1)))


def retry_after_s(header: str | None, max_s: float, now: datetime | None = None) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3: a number or a date), at most `max_s`.

    None without the header, and for one that is neither.
    """
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), max_s)
    try:
        wait_s = (parsedate_to_datetime(text) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(wait_s, 0.0), max_s)
