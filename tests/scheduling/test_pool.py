"""Replicas under scripted faults: every scan is answered exactly once, and the pool is ready again by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from pixel_agent.core import Batch, Output
from pixel_agent.core.errors import EngineError, EngineUnavailable, OutOfMemory, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import PoolSettings, SchedulerSettings, SimulatedSettings
from pixel_agent.engines.simulated import SimulatedEngine
from pixel_agent.scheduling.batcher import Batcher
from pixel_agent.scheduling.pool import Pool
from pixel_agent.scheduling.replica import ReplicaState
from tests.job_factory import POOL, QUICK, Rig, make_job, running
from tests.virtual_time import run_virtual

Ended = list[Output | BaseException]


async def submit_all(rig: Rig, *data: bytes) -> Ended:
    jobs = [make_job(f"{n}", data=one) for n, one in enumerate(data)]
    return await asyncio.gather(*(rig.batcher.submit(job) for job in jobs), return_exceptions=True)


def faulty(**faults: object) -> SimulatedSettings:
    return SimulatedSettings.model_validate({**QUICK.model_dump(), **faults})


def test_out_of_memory_is_split_until_it_fits() -> None:
    async def main() -> None:
        async with running(faulty(oom_above_items=2)) as rig:
            ended = await submit_all(rig, *[b"photo"] * 9)
            assert all(isinstance(end, Output) for end in ended)
            assert max(rig.batcher.stats().batch_sizes) == 4

    run_virtual(main())


def test_a_replica_remembers_for_a_while_what_was_too_much() -> None:
    async def main() -> None:
        async with running(faulty(oom_above_items=2), PoolSettings(oom_memory_s=10)) as rig:
            await submit_all(rig, *[b"photo"] * 20)
            assert rig.pool.views()[0].max_items == 2
            assert set(rig.batcher.stats().batch_sizes[2:]) == {2, 1}
            await asyncio.sleep(20)
            assert rig.pool.views()[0].max_items == 4

    run_virtual(main())


def test_a_single_scan_that_does_not_fit_gets_its_error() -> None:
    async def main() -> None:
        async with running(faulty(oom_above_items=0)) as rig:
            ended = await submit_all(rig, *[b"photo"] * 5)
            assert all(isinstance(end, OutOfMemory) for end in ended)
            assert rig.pool.ready

    run_virtual(main())


def test_a_failing_batch_is_bisected_to_the_poisoned_scan() -> None:
    async def main() -> None:
        async with running(faulty(poison="BAD")) as rig:
            ended = await submit_all(rig, b"photo", b"photo", b"a BAD one", b"photo", b"photo", b"photo")
            assert [isinstance(end, Output) for end in ended] == [True, True, False, True, True, True]
            assert isinstance(ended[2], EngineError)
            assert "poisoned" in str(ended[2])
            assert rig.pool.stats()[0].restarts == 0

    run_virtual(main())


def test_a_crash_mid_batch_costs_nobody_the_answer() -> None:
    async def main() -> None:
        async with running(faulty(crash_every=3)) as rig:
            ended = await submit_all(rig, *[b"photo"] * 9)
            assert all(isinstance(end, Output) for end in ended)
            assert rig.pool.stats()[0].restarts == 1

    run_virtual(main())


def test_a_second_loss_is_final() -> None:
    async def main() -> None:
        async with running(faulty(crash_every=1)) as rig:
            (ended,) = await submit_all(rig, b"photo")
            assert isinstance(ended, ReplicaLost)
            assert rig.ran == 2
            await asyncio.sleep(60)
            assert rig.pool.ready

    run_virtual(main())


def test_a_hung_engine_is_replaced_and_its_scans_run_again() -> None:
    async def main() -> None:
        async with running(faulty(hang_every=3)) as rig:
            ended = await submit_all(rig, *[b"photo"] * 9)
            assert all(isinstance(end, Output) for end in ended)
            assert len(rig.engines) >= 3  # the sample, the first, its successor

    run_virtual(main())


def test_another_replica_takes_over_at_once() -> None:
    async def main() -> None:
        pool = PoolSettings(restart_min_s=1000, restart_max_s=1000)
        async with running(QUICK, pool, replicas=2) as rig:
            rig.engines[1]._settings = faulty(crash_every=1)
            ended = await submit_all(rig, *[b"photo"] * 8)
            assert all(isinstance(end, Output) for end in ended)
            assert asyncio.get_running_loop().time() < 1
            states = [stats.state for stats in rig.pool.stats()]
            assert sorted(states) == [ReplicaState.DEAD, ReplicaState.READY]

    run_virtual(main())


def test_replicas_work_side_by_side() -> None:
    async def main() -> float:
        async with running(replicas=4) as rig:
            await submit_all(rig, *[b"photo"] * 64)
            assert all(stats.items > 0 for stats in rig.pool.stats())
            return asyncio.get_running_loop().time()

    assert run_virtual(main()) < 64 / 4 * 0.140 / 4 + 0.3


def test_pauses_between_restarts_grow_while_they_do_no_good() -> None:
    async def main() -> None:
        async with running(faulty(crash_every=1), PoolSettings(restart_min_s=1, restart_max_s=8)) as rig:
            starts = []
            for _ in range(6):
                await asyncio.gather(rig.batcher.submit(make_job()), return_exceptions=True)
                starts.append(asyncio.get_running_loop().time())
            gaps = [after - before for before, after in pairwise(starts)]
            assert gaps[0] < gaps[-1] < 17

    run_virtual(main())


def test_nothing_works_on_an_engine_that_fails_everything_so_it_is_replaced() -> None:
    async def main() -> None:
        async with running(faulty(poison="photo"), PoolSettings(failed_batches=2)) as rig:
            ended = await submit_all(rig, *[b"photo"] * 9)
            assert all(isinstance(end, EngineError) for end in ended)
            await asyncio.sleep(5)
            assert rig.pool.stats()[0].restarts >= 1
            assert rig.pool.ready

    run_virtual(main())


def test_a_second_try_leaves_out_who_has_left() -> None:
    async def main() -> None:
        async with running(faulty(poison="BAD")) as rig:
            await submit_all(rig, b"photo")
            tasks = [asyncio.create_task(rig.batcher.submit(make_job(data=one))) for one in (b"BAD", b"x", b"x", b"x")]
            await asyncio.sleep(0.05)
            before = rig.ran
            for task in tasks[1:]:
                task.cancel()
            await asyncio.wait(tasks)
            await asyncio.sleep(5)
            assert rig.ran - before <= 2

    run_virtual(main())


class Lying(SimulatedEngine):
    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        return [Output()] * (len(batch.jobs) + 1)


class Stubborn(SimulatedEngine):
    """Hangs once and ignores cancellation."""

    hung = False

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        if Stubborn.hung:
            return await super().run(batch)
        Stubborn.hung = True
        for _ in range(50):
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                continue
        return [Output(text="too late")] * len(batch.jobs)


class Steady(SimulatedEngine):
    """Takes long, and shows life for so many seconds."""

    beats_s = 5.0

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        for _ in range(int(self.beats_s / 0.5)):
            await asyncio.sleep(0.5)
            batch.beat()
        await asyncio.sleep(5.0 - self.beats_s)
        return [Output(text="at last") for _ in batch.jobs]


class Stalled(Steady):
    beats_s = 2.0


class Early(SimulatedEngine):
    """Knows the first answer long before the others, and then dies."""

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        await asyncio.sleep(0.1)
        batch.answered(batch.jobs[0], Output(text="early"))
        await asyncio.sleep(5)
        if batch.jobs[0].photo.data == b"BAD":
            raise ReplicaLost("gone")
        return [Output(text="late") for _ in batch.jobs]


class Unstartable(SimulatedEngine):
    async def start(self) -> None:
        raise EngineUnavailable("no weights", "Download them.")


async def one_of(kind: type[SimulatedEngine]) -> Output | BaseException:
    batcher = Batcher(Pool([lambda: kind(QUICK)], POOL), SchedulerSettings())
    await batcher.start()
    (ended,) = await asyncio.gather(batcher.submit(make_job()), return_exceptions=True)
    await batcher.stop()
    return ended


def test_a_wrong_number_of_answers_is_an_error() -> None:
    assert isinstance(run_virtual(one_of(Lying)), EngineError)


def test_an_engine_that_ignores_its_cancellation_holds_nobody_up() -> None:
    ended = run_virtual(one_of(Stubborn))
    assert isinstance(ended, Output)
    assert ended.text != "too late"


def test_an_engine_that_works_step_by_step_may_take_long() -> None:
    ended = run_virtual(one_of(Steady))
    assert isinstance(ended, Output)
    assert ended.text == "at last"


def test_an_engine_that_stops_stepping_is_hung() -> None:
    assert isinstance(run_virtual(one_of(Stalled)), ReplicaLost)


async def early(data: bytes) -> tuple[float, list[str]]:
    """After which time the first of a batch of two was answered, and what the answers were."""
    batcher = Batcher(Pool([lambda: Early(QUICK)], PoolSettings(hang_timeout_s=60)), SchedulerSettings())
    await batcher.start()
    loop = asyncio.get_running_loop()
    tasks = [asyncio.create_task(batcher.submit(make_job(data=one))) for one in (b"alone", data, b"photo")]
    await tasks[0]
    while loop.time() < 5.1:
        await asyncio.sleep(0.01)  # the first batch, of one, has ended
    started = loop.time()
    answers = [(await tasks[1]).text]
    at = loop.time() - started
    answers += [end.text if isinstance(end, Output) else str(end) for end in await asyncio.gather(tasks[2])]
    await batcher.stop()
    return at, answers


def test_an_answer_that_is_known_early_goes_out_early_and_once() -> None:
    at, answers = run_virtual(early(b"photo"))
    assert at < 1
    assert answers == ["early", "late"]


def test_what_was_answered_early_does_not_run_again_when_the_engine_is_lost() -> None:
    at, answers = run_virtual(early(b"BAD"))
    assert at < 1
    assert answers == ["early", "early"]  # the second scan is alone in the batch that runs again


def test_if_no_engine_starts_the_reason_is_raised() -> None:
    with pytest.raises(EngineUnavailable, match="no weights"):
        run_virtual(one_of(Unstartable))


def test_one_replica_that_starts_is_enough() -> None:
    async def main() -> None:
        pool = Pool([lambda: Unstartable(QUICK), lambda: SimulatedEngine(QUICK)], POOL)
        batcher = Batcher(pool, SchedulerSettings())
        await batcher.start()
        assert await batcher.submit(make_job())
        assert pool.stats()[0].error == "no weights"
        await batcher.stop()
        assert not pool.ready

    run_virtual(main())
