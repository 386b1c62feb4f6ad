from __future__ import annotations

from pixel_agent.scheduling.byte_budget import ByteBudget


def test_no_client_holds_more_than_its_share() -> None:
    budget = ByteBudget(100)
    held = budget.reserve(40, "a")
    assert budget.fits(10, client="a")
    assert not budget.fits(11, client="a")
    assert budget.fits(50, client="b")
    held.release()
    assert budget.fits(50, client="a")
    assert budget.used_bytes == 0


def test_a_client_without_a_name_is_bound_by_the_whole_alone() -> None:
    budget = ByteBudget(100)
    budget.reserve(90)
    assert budget.fits(10)
    assert not budget.fits(11)
