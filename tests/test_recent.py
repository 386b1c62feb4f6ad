"""Near copies are found again; different photos are not."""

from __future__ import annotations

from pixel_agent.recent import RecentPhotos


def test_a_near_copy_names_the_newest_earlier_scan() -> None:
    recent = RecentPhotos()
    assert recent.near(0b1111, "first") is None
    assert recent.near(0b1110, "second") == "first"
    assert recent.near(0b1100, "third") == "second"


def test_a_different_photo_is_none() -> None:
    recent = RecentPhotos()
    recent.near(0, "first")
    assert recent.near(0xFFFF, "second") is None


def test_memory_is_bounded() -> None:
    recent = RecentPhotos(most=2)
    for number, name in enumerate(("a", "b", "c")):
        recent.near(0xFF << (8 * number), name)
    assert recent.near(0xFF, "again") is None
