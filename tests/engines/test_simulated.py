from __future__ import annotations

import asyncio
import json
from time import process_time

import pytest

from pixel_agent.core import Batch, Output, Support
from pixel_agent.core.errors import OutOfMemory, ReplicaLost
from pixel_agent.core.settings import SimulatedSettings
from pixel_agent.engines.simulated import SimulatedEngine, simulated_factory
from tests.job_factory import TASK, make_job
from tests.virtual_time import run_virtual


def batch(items: int, data: bytes = b"photo") -> Batch:
    return Batch(tuple(make_job(f"scan-{n}", data=data) for n in range(items)))


def seconds_of(engine: SimulatedEngine, *batches: Batch) -> float:
    async def main() -> float:
        for one in batches:
            await engine.run(one)
        return asyncio.get_running_loop().time()

    return run_virtual(main())


def test_defaults_are_the_published_device() -> None:
    engine = SimulatedEngine(SimulatedSettings())
    assert engine.limits.max_items == 16
    assert engine.slo_s == 1.0
    assert seconds_of(engine, batch(16)) == pytest.approx(0.245)


def test_time_is_base_plus_items_plus_tokens() -> None:
    engine = SimulatedEngine(SimulatedSettings(base_ms=100, per_item_ms=10, per_token_ms=1))
    assert seconds_of(engine, batch(3)) == pytest.approx(0.142)  # 64 x 64 pixels are 4 tokens each


def test_accounts_for_its_time() -> None:
    engine = SimulatedEngine(SimulatedSettings(base_ms=100, per_item_ms=10))
    seconds_of(engine, batch(2), batch(4))
    assert (engine.batches, engine.items) == (2, 6)
    assert engine.busy_s == pytest.approx(0.26)


def test_spends_time_without_the_cpu() -> None:
    engine = SimulatedEngine(SimulatedSettings(base_ms=200, per_item_ms=0))
    started = process_time()
    asyncio.run(engine.run(batch(1)))
    assert process_time() - started < 0.1


def test_answer_names_task_upload_and_prepared_size() -> None:
    (output,) = run_virtual(SimulatedEngine(SimulatedSettings()).run(batch(1)))
    assert isinstance(output, Output)
    assert json.loads(output.text) == {"task": "ask", "sha256": "scan-0", "width": 64, "height": 64, "simulated": True}
    assert output.tokens is not None
    assert output.tokens.visual == 4


def test_answers_every_task_in_full_at_its_own_budget() -> None:
    engine = SimulatedEngine(SimulatedSettings())
    plan = engine.plan(TASK)
    assert (plan.support, plan.pixel_budget, plan.uses_codes, plan.runs) == (Support.FULL, 512 * 512, False, True)
    assert engine.info.simulated


def test_jitter_repeats_with_its_seed() -> None:
    settings = SimulatedSettings(jitter=0.2, seed=3)
    times = [seconds_of(SimulatedEngine(settings), batch(1)) for _ in range(2)]
    assert times[0] == times[1] != pytest.approx(0.125)


def test_runs_out_of_memory_above_a_size() -> None:
    engine = SimulatedEngine(SimulatedSettings(oom_above_items=2))
    assert seconds_of(engine, batch(2)) > 0
    with pytest.raises(OutOfMemory):
        seconds_of(engine, batch(3))


def test_poison_fails_the_batch() -> None:
    with pytest.raises(ValueError, match="poison"):
        seconds_of(SimulatedEngine(SimulatedSettings(poison="BAD")), batch(2, b"a BAD photo"))


def test_dies_on_every_nth_batch() -> None:
    engine = SimulatedEngine(SimulatedSettings(crash_every=2))
    assert seconds_of(engine, batch(1)) > 0
    with pytest.raises(ReplicaLost):
        seconds_of(engine, batch(1))


def test_devices_of_one_factory_differ_in_luck() -> None:
    make = simulated_factory(SimulatedSettings(jitter=0.2))
    assert seconds_of(make(), batch(1)) != seconds_of(make(), batch(1))


def test_hangs_on_every_nth_batch() -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await SimulatedEngine(SimulatedSettings(hang_every=1)).run(batch(1))

    with pytest.raises(TimeoutError):
        run_virtual(main())
