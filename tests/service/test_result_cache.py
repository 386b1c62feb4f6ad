"""Identical scans share one run, and a caller that leaves does not affect the others."""

from __future__ import annotations

import asyncio

import pytest

from pixel_agent.core.errors import DeadlineExceeded, EngineError
from pixel_agent.core.settings import CacheSettings
from pixel_agent.service.result_cache import ResultCache
from tests.waiting import until


class Work:
    """Counts its runs; each waits for `gate`, then gives its number or raises what was scripted for it."""

    def __init__(self, *errors: Exception | None) -> None:
        self.runs = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.errors = list(errors)

    async def __call__(self) -> str:
        self.runs += 1
        number = self.runs
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return f"run {number}"


class Now:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def coalescer(now: Now | None = None, *, ttl_s: float = 60, max_bytes: int = 1000) -> ResultCache[str]:
    return ResultCache(CacheSettings(ttl_s=ttl_s, max_bytes=max_bytes), len, now or Now())


async def test_scans_in_flight_share_one_run() -> None:
    shared, work = coalescer(), Work()
    asked = [asyncio.create_task(shared.share("photo", 0, work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*asked) == [("run 1", ""), ("run 1", "in_flight"), ("run 1", "in_flight")]


async def test_a_finished_answer_is_reused_until_its_time_is_over() -> None:
    now, work = Now(), Work()
    shared = coalescer(now)
    work.gate.set()
    assert await shared.share("photo", 0, work) == ("run 1", "")
    assert await shared.share("photo", 1, work) == ("run 1", "cache")
    now.seconds = 61
    assert await shared.share("photo", 0, work) == ("run 2", "")


async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    shared, work = coalescer(max_bytes=12), Work()
    work.gate.set()
    for key in "abc":
        await shared.share(key, 0, work)
    assert shared.counts.kept_bytes == 10
    assert (await shared.share("b", 0, work))[1] == "cache"
    assert (await shared.share("a", 0, work))[1] == ""


async def test_another_urgency_runs_on_its_own() -> None:
    shared, work = coalescer(), Work()
    work.gate.set()
    answers = await asyncio.gather(shared.share("photo", "bulk", work), shared.share("photo", "interactive", work))
    assert {answer for answer, _ in answers} == {"run 1", "run 2"}


async def test_the_run_goes_on_when_its_first_asker_leaves() -> None:
    shared, work = coalescer(), Work()
    first = asyncio.create_task(shared.share("photo", 0, work))
    second = asyncio.create_task(shared.share("photo", 0, work))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await second == ("run 1", "in_flight")
    assert first.cancelled()
    assert work.cancelled == 0


async def test_the_run_is_cancelled_when_the_last_asker_leaves() -> None:
    shared, work = coalescer(), Work()
    only = asyncio.create_task(shared.share("photo", 0, work))
    await until(lambda: work.runs == 1)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    await until(lambda: work.cancelled == 1)


async def test_a_deadline_of_the_first_does_not_end_the_others() -> None:
    shared, work = coalescer(), Work(DeadlineExceeded("too late"))
    asked = [asyncio.create_task(shared.share("photo", 0, work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.gate.set()
    first, *others = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(first, DeadlineExceeded)
    assert [other[0] for other in others if not isinstance(other, BaseException)] == ["run 2", "run 2"]


async def test_an_engine_error_reaches_all_and_is_not_kept() -> None:
    shared, work = coalescer(), Work(EngineError("broken"))
    work.gate.set()
    both = await asyncio.gather(shared.share("p", 0, work), shared.share("p", 0, work), return_exceptions=True)
    assert all(isinstance(error, EngineError) for error in both)
    assert await shared.share("p", 0, work) == ("run 2", "")
