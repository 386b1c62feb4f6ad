"""Small and annotated copies: the right size, upright, and the latest kept within a bound."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import thumbnails
from pixel_agent.photo.thumbnails import ANNOTATED_SIDE, Pictures, annotated, thumbnail
from tests.readings import row

SETTINGS = PhotoSettings()


def drawn(width: int, height: int, kind: str = "JPEG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind)
    return buffer.getvalue()


def size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


@settings(deadline=None, max_examples=60)
@given(st.integers(100, 900), st.integers(100, 900), st.integers(64, 1024), st.sampled_from(["JPEG", "PNG"]))
def test_the_longer_side_is_met_and_small_photos_are_not_enlarged(w: int, h: int, side: int, kind: str) -> None:
    width, height = size(thumbnail(drawn(w, h, kind), side, SETTINGS))
    assert max(width, height) <= side
    assert max(width, height) >= min(side, max(w, h)) * 0.9
    assert (width, height) == (w, h) or max(w, h) > side


def test_annotated_photos_are_bounded_and_boxes_keep_their_place() -> None:
    data = annotated(drawn(3000, 1500), [row((1500, 750, 3000, 1500), name="水")], SETTINGS)
    image = Image.open(BytesIO(data)).convert("RGB")
    assert image.size == (ANNOTATED_SIDE, ANNOTATED_SIDE // 2)
    teal = image.getpixel((100, 100))
    assert image.getpixel((ANNOTATED_SIDE // 2, 600)) != teal
    assert image.getpixel((ANNOTATED_SIDE // 2 - 20, 600)) == teal


async def test_a_thumbnail_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Pictures(SETTINGS)
    first = await made.thumbnail(drawn(640, 480), "a", 320)
    assert made.kept("a", 320) is first
    assert await made.thumbnail(b"not looked at", "a", 320) is first
    assert made.kept("a", 64) is None
    await made.close()


async def test_the_latest_thumbnails_are_kept_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    one = thumbnail(drawn(640, 480), 320, SETTINGS)
    monkeypatch.setattr(thumbnails, "CACHE_BYTES", len(one) * 2)
    made = Pictures(SETTINGS)
    for name in "ab":
        await made.thumbnail(drawn(640, 480), name, 320)
    made.kept("a", 320)
    await made.thumbnail(drawn(640, 480), "c", 320)
    assert [made.kept(name, 320) is not None for name in "abc"] == [True, False, True]
    await made.close()


async def test_what_is_no_photo_is_an_error_of_ours() -> None:
    made = Pictures(SETTINGS)
    with pytest.raises(InvalidPhoto):
        await made.thumbnail(b"\xff\xd8\xff\xe0", "a", 320)
    await made.close()
