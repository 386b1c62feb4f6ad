"""A photo can harm only itself: after any failure of a decoder the others are answered, and it is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from pixel_agent.core import sha256_of
from pixel_agent.core.errors import Draining, InvalidPhoto
from pixel_agent.photo.decoder_pool import DecoderPool
from pixel_agent.photo.nursery import Nursery
from pixel_agent.photo.work import Order
from tests.photo.pictures import encode, scene, slow_png
from tests.waiting import PATIENCE_S, until

PIXELS = Order("pixels", 50_000_000, 2**30, 512 * 512, assess=True)
SMALL = encode(scene(), "JPEG")
SLOW = slow_png()


@asynccontextmanager
async def pooled(
    processes: int = 1, *, slow: int = 1, memory_bytes: int = 2**30
) -> AsyncIterator[tuple[DecoderPool, Nursery]]:
    nursery = Nursery()
    pool = DecoderPool(nursery, processes, slow=slow, memory_bytes=memory_bytes, timeout_s=PATIENCE_S)
    try:
        yield pool, nursery
    finally:
        await pool.close()
        await nursery.close()


async def kill_busy(pool: DecoderPool) -> None:
    """Kill the only decoder while it works."""
    await until(lambda: pool.stats.busy == 1 and len(pool.pids) == 1)
    os.kill(pool.pids[0], signal.SIGKILL)


async def works(pool: DecoderPool) -> None:
    made, assessed = await pool.run(PIXELS, SMALL)
    assert made.pixels is not None
    assert (await assessed()).quality.readable


async def test_a_decoder_that_is_killed_once_costs_nothing() -> None:
    async with pooled() as (pool, _):
        running = asyncio.create_task(pool.run(PIXELS, SLOW))
        await kill_busy(pool)
        assert (await running)[0].header.width == 4000
        assert pool.stats.replaced == 1


async def test_a_photo_that_ends_its_decoder_twice_is_refused_and_remembered() -> None:
    async with pooled() as (pool, _):
        running = asyncio.create_task(pool.run(PIXELS, SLOW, client="attacker"))
        await kill_busy(pool)
        await until(lambda: pool.stats.replaced == 1)
        await kill_busy(pool)
        with pytest.raises(InvalidPhoto, match="ends the decoder"):
            await running
        await works(pool)
        done = pool.stats.done
        with pytest.raises(InvalidPhoto, match="ends the decoder"):
            await pool.run(PIXELS, SLOW)
        assert (pool.stats.done, pool.stats.replaced) == (done, 2)


async def test_others_are_answered_while_decoders_die() -> None:
    async with pooled(2) as (pool, _):
        killed = asyncio.create_task(pool.run(PIXELS, SLOW, client="a"))
        await until(lambda: pool.stats.busy == 1)
        others = [asyncio.create_task(pool.run(PIXELS, SMALL, client="b")) for _ in range(20)]
        for _ in range(2):
            for pid in pool.pids:
                os.kill(pid, signal.SIGKILL)
            await until(lambda: len(pool.pids) == 2)
        done = await asyncio.gather(killed, *others, return_exceptions=True)
        assert sum(isinstance(one, BaseException) for one in done) <= 3  # those whose decoder was killed both times
        await works(pool)


async def test_a_photo_that_takes_too_long_is_refused_and_its_decoder_replaced() -> None:
    async with pooled() as (pool, _):
        await works(pool)
        await until(lambda: pool.stats.busy == 0)
        os.kill(pool.pids[0], signal.SIGSTOP)
        pool._timeout_s = 0.1
        with pytest.raises(InvalidPhoto, match=r"more than 0\.1 s"):
            await pool.run(PIXELS, SLOW)
        pool._timeout_s = PATIENCE_S
        await works(pool)
        with pytest.raises(InvalidPhoto, match=r"more than 0\.1 s"):
            await pool.run(PIXELS, SLOW)
        assert pool.stats.replaced == 1


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="only Linux limits the memory of a process")
async def test_a_photo_that_takes_too_much_memory_is_refused_and_its_decoder_replaced() -> None:
    async with pooled(memory_bytes=150 * 2**20) as (pool, _):
        await works(pool)
        with pytest.raises(InvalidPhoto, match="memory"):
            await pool.run(Order("pixels", 10**9, 2**40), slow_png(8000))
        await works(pool)
        assert pool.stats.replaced == 1


async def test_the_nursery_is_replaced_too() -> None:
    async with pooled(2) as (pool, nursery):
        await works(pool)
        assert nursery._process is not None
        nursery._process.kill()
        await until(lambda: pool.stats.replaced == 2)
        await works(pool)


async def test_nothing_is_left_of_a_pool_that_was_closed() -> None:
    before = set(Path("/dev/shm").glob("*")) if Path("/dev/shm").exists() else set()
    async with pooled(2) as (pool, _):
        await works(pool)
        await until(lambda: len(pool.pids) == 2)
        pids = pool.pids
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids)
    assert before == (set(Path("/dev/shm").glob("*")) if Path("/dev/shm").exists() else set())


async def test_decoders_end_when_the_server_dies(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from tests.photo.test_decoder_pool import pooled, works\n"
        "from tests.waiting import until\n"
        "async def main():\n"
        "    async with pooled(2) as (pool, nursery):\n"
        "        await works(pool)\n"
        "        await until(lambda: len(pool.pids) == 2)\n"
        "        print(*pool.pids, nursery._process.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert server.stdout is not None
    pids = [int(pid) for pid in (await server.stdout.readline()).split()]
    assert len(pids) == 3
    server.kill()
    await server.wait()
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


async def test_close_refuses_what_waits_and_finishes_what_runs() -> None:
    async with pooled() as (pool, _):
        running = asyncio.create_task(pool.run(PIXELS, SLOW))
        await until(lambda: pool.stats.busy == 1)
        waiting = asyncio.create_task(pool.run(PIXELS, SMALL))
        await until(lambda: pool.stats.queued == 1)
        await pool.close()
        assert (await running)[0].pixels is not None
        with pytest.raises(Draining):
            await waiting
        with pytest.raises(Draining):
            await pool.run(PIXELS, SMALL)


async def test_a_cancelled_order_leaves_the_queue() -> None:
    async with pooled() as (pool, _):
        running = asyncio.create_task(pool.run(PIXELS, SLOW))
        await until(lambda: pool.stats.busy == 1)
        waiting = asyncio.create_task(pool.run(PIXELS, SMALL))
        await until(lambda: pool.stats.queued == 1)
        waiting.cancel()
        running.cancel()
        await asyncio.gather(waiting, running, return_exceptions=True)
        assert pool.stats.queued == 0
        await works(pool)


async def test_one_client_with_many_slow_photos_does_not_hold_up_another() -> None:
    async with pooled() as (pool, _):
        await works(pool)
        order = []

        async def noted(name: str, data: bytes) -> None:
            await pool.run(PIXELS, data, client=name, sha256=sha256_of(data))
            order.append(name)

        bombs = [noted("attacker", slow_png(2000 + number)) for number in range(12)]
        attack = asyncio.gather(*bombs)
        await until(lambda: pool.stats.queued >= 11)
        await noted("honest", SMALL)
        assert order.count("attacker") <= 1
        await attack


async def test_slow_types_leave_decoders_for_the_others() -> None:
    async with pooled(2) as (pool, _):
        pool.start()
        await until(lambda: len(pool.pids) == 2)
        heic = encode(scene(800, 600), "HEIC")
        slow = [asyncio.create_task(pool.run(PIXELS, heic + bytes((n,)))) for n in range(12)]
        await until(lambda: pool.stats.queued == 11)
        await pool.run(PIXELS, SMALL)
        assert not all(task.done() for task in slow)
        await asyncio.gather(*slow)


@pytest.mark.parametrize(
    "nonsense",
    [b"not JSON\n", b'{"header": 1}\n', b"[]\n", b'{"header": {}, "shape": [1, 1, 3]}\n', b'{"assessment": {}}\n'],
)
async def test_a_decoder_that_says_nonsense_is_replaced(nonsense: bytes) -> None:
    async with pooled() as (pool, _):
        running = asyncio.create_task(pool.run(PIXELS, SLOW))
        await until(lambda: pool.stats.busy == 1)
        (decoder,) = pool._decoders
        pool._take(decoder, nonsense.rstrip(b"\n"))
        assert (await running)[0].pixels is not None
        assert pool.stats.replaced == 1


async def test_no_room_for_processes_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> Callable[[], None]:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    async with pooled() as (pool, _):
        with monkeypatch.context() as patch:
            patch.setattr("pixel_agent.photo.nursery._start", refused)
            running = asyncio.create_task(pool.run(PIXELS, SMALL))
            await until(lambda: pool.stats.queued == 1)
        assert (await running)[0].pixels is not None
