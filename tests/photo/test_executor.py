from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core.errors import Draining
from pixel_agent.photo.executor import SAMPLE_S, ElasticExecutor, Load, Stats, _Integral, _Processor, next_size
from tests.waiting import PATIENCE_S, until

QUIET = Load(threads=1, busy=0, queued=0, idle_s=0.0, foreign_cores=0.0, cores=8)


def test_grows_to_what_is_busy_and_waiting() -> None:
    assert next_size(replace(QUIET, busy=1, queued=2), 1, 8) == 3


def test_never_grows_past_the_most() -> None:
    assert next_size(replace(QUIET, busy=1, queued=50), 1, 4) == 4


def test_does_not_grow_past_the_cores_that_others_leave_free() -> None:
    assert next_size(replace(QUIET, busy=1, queued=50, foreign_cores=5.8), 1, 8) == 2


def test_keeps_the_fewest_on_a_full_machine() -> None:
    assert next_size(replace(QUIET, busy=1, queued=9, foreign_cores=8.0), 2, 8) == 2


def test_work_that_waits_has_a_thread_even_on_a_full_machine() -> None:
    full = replace(QUIET, threads=0, busy=0, foreign_cores=8.0)
    assert next_size(replace(full, queued=3), 0, 2) == 1
    assert next_size(replace(full, threads=1, busy=1), 0, 2) == 1


def test_its_own_work_does_not_make_it_shrink() -> None:
    assert next_size(replace(QUIET, threads=8, busy=8, queued=9), 1, 8) == 8


def test_shrinks_when_others_take_the_cores() -> None:
    assert next_size(replace(QUIET, threads=8, busy=7, queued=9, foreign_cores=4.0), 1, 8) == 7


def test_shrinks_one_by_one_after_lingering() -> None:
    idle = replace(QUIET, threads=4)
    assert next_size(replace(idle, idle_s=4.9), 1, 8, 5.0) == 4
    assert next_size(replace(idle, idle_s=5.0), 1, 8, 5.0) == 3


def test_a_burst_grows_and_then_falls_back_in_virtual_time() -> None:
    sizes, threads, idle_s = [], 1, 0.0
    for second in range(60):
        busy, queued = (threads, 10) if 5 <= second < 15 else (0, 0)
        idle_s = 0.0 if busy == threads else idle_s + 1
        after = next_size(Load(threads, busy, queued, idle_s, 0.5, 8), 1, 4, 5.0)
        idle_s = 0.0 if after < threads else idle_s
        threads = after
        sizes.append(threads)
    assert sizes[4] == 1
    assert sizes[5:15] == [4] * 10
    assert sizes[-1] == 1
    assert all(after - before >= -1 for before, after in pairwise(sizes))


@given(
    st.builds(
        Load,
        threads=st.integers(1, 16),
        busy=st.integers(0, 16),
        queued=st.integers(0, 100),
        idle_s=st.floats(0, 100),
        foreign_cores=st.floats(0, 64),
        cores=st.integers(1, 64),
    ),
    st.integers(1, 8),
    st.integers(0, 8),
)
@settings(deadline=None, max_examples=100)
def test_the_policy_keeps_its_bounds_and_settles(load: Load, fewest: int, more: int) -> None:
    size = next_size(load, fewest, fewest + more)
    assert fewest <= size <= fewest + more
    again = replace(load, threads=size, busy=min(load.busy, size), idle_s=0.0)
    assert next_size(again, fewest, fewest + more) <= size


def test_busy_time_is_integrated() -> None:
    now = [10.0]
    busy = _Integral(lambda: now[0])
    busy.add(2)
    now[0] = 13.0
    busy.add(-1)
    now[0] = 14.0
    assert busy.total() == 7.0


def test_the_processor_is_looked_at_every_half_second_at_most() -> None:
    now = [0.0]
    processor = _Processor(lambda: now[0])
    now[0] = SAMPLE_S / 2
    assert processor.foreign_cores(0.0) == 0.0
    now[0] = SAMPLE_S
    assert processor.foreign_cores(1e9) == 0.0
    assert processor._last[0] == SAMPLE_S


class Gate:
    """A job that runs until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.began = threading.Event()

    def __call__(self) -> str:
        self.began.set()
        assert self.opened.wait(PATIENCE_S)
        return threading.current_thread().name


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.began.wait, PATIENCE_S)


async def test_runs_in_threads_named_after_it() -> None:
    executor = ElasticExecutor("decode", 1, 1)
    assert (await executor.run(lambda: threading.current_thread().name)).startswith("decode-")
    await executor.close()


async def test_arguments_results_and_exceptions_pass_through() -> None:
    executor = ElasticExecutor("x", 1, 2)
    assert await executor.run(int, "12", base=8) == 10
    with pytest.raises(ValueError, match="invalid literal"):
        await executor.run(int, "twelve")
    await executor.close()


async def test_grows_with_the_queue_and_shrinks_when_idle() -> None:
    executor = ElasticExecutor("x", 1, 3, linger_s=0.02)
    executor._processor.foreign_cores = lambda own_seconds: 0.0  # type: ignore[method-assign]
    executor._processor.cores = 8
    gates = [Gate() for _ in range(3)]
    tasks = [asyncio.create_task(executor.run(gate)) for gate in gates]
    for gate in gates:
        await begun(gate)
    assert executor.stats == Stats(threads=3, queued=0, busy=3, done=0)
    for gate in gates:
        gate.opened.set()
    assert len(set(await asyncio.gather(*tasks))) == 3
    await until(lambda: executor.stats.threads == 1)
    assert await executor.run(lambda: 1) == 1
    await executor.close()


async def test_cancelled_work_leaves_the_queue_and_memory_at_once() -> None:
    class Upload:
        pass

    executor, gate, upload = ElasticExecutor("x", 1, 1), Gate(), Upload()
    running = asyncio.create_task(executor.run(gate))
    await begun(gate)
    waiting = asyncio.create_task(executor.run(id, upload))
    await asyncio.sleep(0)
    assert executor.stats.queued == 1
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert executor.stats.queued == 0
    held = weakref.ref(upload)
    del upload, waiting
    await asyncio.sleep(0)
    gc.collect()
    assert held() is None
    gate.opened.set()
    await running
    await executor.close()


async def test_finished_work_is_not_kept_in_memory() -> None:
    class Upload:
        pass

    executor, upload = ElasticExecutor("x", 1, 1), Upload()
    await executor.run(id, upload)
    held = weakref.ref(upload)
    del upload
    await until(lambda: gc.collect() >= 0 and held() is None)  # the thread lets go of it last of all
    await executor.close()


async def test_close_finishes_what_runs_and_refuses_what_waits() -> None:
    executor, gate = ElasticExecutor("x", 1, 1), Gate()
    running = asyncio.create_task(executor.run(gate))
    await begun(gate)
    waiting = asyncio.create_task(executor.run(id, 1))
    await asyncio.sleep(0)
    closing = asyncio.create_task(executor.close())
    with pytest.raises(Draining):
        await waiting
    gate.opened.set()
    assert (await running).startswith("x-")
    await closing
    await executor.close()
    assert executor.stats.threads == 0
    with pytest.raises(Draining):
        await executor.run(id, 1)


async def test_every_job_of_a_storm_ends_exactly_once() -> None:
    executor = ElasticExecutor("x", 1, 4, linger_s=0.001)
    tasks = [asyncio.create_task(executor.run(pow, n, 2)) for n in range(400)]
    for task in tasks[::7]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(
        result == n * n or (n % 7 == 0 and isinstance(result, asyncio.CancelledError))
        for n, result in enumerate(results)
    )
    await executor.close()
    assert executor.stats.queued == executor.stats.busy == 0


async def test_the_lowest_rank_goes_first() -> None:
    executor, order, gate = ElasticExecutor("rank", 1, 1), list[int](), Gate()
    first = asyncio.create_task(executor.run(gate))
    await begun(gate)
    waiting = [asyncio.create_task(executor.run_at(rank, order.append, rank)) for rank in (2, 0, 1)]
    await until(lambda: executor.stats.queued == 3)
    gate.opened.set()
    await asyncio.gather(first, *waiting)
    await executor.close()
    assert order == [0, 1, 2]
