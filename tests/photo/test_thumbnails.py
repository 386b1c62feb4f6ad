"""Small and annotated copies: the right size, upright, and a bounded cache."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo import thumbnails
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.photo.thumbnails import ANNOTATED_SIDE, Pictures
from pixel_agent.photo.work import Order, perform
from tests.readings import row

ORDER = Order("jpeg", 50_000_000, 2**28)


@pytest.fixture
async def made() -> AsyncIterator[Pictures]:
    stage = PhotoStage(PhotoSettings(processes=0))
    pictures = Pictures(stage)
    yield pictures
    await pictures.close()
    await stage.close()


def drawn(width: int, height: int, kind: str = "JPEG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind)
    return buffer.getvalue()


def size(data: bytes) -> tuple[int, int]:
    return Image.open(BytesIO(data)).size


@settings(deadline=None, max_examples=60)
@given(st.integers(100, 900), st.integers(100, 900), st.integers(64, 1024), st.sampled_from(["JPEG", "PNG"]))
def test_the_longer_side_is_met_and_small_photos_are_not_enlarged(w: int, h: int, side: int, kind: str) -> None:
    jpeg = perform(replace(ORDER, side=side), drawn(w, h, kind)).jpeg
    assert jpeg is not None
    width, height = size(jpeg)
    assert max(width, height) <= side
    assert max(width, height) >= min(side, max(w, h)) * 0.9
    assert (width, height) == (w, h) or max(w, h) > side


async def test_annotated_photos_are_bounded_and_boxes_keep_their_place(made: Pictures) -> None:
    data = await made.annotated(drawn(3000, 1500), [row((1500, 750, 3000, 1500), name="水")])
    image = Image.open(BytesIO(data)).convert("RGB")
    assert image.size == (ANNOTATED_SIDE, ANNOTATED_SIDE // 2)
    teal = image.getpixel((100, 100))
    assert image.getpixel((ANNOTATED_SIDE // 2, 600)) != teal
    assert image.getpixel((ANNOTATED_SIDE // 2 - 20, 600)) == teal


async def test_a_thumbnail_is_made_once(made: Pictures) -> None:
    first = await made.thumbnail(drawn(640, 480), "a", 320)
    assert made.kept("a", 320) is first
    assert await made.thumbnail(b"not looked at", "a", 320) is first
    assert made.kept("a", 64) is None


async def test_the_latest_thumbnails_are_kept_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = PhotoStage(PhotoSettings(processes=0))
    one = await stage.jpeg(drawn(640, 480), 320, "a")
    monkeypatch.setattr(thumbnails, "CACHE_BYTES", len(one) * 2)
    made = Pictures(stage)
    for name in "ab":
        await made.thumbnail(drawn(640, 480), name, 320)
    made.kept("a", 320)
    await made.thumbnail(drawn(640, 480), "c", 320)
    assert [made.kept(name, 320) is not None for name in "abc"] == [True, False, True]
    await made.close()
    await stage.close()


async def test_what_is_no_photo_is_an_error_of_ours(made: Pictures) -> None:
    with pytest.raises(InvalidPhoto):
        await made.thumbnail(b"\xff\xd8\xff\xe0", "a", 320)
