from __future__ import annotations

import asyncio
from time import monotonic

from tests.virtual_time import run_virtual


def test_a_virtual_hour_takes_no_time() -> None:
    async def main() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time()

    started = monotonic()
    assert run_virtual(main()) == 3600
    assert monotonic() - started < 60


def test_timers_fire_in_order_and_exactly_in_time() -> None:
    async def main() -> list[tuple[str, float]]:
        loop, seen = asyncio.get_running_loop(), list[tuple[str, float]]()

        async def note(name: str, after: float) -> None:
            await asyncio.sleep(after)
            seen.append((name, loop.time()))

        await asyncio.gather(note("late", 0.3), note("early", 0.1))
        return seen

    assert run_virtual(main()) == [("early", 0.1), ("late", 0.3)]


def test_threads_still_work() -> None:
    async def main() -> int:
        return await asyncio.to_thread(lambda: 7)

    assert run_virtual(main()) == 7
