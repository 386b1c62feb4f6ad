from __future__ import annotations

import asyncio
import json

import pytest

from pixel_agent.core import Output, Priority
from pixel_agent.core.errors import DeadlineExceeded, Draining, EngineUnavailable, PixelAgentError
from pixel_agent.core.settings import PoolSettings, SchedulerSettings
from pixel_agent.scheduling.policy import DeviceSnapshot
from tests.job_factory import QUICK, make_job, running
from tests.virtual_time import run_virtual


def test_every_job_gets_its_own_answer() -> None:
    async def main() -> None:
        async with running() as rig:
            outputs = await asyncio.gather(*(rig.batcher.submit(make_job(f"{n}")) for n in range(10)))
            assert [json.loads(output.text)["sha256"] for output in outputs] == [f"{n}" for n in range(10)]
            assert rig.ran == 10

    run_virtual(main())


def test_a_single_scan_starts_at_once() -> None:
    async def main() -> float:
        async with running() as rig:
            await rig.batcher.submit(make_job())
            return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(0.110)


def test_the_device_never_idles_while_scans_wait() -> None:
    async def main() -> tuple[float, float]:
        async with running() as rig:
            await asyncio.gather(*(rig.batcher.submit(make_job()) for _ in range(41)))
            return asyncio.get_running_loop().time(), rig.pool.stats()[0].busy_s

    elapsed, busy = run_virtual(main())
    assert elapsed == pytest.approx(0.110 + 10 * 0.140)
    assert busy == pytest.approx(elapsed)


def test_a_cancelled_scan_never_reaches_the_device() -> None:
    async def main() -> None:
        async with running() as rig:
            first = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0.05)
            others = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(1000)]
            await asyncio.sleep(0.05)
            for task in others:
                task.cancel()
            ended = await asyncio.gather(*others, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ended)
            await first
            assert await rig.batcher.submit(make_job("after"))
            assert rig.ran == 2
            assert rig.batcher.stats().cancelled == 1000
            assert rig.batcher.stats().in_flight == 0

    run_virtual(main())


def test_cancelled_in_the_very_moment_of_dispatch() -> None:
    async def main() -> None:
        async with running() as rig:
            first = asyncio.create_task(rig.batcher.submit(make_job()))
            leaver = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_at(0.110, leaver.cancel)
            await first
            await asyncio.wait([leaver])
            await asyncio.sleep(1)
            assert rig.ran == 1

    run_virtual(main())


def test_leaving_in_flight_discards_the_result_and_harms_nobody() -> None:
    async def main() -> None:
        async with running() as rig:
            await asyncio.gather(rig.batcher.submit(make_job()))
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(3)]
            await asyncio.sleep(0.01)
            tasks[0].cancel()
            left, *stayed = await asyncio.gather(*tasks, return_exceptions=True)
            assert isinstance(left, asyncio.CancelledError)
            assert all(isinstance(output, Output) for output in stayed)

    run_virtual(main())


def test_a_deadline_acts_while_queued() -> None:
    async def main() -> None:
        async with running() as rig:
            first = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0)
            with pytest.raises(DeadlineExceeded, match="waited"):
                await rig.batcher.submit(make_job(deadline=0.05))
            assert asyncio.get_running_loop().time() == pytest.approx(0.05)
            await first
            assert rig.ran == 1
            assert rig.batcher.stats().expired == 1

    run_virtual(main())


def test_a_deadline_acts_in_flight() -> None:
    async def main() -> None:
        async with running() as rig:
            with pytest.raises(DeadlineExceeded, match="ran"):
                await rig.batcher.submit(make_job(deadline=0.08))
            assert asyncio.get_running_loop().time() == pytest.approx(0.08)

    run_virtual(main())


def test_a_deadline_that_has_passed_is_refused() -> None:
    async def main() -> None:
        async with running() as rig:
            with pytest.raises(DeadlineExceeded):
                await rig.batcher.submit(make_job(deadline=-1.0))
            assert rig.ran == 0

    run_virtual(main())


def test_interactive_goes_before_bulk() -> None:
    async def main() -> list[str]:
        async with running() as rig:
            order: list[str] = []

            async def scan(name: str, priority: Priority) -> None:
                await rig.batcher.submit(make_job(name, priority=priority))
                order.append(name)

            bulk = [asyncio.create_task(scan("bulk", Priority.BULK)) for _ in range(9)]
            await asyncio.sleep(0.05)
            await scan("urgent", Priority.INTERACTIVE)
            assert rig.batcher.stats().waiting[Priority.BULK] == 1
            await asyncio.gather(*bulk)
            return order

    assert run_virtual(main()).index("urgent") == 1


def test_the_same_job_may_come_twice() -> None:
    async def main() -> None:
        async with running() as rig:
            job = make_job()
            assert len(await asyncio.gather(rig.batcher.submit(job), rig.batcher.submit(job))) == 2

    run_virtual(main())


def test_an_idle_device_waits_for_a_fuller_batch_when_scans_pour_in() -> None:
    device = QUICK.model_copy(update={"max_items": 64, "per_item_ms": 1})

    async def main() -> None:
        async with running(device, scheduler=SchedulerSettings(window_ms=50)) as rig:
            tasks = []
            for _ in range(50):
                tasks.append(asyncio.create_task(rig.batcher.submit(make_job())))
                await asyncio.sleep(0.01)
            await asyncio.gather(*tasks)
            one = asyncio.create_task(rig.batcher.submit(make_job()))
            await asyncio.sleep(0.02)
            assert (last := rig.batcher.stats().last) is not None
            assert "expected" in last.why
            await asyncio.gather(one, rig.batcher.submit(make_job()))
            assert rig.batcher.stats().batch_sizes[-1] == 2

    run_virtual(main())


def test_two_clients_in_a_closed_loop_learn_to_share_batches() -> None:
    async def main() -> None:
        async with running() as rig:

            async def client(think_s: float) -> None:
                for _ in range(40):
                    await rig.batcher.submit(make_job())
                    await asyncio.sleep(think_s)

            await asyncio.gather(client(0.005), client(0.008))
            assert rig.batcher.stats().batch_sizes[-10:] == (2,) * 10

    run_virtual(main())


def test_drains_what_is_inside_and_takes_nothing_new() -> None:
    async def main() -> None:
        async with running() as rig:
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(10)]
            await asyncio.sleep(0.01)
            drained = asyncio.create_task(rig.batcher.drain(5))
            await asyncio.sleep(0)
            with pytest.raises(Draining):
                await rig.batcher.submit(make_job())
            assert await drained
            assert all(isinstance(output, Output) for output in await asyncio.gather(*tasks))

    run_virtual(main())


def test_a_drain_that_takes_too_long_ends_the_rest() -> None:
    async def main() -> None:
        async with running() as rig:
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(40)]
            await asyncio.sleep(0.01)
            assert not await rig.batcher.drain(0.3)
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert sum(isinstance(end, Output) for end in ended) == 5
            assert sum(isinstance(end, Draining) for end in ended) == 35

    run_virtual(main())


def test_stopping_settles_everything() -> None:
    async def main() -> None:
        async with running() as rig:
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(9)]
            await asyncio.sleep(0.01)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, Draining) for end in ended)

    run_virtual(main())


def test_a_crash_of_its_own_fails_the_waiting_and_turns_health_off() -> None:
    def broken() -> dict[str, DeviceSnapshot]:
        raise ZeroDivisionError

    async def main() -> None:
        async with running() as rig:
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(9)]
            await asyncio.sleep(0.01)
            rig.batcher._gpus = broken
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            assert any(isinstance(end, EngineUnavailable) for end in ended)
            assert all(isinstance(end, Output | PixelAgentError) for end in ended)
            assert not rig.batcher.healthy
            with pytest.raises(EngineUnavailable):
                await rig.batcher.submit(make_job())

    run_virtual(main())


def test_knows_positions_lengths_and_why() -> None:
    async def main() -> None:
        async with running() as rig:
            tasks = [asyncio.create_task(rig.batcher.submit(make_job(f"{n}"))) for n in range(5)]
            tasks.append(asyncio.create_task(rig.batcher.submit(make_job("bulk", priority=Priority.BULK))))
            await asyncio.sleep(0.05)
            tasks.append(asyncio.create_task(rig.batcher.submit(make_job("late"))))
            await asyncio.sleep(0)
            stats = rig.batcher.stats()
            assert (stats.waiting[Priority.INTERACTIVE], stats.waiting[Priority.BULK], stats.in_flight) == (5, 1, 1)
            assert stats.oldest_wait_s == pytest.approx(0.05)
            assert stats.last is not None
            assert "led by interactive" in stats.last.why
            places = [rig.batcher.places().get(name, (None,))[0] for name in ("1", "late", "bulk", "0", "unknown")]
            assert places == [0, 4, 5, None, None]
            await asyncio.gather(*tasks)
            assert rig.batcher.stats().batch_sizes == (1, 4, 2)

    run_virtual(main())


def test_the_forecast_is_what_happens() -> None:
    async def main() -> None:
        async with running() as rig:
            await asyncio.gather(*(rig.batcher.submit(make_job()) for _ in range(41)))
            tasks = [asyncio.create_task(rig.batcher.submit(make_job())) for _ in range(8)]
            await asyncio.sleep(0.01)
            forecast = rig.batcher.forecast()
            assert forecast.measured
            assert forecast.batch_items == 4
            assert forecast.per_s == pytest.approx(4 / 0.140, rel=0.05)
            assert forecast.free_at - asyncio.get_running_loop().time() == pytest.approx(0.1, rel=0.1)
            assert forecast.in_flight == (1, 0, 0)
            await asyncio.gather(*tasks)

    run_virtual(main())


def test_without_any_engine_scans_wait_for_a_bounded_time() -> None:
    device = QUICK.model_copy(update={"crash_every": 1})
    pool = PoolSettings(restart_min_s=100, restart_max_s=100, recovery_s=2)

    async def main() -> None:
        async with running(device, pool) as rig:
            with pytest.raises(EngineUnavailable, match="No engine is up"):
                await rig.batcher.submit(make_job())
            assert asyncio.get_running_loop().time() == pytest.approx(2.055)
            assert not rig.pool.ready
            with pytest.raises(EngineUnavailable):
                await rig.batcher.submit(make_job())

    run_virtual(main())


def test_a_listener_that_fails_harms_its_own_scan_only() -> None:
    def broken() -> None:
        raise RuntimeError("no listener")

    async def main() -> None:
        async with running() as rig:
            ends = await asyncio.gather(
                rig.batcher.submit(make_job(), broken), rig.batcher.submit(make_job()), return_exceptions=True
            )
            assert isinstance(ends[0], RuntimeError)
            assert isinstance(ends[1], Output)
            assert rig.batcher.healthy

    run_virtual(main())
