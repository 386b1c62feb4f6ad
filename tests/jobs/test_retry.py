"""The retry decision for a failed accepted scan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.core import Status
from pixel_agent.core.errors import (
    DeadlineExceeded,
    Draining,
    EngineError,
    EngineUnavailable,
    InvalidPhoto,
    OutOfMemory,
    PixelAgentError,
    Refused,
    ReplicaLost,
    ScanCancelled,
    StoreUnavailable,
    TaskUnsupported,
    UnknownTask,
)
from pixel_agent.jobs.retry import MAX_PAUSE_S, Retry, decide_retry
from pixel_agent.storage.records import FINAL, Outcome


@pytest.mark.parametrize("error", [InvalidPhoto("x"), TaskUnsupported("x"), UnknownTask("x"), EngineError("x")])
def test_what_stays_wrong_fails_at_once(error: PixelAgentError) -> None:
    ended = decide_retry(error, 1, 5)
    assert isinstance(ended, Outcome)
    assert (ended.status, ended.error_code) == (Status.FAILED, error.code)


def test_a_deadline_that_passed_expires() -> None:
    ended = decide_retry(DeadlineExceeded("x"), 1, 5)
    assert isinstance(ended, Outcome)
    assert ended.status is Status.EXPIRED


def test_a_refusal_waits_as_it_says_and_is_not_counted() -> None:
    assert decide_retry(Refused("x", retry_after_s=7.0), 5, 5) == Retry(7.0, counted=False)


@pytest.mark.parametrize("error", [EngineUnavailable("x"), StoreUnavailable("x")])
def test_what_is_down_is_waited_for_and_not_counted(error: PixelAgentError) -> None:
    again = decide_retry(error, 5, 5)
    assert isinstance(again, Retry)
    assert not again.counted


def test_the_end_of_the_process_gives_it_to_others_at_once() -> None:
    assert decide_retry(Draining("x", retry_after_s=9.0), 1, 5) == Retry(0.0, counted=False)


@pytest.mark.parametrize("error", [OutOfMemory("x"), ReplicaLost("x"), PixelAgentError("x"), ScanCancelled("x")])
def test_what_may_pass_is_tried_with_growing_pauses_and_then_fails(error: PixelAgentError) -> None:
    results = [decide_retry(error, attempts, 4) for attempts in range(1, 5)]
    assert results[:3] == [Retry(1.0, True), Retry(2.0, True), Retry(4.0, True)]
    assert isinstance(results[3], Outcome)
    assert results[3].status is Status.FAILED


@given(attempts=st.integers(1, 100), most=st.integers(1, 100))
def test_attempts_are_bounded_and_so_are_pauses(attempts: int, most: int) -> None:
    result = decide_retry(ReplicaLost("x"), attempts, most)
    assert isinstance(result, Retry) == (attempts < most)
    assert result.pause_s <= MAX_PAUSE_S if isinstance(result, Retry) else result.status in FINAL
