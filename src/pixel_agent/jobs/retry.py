"""Decides what a failure means for an accepted scan: retry it, or end it with an error. Pure; used by `execution`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pixel_agent.core.errors import (
    DeadlineExceeded,
    Draining,
    EngineUnavailable,
    OutOfMemory,
    PixelAgentError,
    Refused,
    ReplicaLost,
    ScanCancelled,
    StoreError,
)
from pixel_agent.storage.outcome import outcome_of_error
from pixel_agent.storage.records import Outcome

PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 60.0
"""Longest pause, in seconds. The pause starts at `PAUSE_S` and doubles with each further transient failure."""
DOWN_PAUSE_S: Final = 2.0
"""Pause while the engine or the store is down, in seconds."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Run the scan again after a pause. `counted`: whether the failure uses up an attempt."""

    pause_s: float
    counted: bool


def decide_retry(error: PixelAgentError, attempts: int, max_attempts: int) -> Retry | Outcome:
    """Retry or end a scan that has started `attempts` times, this one included.

    A rejection by admission control and an engine or store that is down are not counted as attempts.
    """
    if isinstance(error, Draining):
        return Retry(0.0, counted=False)  # another process can start it at once
    if isinstance(error, Refused):
        return Retry(error.retry_after_s or PAUSE_S, counted=False)
    if isinstance(error, EngineUnavailable | StoreError):
        return Retry(DOWN_PAUSE_S, counted=False)
    may_pass = isinstance(error, OutOfMemory | ReplicaLost | ScanCancelled) or type(error) is PixelAgentError
    if may_pass and attempts < max_attempts:
        return Retry(min(MAX_PAUSE_S, PAUSE_S * 2 ** (attempts - 1)), counted=True)
    if isinstance(error, ScanCancelled):  # no client asked for the cancellation
        return outcome_of_error(ReplicaLost(error.message, "Run it again."))
    return outcome_of_error(error)


def cancelled(at_ms: int) -> Outcome:
    """The outcome of a scan that a client cancelled at `at_ms` (milliseconds UTC)."""
    outcome = outcome_of_error(ScanCancelled("The scan was cancelled.", "Run it again if it is wanted after all."))
    return replace(outcome, finished_at=at_ms)


def late() -> DeadlineExceeded:
    """The error of a scan whose deadline passed while it waited in the database."""
    return DeadlineExceeded("The deadline passed while the scan waited.", "Allow more time, or come back later.")


def worn_out(attempts: int) -> ReplicaLost:
    """The error of a scan whose process died at every attempt."""
    return ReplicaLost(
        f"The process that ran the scan died, {attempts} times.", "Look into the log for the reason, then run it again."
    )
