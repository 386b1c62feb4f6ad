"""Near copies are found again; different photos, and other tasks on the same photo, are not."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from pixel_agent.core import Photo, ScanRequest, ScanSpec
from pixel_agent.photo.near_duplicates import RecentPhotos
from pixel_agent.tasks import Catalogue

PIXELS = np.zeros((8, 8, 3), np.uint8)


def see(
    recent: RecentPhotos, scan_id: str, look: int, *, file: str = "", task: str = "photo_check", store: str = ""
) -> str | None:
    photo = Photo(b"", file or scan_id, "", 8, 8, PIXELS, lambda _: PIXELS)
    now = datetime.now(UTC)
    request = ScanRequest(scan_id, ScanSpec(task, store_id=store), Catalogue().find(task), b"", "", now)
    found = recent.near(photo, look, request)
    recent.remember(photo, look, request)
    return found


def test_a_near_copy_names_the_newest_earlier_scan() -> None:
    recent = RecentPhotos()
    assert see(recent, "first", 0b1111) is None
    assert see(recent, "second", 0b1110) == "first"
    assert see(recent, "third", 0b1100) == "second"


def test_a_different_photo_is_none() -> None:
    recent = RecentPhotos()
    see(recent, "first", 0)
    assert see(recent, "second", 0xFFFF) is None


def test_the_same_file_is_a_duplicate_only_for_the_same_task() -> None:
    recent = RecentPhotos()
    see(recent, "first", 7, file="a")
    assert see(recent, "second", 7, file="a", task="text_read") is None
    assert see(recent, "third", 7, file="a") == "first"


def test_another_store_is_another_matter() -> None:
    recent = RecentPhotos()
    see(recent, "first", 7, store="A")
    assert see(recent, "second", 7, store="B") is None


def test_memory_is_bounded() -> None:
    recent = RecentPhotos(most=2)
    for number, name in enumerate(("a", "b", "c")):
        see(recent, name, 0xFF << (8 * number))
    assert see(recent, "again", 0xFF) is None
