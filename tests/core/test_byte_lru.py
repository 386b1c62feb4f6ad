"""The cache removes the least recently used values first, and never exceeds its limit in bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.core.byte_lru import ByteLru


def test_what_was_used_last_stays() -> None:
    cache = ByteLru[str, int](20)
    cache.put("a", 1, 10)
    cache.put("b", 2, 10)
    assert cache.get("a") == 1
    cache.put("c", 3, 10)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]


def test_a_value_is_replaced_with_its_size() -> None:
    cache = ByteLru[str, int](20)
    cache.put("a", 1, 15)
    cache.put("a", 2, 5)
    assert (cache.get("a"), cache.bytes) == (2, 5)


def test_what_is_larger_than_the_cache_is_not_kept_and_drops_the_old_value() -> None:
    cache = ByteLru[str, int](20)
    cache.put("a", 1, 5)
    cache.put("a", 2, 21)
    assert (cache.get("a"), cache.bytes) == (None, 0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40)), max_size=40))
def test_the_bytes_are_those_of_what_is_kept(puts: list[tuple[int, int]]) -> None:
    cache, sizes = ByteLru[int, int](50), dict[int, int]()
    for key, size in puts:
        cache.put(key, size, size)
        sizes[key] = size
    assert cache.bytes == sum(sizes[key] for key in sizes if cache.get(key) is not None) <= 50
