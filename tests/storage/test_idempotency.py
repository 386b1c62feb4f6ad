"""Idempotency keys: one request per key, its answer is stored for a time, and a dead process blocks no key."""

from __future__ import annotations

import pytest

from pixel_agent.core.errors import IdempotencyMismatch
from pixel_agent.core.settings import AsyncSettings
from pixel_agent.storage import idempotency
from pixel_agent.storage.idempotency import IdempotencyKeys, Key
from pixel_agent.storage.store import Store

KEY = Key("k", "c", "photo")
OTHER = Key("k", "c", "another photo")


class Clock:
    now_ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(store: Store, clock: Clock) -> IdempotencyKeys:
    settings = AsyncSettings(lease_s=1, idempotency_hours=5 / 3600)
    return IdempotencyKeys(store.db, settings, clock)


async def test_a_key_whose_process_died_is_free_after_its_lease(keys: IdempotencyKeys, clock: Clock) -> None:
    assert await keys.begin(KEY) == idempotency.FIRST
    clock.now_ms += 1000
    assert await keys.begin(KEY) == idempotency.RUNNING
    clock.now_ms += 1
    assert await keys.begin(KEY) == idempotency.FIRST


async def test_a_renewed_key_stays_taken(keys: IdempotencyKeys, clock: Clock) -> None:
    await keys.begin(KEY)
    clock.now_ms += 900
    await keys.renew(KEY)
    clock.now_ms += 900
    assert await keys.begin(KEY) == idempotency.RUNNING


async def test_an_answer_is_remembered_for_its_time(keys: IdempotencyKeys, clock: Clock) -> None:
    await keys.begin(KEY)
    await keys.complete(KEY, "answer")
    await keys.release(KEY)  # too late: it is answered
    clock.now_ms += 5000
    assert await keys.begin(KEY) == "answer"
    with pytest.raises(IdempotencyMismatch):
        await keys.begin(OTHER)
    clock.now_ms += 1
    assert await keys.begin(OTHER) == idempotency.FIRST


async def test_a_released_key_is_free_at_once(keys: IdempotencyKeys) -> None:
    await keys.begin(KEY)
    await keys.release(KEY)
    assert await keys.begin(OTHER) == idempotency.FIRST


async def test_old_keys_are_forgotten(store: Store, keys: IdempotencyKeys, clock: Clock) -> None:
    await keys.begin(KEY)
    async with store.db.write() as conn:
        assert await idempotency.forget(conn, clock.now_ms) == 0
        assert await idempotency.forget(conn, clock.now_ms + 1) == 1
