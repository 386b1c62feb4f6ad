from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from pixel_agent.core.errors import Draining, Refused
from pixel_agent.photo.executor import RankedExecutor, Stats
from tests.waiting import PATIENCE_S, until


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
    executor = RankedExecutor("decode", 1)
    assert (await executor.run(lambda: threading.current_thread().name)).startswith("decode-")
    await executor.close()


async def test_arguments_results_and_exceptions_pass_through() -> None:
    executor = RankedExecutor("x", 2)
    assert await executor.run(int, "12", base=8) == 10
    with pytest.raises(ValueError, match="invalid literal"):
        await executor.run(int, "twelve")
    await executor.close()


async def test_threads_start_with_the_work_and_never_pass_the_most() -> None:
    executor, gates = RankedExecutor("x", 2), [Gate() for _ in range(3)]
    assert executor.stats.workers == 0
    tasks = [asyncio.create_task(executor.run(gate)) for gate in gates]
    await begun(gates[0])
    await begun(gates[1])
    assert executor.stats == Stats(workers=2, queued=1, busy=2, done=0)
    for gate in gates:
        gate.opened.set()
    assert set(await asyncio.gather(*tasks)) == {"x-1", "x-2"}
    assert await executor.run(lambda: 1) == 1
    assert executor.stats.workers == 2
    await executor.close()


async def test_a_moment_without_new_threads_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    executor = RankedExecutor("x", 2)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(Refused):
            await executor.run(int, "1")
        assert executor.stats == Stats(workers=0, queued=0, busy=0, done=0)
    assert await executor.run(int, "1") == 1
    gate = Gate()
    running = asyncio.create_task(executor.run(gate))
    await begun(gate)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        waiting = asyncio.create_task(executor.run(int, "2"))
        await until(lambda: executor.stats.queued == 1)
    gate.opened.set()
    assert await waiting == 2
    await running
    await executor.close()


async def test_cancelled_work_leaves_the_queue_and_memory_at_once() -> None:
    class Upload:
        pass

    executor, gate, upload = RankedExecutor("x", 1), Gate(), Upload()
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

    executor, upload = RankedExecutor("x", 1), Upload()
    await executor.run(id, upload)
    held = weakref.ref(upload)
    del upload
    await until(lambda: gc.collect() >= 0 and held() is None)  # the thread lets go of it last of all
    await executor.close()


async def test_close_finishes_what_runs_and_refuses_what_waits() -> None:
    executor, gate = RankedExecutor("x", 1), Gate()
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
    assert executor.stats.workers == 0
    with pytest.raises(Draining):
        await executor.run(id, 1)


async def test_every_job_of_a_storm_ends_exactly_once() -> None:
    executor = RankedExecutor("x", 4)
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
    executor, order, gate = RankedExecutor("rank", 1), list[int](), Gate()
    first = asyncio.create_task(executor.run(gate))
    await begun(gate)
    waiting = [asyncio.create_task(executor.run_at(rank, order.append, rank)) for rank in (2, 0, 1)]
    await until(lambda: executor.stats.queued == 3)
    gate.opened.set()
    await asyncio.gather(first, *waiting)
    await executor.close()
    assert order == [0, 1, 2]
