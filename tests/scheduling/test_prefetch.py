"""Few photos are prepared ahead, the urgent ones first, and no slot is ever lost."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pixel_agent.core import Priority, ScanRequest, ScanSpec
from pixel_agent.core.errors import DeadlineExceeded
from pixel_agent.scheduling.prefetch import Prefetch, PrefetchSlot
from pixel_agent.tasks import DEFAULT_TASK


def request(priority: Priority = Priority.BULK, client: str = "", deadline: float | None = None) -> ScanRequest:
    now = datetime.now(UTC)
    spec = ScanSpec(DEFAULT_TASK.id, priority=priority, client=client)
    return ScanRequest("", spec, DEFAULT_TASK, b"", "", now, deadline=deadline)


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_places_are_bounded_and_given_on() -> None:
    ahead = Prefetch(1)
    first = await ahead.take(request())
    second = asyncio.create_task(ahead.take(request()))
    await settled()
    assert not second.done()
    assert ahead.waiting == 1
    first.release()
    first.release()
    assert isinstance(await second, PrefetchSlot)


async def test_urgent_scans_never_wait_for_less_urgent_ones() -> None:
    ahead = Prefetch(1)
    await ahead.take(request(Priority.BULK))
    await asyncio.wait_for(ahead.take(request(Priority.INTERACTIVE)), 60)


async def test_clients_take_turns() -> None:
    ahead, order = Prefetch(1), list[str]()

    async def one(client: str) -> None:
        with await ahead.take(request(client=client)):
            order.append(client)
            await settled()

    holder = await ahead.take(request(client="a"))
    tasks = [asyncio.create_task(one(client)) for client in ("a", "a", "a", "b")]
    await settled()
    holder.release()
    await asyncio.gather(*tasks)
    assert order.index("b") < 3


async def test_the_earliest_deadline_goes_first() -> None:
    ahead, order = Prefetch(1), list[float]()
    now = asyncio.get_running_loop().time()

    async def one(seconds: float) -> None:
        with await ahead.take(request(deadline=now + seconds)):
            order.append(seconds)

    holder = await ahead.take(request())
    tasks = [asyncio.create_task(one(seconds)) for seconds in (90, 30, 60)]
    await settled()
    holder.release()
    await asyncio.gather(*tasks)
    assert order == [30, 60, 90]


async def test_a_deadline_ends_the_wait() -> None:
    ahead = Prefetch(1)
    holder = await ahead.take(request())
    with pytest.raises(DeadlineExceeded):
        await ahead.take(request(deadline=asyncio.get_running_loop().time() + 0.01))
    assert ahead.waiting == 0
    holder.release()
    await ahead.take(request())


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(Priority), st.sampled_from("ab"), st.booleans()), max_size=25))
def test_no_place_is_lost_or_given_twice(scans: list[tuple[Priority, str, bool]]) -> None:
    async def main() -> None:
        ahead, inside, most = Prefetch(2), [0], [0]

        async def one(priority: Priority, client: str) -> None:
            with await ahead.take(request(priority, client)):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                try:
                    await settled()
                finally:
                    inside[0] -= 1

        tasks = [asyncio.create_task(one(priority, client)) for priority, client, _ in scans]
        await asyncio.sleep(0)
        for task, (_, _, leaves) in zip(tasks, scans, strict=True):
            if leaves:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert ahead.waiting == inside[0] == 0
        assert most[0] <= 6  # each class may hold its own two beside the less urgent ones
        for _ in range(2):
            await asyncio.wait_for(ahead.take(request()), 60)

    asyncio.run(main())
