"""Records and photos on both databases."""

from __future__ import annotations

from pixel_agent.store.store import Store


async def test_a_new_store_is_empty_and_works(store: Store) -> None:
    assert store.state.ok
