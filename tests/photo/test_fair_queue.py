"""The fair queue: by rank, then by the client's use so far, then by arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.photo.fair_queue import REMEMBERED, FairQueue


def popped(queue: FairQueue[str]) -> list[str]:
    found = []
    while (item := queue.pop()) is not None:
        found.append(item)
    return found


def test_the_lowest_rank_goes_first_then_who_came_first() -> None:
    queue = FairQueue[str]()
    for rank, item in ((1, "a"), (0, "b"), (1, "c"), (0, "d")):
        queue.push(rank, "", item)
    assert popped(queue) == ["b", "d", "a", "c"]


def test_a_client_with_one_item_does_not_wait_for_all_of_another() -> None:
    queue = FairQueue[str]()
    for number in range(30):
        queue.push(0, "many", f"bomb {number}")
    assert queue.pop() == "bomb 0"
    queue.used("many", 3.0)
    queue.push(0, "one", "scan")
    assert queue.pop() == "scan"


def test_clients_share_time_and_not_turns() -> None:
    queue, order = FairQueue[str](), []
    for number in range(12):
        queue.push(0, "slow", f"slow {number}")
        queue.push(0, "quick", f"quick {number}")
    for _ in range(8):
        item = queue.pop()
        assert item is not None
        client = item.split()[0]
        queue.used(client, 3.0 if client == "slow" else 1.0)
        order.append(client)
    assert order.count("quick") >= 2 * order.count("slow")


def test_an_idle_client_saves_up_nothing() -> None:
    queue = FairQueue[str]()
    queue.push(0, "busy", "first")
    queue.pop()
    queue.used("busy", 100.0)
    queue.push(0, "busy", "second")
    queue.pop()
    queue.used("busy", 1.0)
    for number in range(3):
        queue.push(0, "late", f"late {number}")
        queue.push(0, "busy", f"busy {number}")
    first = queue.pop()
    queue.used("late", 2.0)
    assert (first, queue.pop()) == ("late 0", "busy 0")


def test_what_does_not_fit_lets_others_pass() -> None:
    queue = FairQueue[str]()
    queue.push(0, "a", "heic")
    queue.push(1, "b", "jpeg")
    assert queue.pop(lambda item: item != "heic") == "jpeg"
    assert queue.pop(lambda item: item != "heic") is None
    assert len(queue) == 1


def test_removed_items_do_not_come() -> None:
    queue = FairQueue[str]()
    queue.push(0, "a", "one")
    queue.push(0, "a", "two")
    queue.remove(0, "a", "one")
    queue.remove(0, "a", "one")
    queue.remove(3, "b", "never there")
    assert (len(queue), popped(queue), len(queue)) == (1, ["two"], 0)


def test_clients_are_forgotten() -> None:
    queue = FairQueue[str]()
    for number in range(3 * REMEMBERED):
        queue.push(0, str(number), "x")
        queue.pop()
        queue.used(str(number), 0.001 * number)
    assert len(queue._used_s) <= REMEMBERED + 1


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abc"), st.floats(0, 5)), max_size=40))
def test_nothing_is_lost_or_doubled(items: list[tuple[int, str, float]]) -> None:
    queue = FairQueue[int]()
    for number, (rank, client, _) in enumerate(items):
        queue.push(rank, client, number)
    found = []
    while (item := queue.pop()) is not None:
        queue.used(items[item][1], items[item][2])
        found.append(item)
    assert sorted(found) == list(range(len(items)))
    assert [items[number][0] for number in found] == sorted(rank for rank, _, _ in items)
    assert queue.drain() == []
