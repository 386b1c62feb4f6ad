"""The engine as a whole, on the tiny model; its modules have their own tests."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import torch
from pydantic import JsonValue

from pixel_agent.core import Batch, Job, Message, Output, Sampling, Support
from pixel_agent.core.errors import EngineUnavailable, InvalidPhoto, InvalidRequest, OutOfMemory, ReplicaLost
from pixel_agent.core.settings import PoolSettings, SchedulerSettings, Settings
from pixel_agent.engines.choice import engine_factory
from pixel_agent.engines.ocr.engine import EmbeddedEngine
from pixel_agent.engines.qwen.engine import TransformersEngine, has_cuda
from pixel_agent.tasks import Catalogue
from tests.model_jobs import alone, answers, make_job, make_task, mixed_jobs, model_of, running, texts

PRICE: dict[str, JsonValue] = {
    "type": "object",
    "properties": {
        "unit": {"type": ["string", "null"], "enum": ["kg", "500g", None]},
        "sale": {"type": "boolean"},
        "name": {"type": "string", "maxLength": 6},
    },
    "required": ["unit", "sale", "name"],
    "additionalProperties": False,
}
DATE: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"kind": {"enum": ["exp", "mfg"]}},
    "required": ["kind"],
    "additionalProperties": False,
}


async def test_a_batch_of_mixed_sizes_and_tasks_writes_what_each_writes_alone(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        jobs = [*mixed_jobs(), make_job(50, make_task(schema=PRICE, tokens=60)), make_job(51, make_task(tokens=5))]
        together = await texts(engine, jobs)
        assert together == await alone(engine, jobs)
        assert len(set(together)) == len(jobs)


async def test_every_number_of_jobs_and_every_order_gives_the_same_texts(tiny_model: Path) -> None:
    async with running(tiny_model, prefill_tokens=300) as engine:
        jobs = mixed_jobs(5, tokens=12)
        assert (await texts(engine, jobs[::-1]))[::-1] == await texts(engine, jobs)


async def test_answers_longer_than_the_first_room_of_the_cache_go_on(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        jobs = [make_job(1, make_task(tokens=300)), make_job(2, make_task("x", tokens=290))]
        assert await texts(engine, jobs) == await alone(engine, jobs)


async def test_constrained_answers_are_always_valid(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        sampled = Sampling(temperature=5.0, seed=1)
        jobs = [
            make_job(seed, make_task(schema=schema, tokens=120, sampling=sampling))
            for seed in range(6)
            for schema in (PRICE, DATE)
            for sampling in (Sampling(), sampled)
        ]
        for job, output in zip(jobs, await answers(engine, jobs), strict=True):
            jsonschema.validate(json.loads(output.text), job.task.schema)
            assert output.finish_reason == "stop"


async def test_bfloat16_writes_too(tiny_model: Path) -> None:
    async with running(tiny_model, dtype="bfloat16") as engine:
        jobs = [*mixed_jobs(4), make_job(9, make_task(schema=DATE, tokens=60))]
        outputs = await answers(engine, jobs)
        assert all(output.text for output in outputs)
        jsonschema.validate(json.loads(outputs[-1].text), DATE)


async def test_grammars_start_anew_with_every_batch(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        job = make_job(1, make_task(schema=PRICE, tokens=120))
        assert await texts(engine, [job]) == await texts(engine, [job])


async def test_every_schema_of_the_catalogue_guides_a_model(tiny_model: Path) -> None:
    async with running(tiny_model, max_new_tokens=12) as engine:
        tasks = [task for task in Catalogue.load(None) if engine.plan(task).runs and task.photos == 1]
        for output in await answers(engine, [make_job(1, task) for task in tasks]):
            assert output.text.startswith("{")


async def test_a_schema_that_cannot_guide_fails_its_own_job_only(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        bad = make_job(1, make_task(schema={"type": "nonsense"}))
        outcomes = await engine.run(Batch((bad, make_job(2))))
        assert isinstance(outcomes[0], InvalidRequest)
        assert isinstance(outcomes[1], Output)


async def test_streamed_pieces_are_the_answer_and_come_on_the_loop(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        here, told, threads = threading.get_ident(), list[str](), set[int]()

        def hear(text: str) -> None:
            told.append(text)
            threads.add(threading.get_ident())

        jobs = [make_job(1, on_text=hear), make_job(2)]
        silent = await texts(engine, [make_job(1), make_job(2)])
        assert await texts(engine, jobs) == silent
        assert "".join(told) == silent[0]
        assert len(told) > 1
        assert threads == {here}


async def test_a_short_answer_does_not_wait_for_a_long_one(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        short, long = make_job(1, make_task(tokens=3)), make_job(2, make_task(tokens=60))
        known: list[tuple[Job, str]] = []
        batch = Batch((long, short), answered=lambda job, output: known.append((job, output.text)))
        outcomes = await engine.run(batch)
        await asyncio.sleep(0)
        assert known[0][0] is short
        assert [text for _, text in sorted(known, key=lambda pair: pair[0] is short)] == [
            one.text for one in outcomes if isinstance(one, Output)
        ]


async def test_a_forgotten_job_stops_at_the_next_step_and_harms_no_other(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        told: list[str] = []

        def hear(text: str) -> None:
            told.append(text)
            engine.forget(left)

        left = make_job(1, make_task(tokens=2000), on_text=hear)
        stays = make_job(2, make_task(tokens=40))
        outputs = await answers(engine, [left, stays])
        assert outputs[0].finish_reason == "cancelled"
        assert outputs[0].tokens is not None
        assert outputs[0].tokens.completion < 1000
        assert len(told) == 1
        assert [outputs[1].text] == await alone(engine, [stays])


async def test_a_batch_that_nobody_wants_ends(tiny_model: Path) -> None:
    async with running(tiny_model, max_new_tokens=100_000) as engine:
        began = asyncio.Event()
        jobs = [make_job(seed, make_task(tokens=100_000), on_text=lambda _piece: began.set()) for seed in range(3)]
        run = asyncio.create_task(engine.run(Batch(tuple(jobs))))
        await began.wait()
        for job in jobs:
            engine.forget(job)
        assert {one.finish_reason for one in await run if isinstance(one, Output)} == {"cancelled"}


async def test_a_cancelled_run_frees_the_model(tiny_model: Path) -> None:
    async with running(tiny_model, max_new_tokens=100_000) as engine:
        began = asyncio.Event()
        endless = make_job(1, make_task(tokens=100_000), on_text=lambda _piece: began.set())
        run = asyncio.create_task(engine.run(Batch((endless,))))
        await began.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert await texts(engine, [make_job(2)])


GPU_FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
CPU_FULL = RuntimeError("[enforce fail at alloc_cpu.cpp:132] err == 0. DefaultCPUAllocator: can't allocate memory")
GPU_DEAD = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


def full_above(engine: TransformersEngine, rows: int, error: Exception = GPU_FULL) -> None:
    """Let the device run out of memory for more rows than this, as CUDA says it."""

    def refuse(_module: torch.nn.Module, ids: tuple[torch.Tensor, ...], more: dict[str, torch.Tensor]) -> None:
        if len(more["input_ids"]) > rows:
            raise error

    model_of(engine).loaded.model.model.register_forward_pre_hook(refuse, with_kwargs=True)


@pytest.mark.parametrize("error", [GPU_FULL, CPU_FULL])
async def test_too_little_memory_is_told_as_such_and_passes(tiny_model: Path, error: Exception) -> None:
    async with running(tiny_model) as engine:
        full_above(engine, 2, error)
        with pytest.raises(OutOfMemory, match="3 photos"):
            await engine.run(Batch(tuple(make_job(seed) for seed in range(3))))
        assert await texts(engine, [make_job(seed) for seed in range(2)])


@pytest.mark.parametrize(("error", "expected"), [(GPU_DEAD, ReplicaLost), (RuntimeError("a bug"), RuntimeError)])
async def test_other_failures_are_told_apart(tiny_model: Path, error: Exception, expected: type[Exception]) -> None:
    async with running(tiny_model) as engine:
        full_above(engine, 0, error)
        with pytest.raises(expected):
            await engine.run(Batch((make_job(1),)))


async def test_the_pool_splits_a_batch_that_does_not_fit(tiny_model: Path) -> None:
    from pixel_agent.scheduling.batcher import Batcher
    from pixel_agent.scheduling.pool import Pool

    settings = Settings.model_validate(
        {"engine": "transformers", "transformers": {"model": str(tiny_model), "device": "cpu", "dtype": "float32"}}
    )
    pool = Pool([engine_factory(settings)], PoolSettings())
    batcher = Batcher(pool, SchedulerSettings())
    await batcher.start()
    try:
        engine = pool.replicas[0].engine
        assert isinstance(engine, TransformersEngine)
        full_above(engine, 2)
        outputs = await asyncio.gather(*(batcher.submit(make_job(seed)) for seed in range(7)))
        assert all(output.text for output in outputs)
    finally:
        await batcher.stop()


async def test_jobs_that_cannot_be_asked_fail_alone(tiny_model: Path) -> None:
    async with running(tiny_model, max_prompt_tokens=200) as engine:
        strip = make_job(1, size=(4200, 20))
        long = make_job(2, make_task("x" * 500))
        outcomes = await engine.run(Batch((strip, make_job(3), long)))
        assert [type(outcome) for outcome in outcomes] == [InvalidPhoto, Output, InvalidRequest]


async def test_tokens_and_the_reason_to_end_are_told(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        job = make_job(1, make_task("Read.", tokens=7))
        (output,) = await answers(engine, [job])
        assert output.tokens is not None
        assert (output.tokens.visual, output.tokens.completion, output.finish_reason) == (64, 7, "length")
        # <|im_start|>, "user\n", both ends of the photo, 5 letters, <|im_end|>, "\n", <|im_start|>, "assistant\n"
        assert output.tokens.prompt == 1 + 5 + 2 + 5 + 1 + 1 + 1 + 10


async def test_the_engine_bounds_the_length_of_every_task(tiny_model: Path) -> None:
    async with running(tiny_model, max_new_tokens=3) as engine:
        (output,) = await answers(engine, [make_job(1, make_task(tokens=50))])
        assert output.tokens is not None
        assert output.tokens.completion == 3


async def test_stop_strings_end_the_answer_of_their_row(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        (whole,) = await texts(engine, [make_job(1)])
        stop = whole[3:5]
        jobs = [make_job(1, make_task(sampling=Sampling(stop=(stop,)))), make_job(1)]
        assert await texts(engine, jobs) == [whole[: whole.index(stop)], whole]


async def test_sampling_repeats_with_its_seed_and_leaves_greedy_rows_alone(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        hot = make_task(sampling=Sampling(temperature=2.0, top_p=0.9, seed=7))
        other = make_task(sampling=Sampling(temperature=2.0, top_p=0.9, seed=8))
        jobs = [make_job(1, hot), make_job(1), make_job(1, other)]
        first, second = await texts(engine, jobs), await texts(engine, jobs)
        assert first == second
        assert len(set(first)) == 3
        assert [first[1]] == await alone(engine, [make_job(1)])


async def test_the_same_photo_under_another_task_is_seen_once(tiny_model: Path) -> None:
    async with running(tiny_model, photo_memory_bytes=2**20) as engine:
        jobs = [make_job(1), make_job(1, make_task("Another task."))]
        features = model_of(engine).features
        before = features.misses
        together = await texts(engine, jobs)
        assert await texts(engine, jobs) == together
        assert features.misses == before + 1


async def test_everything_runs_on_one_thread(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        threads: set[int] = set()
        model_of(engine).loaded.model.model.register_forward_pre_hook(
            lambda *_: threads.add(threading.get_ident()), with_kwargs=True
        )
        await asyncio.gather(*(engine.run(Batch((make_job(seed),))) for seed in range(3)))
        assert len(threads) == 1
        assert threading.get_ident() not in threads


async def test_a_conversation_replaces_the_prompt(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        messages = (Message("system", ("Be brief.",)), Message("user", ("Look:", None, "What is it?")))
        spoken, usual = await texts(engine, [make_job(1, messages=messages), make_job(1)])
        assert spoken != usual


def test_every_task_is_answered_in_full_at_the_size_the_model_sees() -> None:
    engine = engine_factory(Settings(engine="transformers"))()
    for task in Catalogue.load(None):
        plan = engine.plan(task)
        assert (plan.support, plan.grid, plan.pixel_budget) == (Support.FULL, 32, min(task.pixel_budget, 1280 * 1024))


async def test_batches_are_reckoned_from_the_memory_that_is_left(tiny_model: Path) -> None:
    async with running(tiny_model, max_items=64) as engine:
        loaded = model_of(engine).loaded
        assert loaded.bytes_per_token == 2 * 2 * 2 * 16 * 4  # keys and values, 2 layers, 2 heads of 16 numbers
        assert engine.limits.max_items == 64
        assert engine.limits.max_tokens * loaded.bytes_per_token < loaded.free_bytes
        assert engine.limits.reckons_memory


async def test_rows_that_do_not_fit_beside_each_other_are_written_in_turn(tiny_model: Path) -> None:
    async with running(tiny_model) as engine:
        jobs = [*mixed_jobs(6), make_job(9, make_task("x" * 900))]
        together = await texts(engine, jobs)
        model, rows = model_of(engine), list[int]()
        model.loaded.model.model.language_model.register_forward_pre_hook(
            lambda _module, _given, more: rows.append(len(more["position_ids"][0])), with_kwargs=True
        )
        await texts(engine, jobs)
        assert max(rows) == 7
        loaded = model.loaded
        room = 8192 * loaded.reading_bytes_per_token + 2000 * loaded.bytes_per_token
        model.loaded = replace(loaded, free_bytes=round(room / 0.85))
        rows.clear()
        assert await texts(engine, jobs) == together
        assert max(rows) == 6


def test_auto_takes_the_model_only_where_there_is_a_gpu() -> None:
    expected = TransformersEngine if has_cuda() else EmbeddedEngine
    assert isinstance(engine_factory(Settings())(), expected)


async def test_an_engine_that_has_not_started_says_so() -> None:
    job: Job = make_job(1)
    with pytest.raises(EngineUnavailable, match="not been started"):
        await engine_factory(Settings(engine="transformers"))().run(Batch((job,)))
