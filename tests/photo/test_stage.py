from __future__ import annotations

import asyncio
import hashlib
import pickle
import struct
import warnings
from collections.abc import AsyncIterator
from datetime import datetime

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pixel_agent.core import Pixels
from pixel_agent.core.errors import (
    Draining,
    EmptyPhoto,
    InvalidPhoto,
    PhotoTooLarge,
    PhotoTooManyPixels,
    UnsupportedPhoto,
)
from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo.decode import fit
from pixel_agent.photo.media_type import media_type_of
from pixel_agent.photo.stage import PhotoStage, assess, check, prepare
from pixel_agent.photo.structure.jpeg import MAX_SCANS
from pixel_agent.photo.work import fingerprint
from tests.paths import SHARED_PHOTOS
from tests.photo.pictures import FORMATS, encode, exif, jpeg_of_size, png, scene
from tests.waiting import until

PHOTOS = SHARED_PHOTOS
# The codecs module says so itself at import; pytest forgets filters that are set at import.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

LIMITS = PhotoSettings()
BUDGET = 1280 * 1024
TURNS = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.transpose(a, (1, 0, 2)),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(np.transpose(a, (1, 0, 2)), 2),
    8: lambda a: np.rot90(a, -1),
}
"""From the upright photo to what a camera stores under each EXIF orientation."""


def same(left: Pixels, right: Pixels, tolerance: float = 6.0) -> bool:
    return left.shape == right.shape and bool(np.abs(left.astype(int) - right).mean() < tolerance)


def is_photo_or_invalid(data: bytes) -> bool:
    """Whether the bytes are a photo or a clear error; any other exception fails the test."""
    try:
        photo = prepare(data, 5000, LIMITS)
    except InvalidPhoto as error:
        return bool(error.message and error.advice)
    return photo.pixels.size <= 3 * 5000


@pytest.mark.parametrize("kind", FORMATS)
def test_every_accepted_type_is_decoded(kind: str) -> None:
    photo = prepare(encode(scene(), kind), BUDGET, LIMITS)
    assert photo.media_type == f"image/{kind.lower()}"
    assert (photo.width, photo.height) == (96, 64)
    assert photo.pixels.flags["C_CONTIGUOUS"]
    assert same(photo.pixels, scene(), 12 if kind == "GIF" else 6)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIC"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_stand_upright_whatever_the_camera_stored(kind: str, orientation: int) -> None:
    upright = scene()
    stored = np.ascontiguousarray(TURNS[orientation](upright))
    photo = prepare(encode(stored, kind, exif=exif(orientation)), BUDGET, LIMITS)
    assert (photo.width, photo.height) == (96, 64)
    assert same(photo.pixels, upright)


def test_boxes_scale_to_the_upright_original() -> None:
    stored = np.ascontiguousarray(TURNS[6](scene(960, 640)))
    photo = prepare(encode(stored, "JPEG", exif=exif(6)), 960 * 640 // 4, LIMITS)
    assert photo.prepared_size == (480, 320)
    assert photo.scale == (2.0, 2.0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_every_kind_of_png_is_decoded(mode: str) -> None:
    grey = Image.fromarray(scene()).convert("L")
    image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else None
    image = image or Image.fromarray(scene()).convert(mode)
    expected = np.asarray(image.convert("RGB")) if mode != "I;16" else np.asarray(grey.convert("RGB"))
    assert same(prepare(encode(image), BUDGET, LIMITS).pixels, expected)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIC", "AVIF"])
def test_transparency_lies_over_white(kind: str) -> None:
    clear = np.dstack([scene(), np.full((64, 96), 0, np.uint8)])
    clear[:32, :, 3] = 255
    photo = prepare(encode(clear, kind, **({"lossless": True} if kind == "WEBP" else {})), BUDGET, LIMITS)
    assert same(photo.pixels[:30], scene()[:30])
    assert float(photo.pixels[34:].mean()) > 250


def test_a_half_transparent_black_is_grey() -> None:
    photo = prepare(encode(Image.new("RGBA", (40, 40), (0, 0, 0, 128))), BUDGET, LIMITS)
    assert abs(int(photo.pixels[0, 0, 0]) - 127) <= 1


def test_a_transparent_grey_of_a_grey_png_is_white() -> None:
    photo = prepare(encode(Image.new("L", (40, 40), 10), transparency=10), BUDGET, LIMITS)
    assert photo.pixels.min() == 255


def test_sixteen_bits_become_eight() -> None:
    _, deep = cv2.imencode(".png", scene()[..., ::-1].astype(np.uint16) * 257)
    assert same(prepare(deep.tobytes(), BUDGET, LIMITS).pixels, scene(), 1)
    _, tiff = cv2.imencode(".tiff", cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY).astype(np.uint16) * 257)
    grey = cv2.cvtColor(cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert same(prepare(tiff.tobytes(), BUDGET, LIMITS).pixels, np.asarray(grey, np.uint8), 2)


@pytest.mark.parametrize("budget", [BUDGET, 600])
def test_cmyk_jpegs_keep_their_colours(budget: int) -> None:
    photo = prepare(encode(Image.fromarray(scene()).convert("CMYK"), "JPEG", quality=95), budget, LIMITS)
    assert np.abs(photo.pixels[2, 2].astype(int) - (200, 30, 30)).max() < 12


def test_a_broken_colour_profile_is_ignored() -> None:
    data = encode(scene(), "JPEG", icc_profile=b"not a profile" * 20)
    assert same(prepare(data, BUDGET, LIMITS).pixels, scene())


def test_broken_exif_is_ignored() -> None:
    data = encode(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert same(prepare(data, BUDGET, LIMITS).pixels, scene())


def test_an_orientation_out_of_range_is_ignored() -> None:
    assert prepare(encode(scene(), "JPEG", exif=exif(9)), BUDGET, LIMITS).width == 96


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind: str) -> None:
    later = [Image.fromarray(255 - scene())]
    data = encode(scene(), kind, save_all=True, append_images=later)
    assert same(prepare(data, BUDGET, LIMITS).pixels, scene(), 12)


def test_the_camera_time_is_kept_when_plausible() -> None:
    now = datetime(2026, 11, 22, 12)

    def taken(text: str, kind: str = "JPEG") -> datetime | None:
        return prepare(encode(scene(), kind, exif=exif(1, text)), BUDGET, LIMITS, now=now).captured_at

    assert taken("2026:11:22 09:30:00") == datetime(2026, 11, 22, 9, 30)
    assert taken("2026:11:22 09:30:00", "HEIC") == datetime(2026, 11, 22, 9, 30)
    assert taken("1980:01:01 00:00:00") is None
    assert taken("2031:01:01 00:00:00") is None
    assert taken("0000:00:00 00:00:00") is None
    assert taken("yesterday") is None


def test_the_hash_is_the_uploads() -> None:
    data = encode(scene(), "JPEG")
    assert prepare(data, BUDGET, LIMITS).sha256 == hashlib.sha256(data).hexdigest()


def test_decode_gives_other_budgets_and_the_full_size() -> None:
    photo = prepare(encode(scene(400, 200), "JPEG"), 2000, LIMITS)
    assert photo.prepared_size == (63, 31)
    assert photo.decode(None).shape == (200, 400, 3)
    assert photo.decode(20000).shape == (100, 200, 3)


def test_a_smaller_photo_is_never_enlarged() -> None:
    assert prepare(encode(scene(), "JPEG"), 10**9, LIMITS).prepared_size == (96, 64)


@given(st.integers(1, 60000), st.integers(1, 60000), st.integers(1, 4_000_000))
@settings(deadline=None, max_examples=100)
def test_the_prepared_size_keeps_budget_and_shape(width: int, height: int, budget: int) -> None:
    w, h = fit(width, height, budget)
    assert 1 <= w <= width
    assert 1 <= h <= height
    assert w * h <= budget
    scale = min(1.0, (budget / (width * height)) ** 0.5)
    if min(width, height) * scale >= 1:
        assert abs(w - width * scale) <= 1
        assert abs(h - height * scale) <= 1


def test_near_copies_have_near_fingerprints() -> None:
    rng = np.random.default_rng(1)
    one, other = (
        np.asarray(cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (320, 240)), np.uint8) for _ in range(2)
    )
    copy = assess(prepare(encode(one, "JPEG", quality=40), 20_000, LIMITS)).fingerprint
    assert (copy ^ fingerprint(one)).bit_count() <= 3
    assert (fingerprint(other) ^ fingerprint(one)).bit_count() > 12


# Refusals --------------------------------------------------------------------------------------------------------


def test_no_bytes_are_an_empty_photo() -> None:
    with pytest.raises(EmptyPhoto):
        prepare(b"", BUDGET, LIMITS)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'<?xml version="1.0"?><svg xmlns="x"/>', "SVG"),
        (b"%PDF-1.7", "PDF"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"hello", "text"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video"),
        (b"\x1aE\xdf\xa3....", "video"),
        (b"RIFF....AVI LIST", "video"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"\x00\x01\x02\x03", "unknown"),
        (b"data:image/png;base64,AAAA", "data URL"),
    ],
)
def test_other_types_are_named_with_what_is_accepted(data: bytes, name: str) -> None:
    with pytest.raises(UnsupportedPhoto) as caught:
        media_type_of(data)
    assert name in caught.value.message
    assert "JPEG, PNG, WebP" in caught.value.advice


def test_limits_are_inclusive() -> None:
    data = encode(scene(), "JPEG")
    at = PhotoSettings(max_bytes=len(data), max_pixels=96 * 64)
    assert prepare(data, BUDGET, at).width == 96
    with pytest.raises(PhotoTooLarge):
        prepare(data + b"\0", BUDGET, at)
    with pytest.raises(PhotoTooManyPixels):
        prepare(encode(scene(97, 64), "JPEG"), BUDGET, PhotoSettings(max_pixels=96 * 64))


@pytest.mark.parametrize(
    "data",
    [
        png(50_000, 50_000),
        jpeg_of_size(50_000, 50_000),
        b"GIF89a"
        + struct.pack("<HH", 60_000, 60_000)
        + b"\xf0\0\0"
        + b"\0" * 6
        + b",\0\0\0\0\x60\xea\x60\xea\0\x02\0;",
        b"BM" + struct.pack("<IHHI", 60, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 50_000, 50_000, 1, 24, *[0] * 6),
        b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (16_000).to_bytes(3, "little") * 2,
        b"II*\0\x08\0\0\0\x02\0" + struct.pack("<HHIIHHII", 256, 4, 1, 50_000, 257, 4, 1, 50_000) + b"\0" * 4,
    ],
    ids=["png", "jpeg", "gif", "bmp", "webp", "tiff"],
)
def test_bombs_are_refused_by_their_header(data: bytes) -> None:
    with pytest.raises(InvalidPhoto) as caught:
        check(data, LIMITS)
    assert caught.value.code in ("photo_too_many_pixels", "photo_broken")


@pytest.mark.parametrize("data", [png(50_000, 50_000), jpeg_of_size(50_000, 50_000)], ids=["png", "jpeg"])
def test_bombs_are_told_their_size(data: bytes) -> None:
    with pytest.raises(PhotoTooManyPixels, match="50000 x 50000"):
        prepare(data, BUDGET, LIMITS)


@pytest.mark.parametrize("data", [png(0, 5), png(5, 0), jpeg_of_size(0, 64)])
def test_no_pixels_are_no_photo(data: bytes) -> None:
    with pytest.raises(InvalidPhoto):
        prepare(data, BUDGET, LIMITS)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.97])
def test_a_truncated_photo_is_broken(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    data = encode(noise, kind)
    with pytest.raises(InvalidPhoto) as caught:
        prepare(data[: int(len(data) * share)], BUDGET, LIMITS)
    assert caught.value.code == "photo_broken"
    assert "again" in caught.value.advice


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_without_its_end_marker_is_read_where_its_pixels_are_whole(missing: int, progressive: bool) -> None:
    data = encode(scene(), "JPEG", progressive=progressive)
    assert (prepare(data[:-missing], BUDGET, LIMITS).pixels == prepare(data, BUDGET, LIMITS).pixels).all()


@pytest.mark.parametrize("missing", [40, 12, 6, 4])
def test_a_jpeg_whose_last_pixels_are_missing_is_broken(missing: int) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    with pytest.raises(InvalidPhoto):
        prepare(encode(noise, "JPEG")[:-missing], BUDGET, LIMITS)


def test_a_progressive_jpeg_whose_last_scans_are_missing_is_broken() -> None:
    data = encode(scene(), "JPEG", progressive=True)
    with pytest.raises(InvalidPhoto):
        prepare(data[: data.rindex(b"\xff\xda")], BUDGET, LIMITS)


def test_stray_bytes_that_lose_no_pixel_are_forgiven() -> None:
    data = encode(scene(), "JPEG")
    photo = prepare(data[:-2] + b"stray bytes" + data[-2:] + b"<script>PK\x03\x04", BUDGET, LIMITS)
    assert same(photo.pixels, scene())


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    data = encode(scene(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    scan = data[at:-2]
    with pytest.raises(InvalidPhoto, match="scans"):
        prepare(data[:at] + scan * (MAX_SCANS + 1) + data[-2:] + b"\xff\xc2\xff\xd9", BUDGET, LIMITS)


def test_a_film_behind_the_photo_does_not_count_as_scans() -> None:
    data = encode(scene(), "JPEG") + b"ftyp" + b"\xff\xda" * 500 + b"\xff\xc2"
    assert prepare(data, BUDGET, LIMITS).width == 96


@pytest.mark.parametrize("magic", [encode(scene(), kind)[:16] for kind in FORMATS])
def test_garbage_behind_a_good_start_is_broken(magic: bytes) -> None:
    garbage = np.random.default_rng(7).bytes(2000)
    with pytest.raises(InvalidPhoto):
        prepare(magic + garbage, BUDGET, LIMITS)


SAMPLES = [encode(scene(24, 16), kind) for kind in FORMATS]


@given(st.sampled_from(SAMPLES), st.data())
@settings(deadline=None, max_examples=100)
def test_any_damage_gives_a_photo_or_a_clear_error(sample: bytes, data: st.DataObject) -> None:
    broken = bytearray(sample)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(broken)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_photo_or_invalid(bytes(broken[:cut]))


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_any_bytes_give_a_photo_or_a_clear_error(data: bytes) -> None:
    assert is_photo_or_invalid(data)


# The stage -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[0, 1], ids=["threads", "processes"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[PhotoStage]:
    made = PhotoStage(PhotoSettings(processes=request.param))
    yield made
    await made.close()


async def test_the_stage_prepares_every_type(stage: PhotoStage) -> None:
    prepared = await asyncio.gather(*(stage.prepare(encode(scene(), kind), BUDGET) for kind in FORMATS))
    for kind, one in zip(FORMATS, prepared, strict=True):
        assert (one.photo.media_type, one.photo.width) == (f"image/{kind.lower()}", 96)
        assert same(one.photo.pixels, scene(), 12 if kind == "GIF" else 6)
        assert one.photo.pixels.flags["C_CONTIGUOUS"]
        assert (await one.assess()).quality.readable
    await until(lambda: stage.stats.busy == 0)
    assert stage.stats.queued == 0


async def test_the_stage_gives_what_the_function_gives(stage: PhotoStage) -> None:
    data = encode(np.ascontiguousarray(TURNS[6](scene(960, 640))), "JPEG", exif=exif(6, "2026:11:22 09:30:00"))
    one, other = await stage.prepare(data, 40_000, 32), prepare(data, 40_000, LIMITS, grid=32)
    assert (one.photo.pixels == other.pixels).all()
    assert one.photo.captured_at == other.captured_at == datetime(2026, 11, 22, 9, 30)
    assert (one.photo.width, one.photo.height, one.photo.sha256) == (960, 640, other.sha256)
    assert await one.assess() == assess(other)
    assert (await asyncio.to_thread(one.photo.decode, None) == other.decode(None)).all()


async def test_a_photo_can_be_sent_to_another_process(stage: PhotoStage) -> None:
    photo = (await stage.prepare(encode(scene(), "JPEG"), 600)).photo
    copy = pickle.loads(pickle.dumps(photo))
    assert (copy.pixels == photo.pixels).all()
    assert copy.decode(None).shape == (64, 96, 3)


async def test_the_stage_refuses_before_it_queues() -> None:
    stage = PhotoStage(PhotoSettings(max_bytes=10))
    with pytest.raises(PhotoTooLarge):
        await stage.prepare(encode(scene()), BUDGET)
    with pytest.raises(EmptyPhoto):
        await stage.prepare(b"", BUDGET)
    assert stage.stats.workers == 0
    await stage.close()


async def test_the_stage_passes_errors_on(stage: PhotoStage) -> None:
    with pytest.raises(InvalidPhoto) as caught:
        await stage.prepare(encode(scene(), "JPEG")[:-40], BUDGET)
    assert caught.value.code == "photo_broken"
    with pytest.raises(PhotoTooManyPixels, match="50000 x 50000"):
        await stage.check(jpeg_of_size(50_000, 50_000), "sha")
    assert (await stage.prepare(encode(scene(), "JPEG"), BUDGET)).photo.width == 96


async def test_a_closed_stage_takes_nothing(stage: PhotoStage) -> None:
    await stage.close()
    with pytest.raises(Draining):
        await stage.prepare(encode(scene(), "JPEG"), BUDGET)


def test_every_real_photo_is_prepared() -> None:
    paths = [path for path in PHOTOS.rglob("*") if path.suffix in (".jpg", ".webp", ".png")]
    if not paths:
        pytest.skip(f"no real photos in {PHOTOS}")
    for path in paths:
        photo = prepare(path.read_bytes(), 200_000, LIMITS)
        width, height = photo.prepared_size
        assert width * height <= 200_000
        assert abs(width / height - photo.width / photo.height) < 0.05 * photo.width / photo.height


def test_scaled_decoding_shows_the_same_picture() -> None:
    detailed = np.random.default_rng(3).integers(0, 255, (75, 100, 3), np.uint8)
    large = np.asarray(cv2.resize(detailed, (1600, 1200), interpolation=cv2.INTER_CUBIC), np.uint8)
    data = simplejpeg.encode_jpeg(large, quality=95)
    expected = np.asarray(cv2.resize(large, (640, 480), interpolation=cv2.INTER_AREA), np.uint8)
    assert same(prepare(data, 640 * 480, LIMITS).pixels, expected, 4)


async def test_a_photo_is_assessed_before_the_next_is_decoded(stage: PhotoStage) -> None:
    order: list[int] = []

    async def noted(number: int) -> None:
        one = await stage.prepare(encode(scene(96 + number), "JPEG"), BUDGET)
        await one.assess()
        order.append(number)

    first = asyncio.create_task(noted(0))
    await asyncio.gather(first, *(noted(number) for number in range(1, 6)))
    assert order[0] == 0
    assert stage.stats.queued == 0
