"""The codecs of the photo stage: decodes the bytes of every accepted type to upright RGB pixels.

`read_photo` checks the structure and reads size and orientation without decoding a pixel; `decode` decodes directly to
a pixel budget. Both block and raise only errors of the InvalidPhoto family, and MemoryError. OpenCV and simplejpeg
release the GIL and decode JPEG, PNG and WebP; Pillow and libheif decode the other types. Called by `work.py`.
"""

from __future__ import annotations

import io
import logging
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final, cast

import cv2
import numpy as np
import pillow_heif
import simplejpeg
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from pixel_agent.core import Pixels
from pixel_agent.core.errors import InvalidPhoto
from pixel_agent.photo.exif import read_exif
from pixel_agent.photo.refusals import TAKE_AGAIN, broken
from pixel_agent.photo.smart_resize import visual_size
from pixel_agent.photo.structure.heif import turns_itself
from pixel_agent.photo.structure.jpeg import Jpeg, read_jpeg
from pixel_agent.photo.structure.png import Png, read_png
from pixel_agent.photo.structure.tiff import Tiff, read_tiff
from pixel_agent.photo.structure.webp import read_webp

# The codecs' settings are global to the process. One photo uses one core: the executor provides the parallelism. A
# codec's message about a broken photo becomes one of our errors, not a line on standard error.
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
pillow_heif.options.DECODE_THREADS = 1
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Header:
    """Properties that are known before decoding. Width and height are as stored; `orientation` is EXIF's, 1-8.

    `pixel_bytes` is the memory of a decoded pixel, `passes` the number of times a codec processes all pixels.
    """

    media_type: str
    width: int
    height: int
    orientation: int = 1
    captured_at: datetime | None = None
    pixel_bytes: int = 3
    passes: int = 1

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after the orientation is applied."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


@dataclass(frozen=True, slots=True)
class Source:
    """A photo whose structure has been checked. `data` is the part of the file that goes to a codec."""

    header: Header
    data: bytes = field(repr=False)
    facts: Jpeg | Png | Tiff | None = None


def read_photo(data: bytes, media_type: str) -> Source:
    """Check the structure without decoding pixels. Raises InvalidPhoto, and UnsupportedPhoto for unsafe kinds."""
    try:
        source = _READERS[media_type](data)
    except (InvalidPhoto, MemoryError):
        raise
    except Exception as error:
        raise broken(_name(media_type)) from error
    header = source.header
    if header.width < 1 or header.height < 1:
        raise InvalidPhoto(f"The photo says it is {header.width} x {header.height} pixels.", TAKE_AGAIN)
    return source


def decode(source: Source, max_pixels: int | None, grid: int = 1) -> Pixels:
    """Upright RGB pixels, height x width x 3, at most `max_pixels` of them (None: full size), never enlarged.

    With a `grid` both sides are multiples of it, as in `visual_size`, which can enlarge a little. Raises InvalidPhoto
    if the photo is truncated or damaged, MemoryError if decoding needs more memory than is available.
    """
    header = source.header
    size = fit(header.width, header.height, max_pixels)
    if grid > 1 and max_pixels is not None:
        size = visual_size(header.width, header.height, max_pixels, grid)
    try:
        pixels = _DECODERS[header.media_type](source, size)
        return np.ascontiguousarray(_upright(_shrink(pixels, size), header.orientation))
    except (InvalidPhoto, MemoryError):
        raise
    except cv2.error as error:
        if error.code == cv2.Error.STS_NO_MEM:
            raise MemoryError from error
        raise broken(_name(header.media_type)) from error
    except Exception as error:
        raise broken(_name(header.media_type)) from error


def fit(width: int, height: int, max_pixels: int | None) -> tuple[int, int]:
    """The largest size of the same shape with at most `max_pixels` pixels and sides of at least 1; never larger."""
    if max_pixels is None or width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    short = max(1, int(min(width, height) * scale))
    long = max(1, min(int(max(width, height) * scale), max_pixels // short))
    return (long, short) if width >= height else (short, long)


def _name(media_type: str) -> str:
    return media_type.removeprefix("image/").upper()


# Structure -------------------------------------------------------------------------------------------------------


def _read_jpeg(data: bytes) -> Source:
    facts = read_jpeg(data)
    orientation, taken = read_exif(facts.exif)
    header = Header("image/jpeg", facts.width, facts.height, orientation, taken, facts.components, facts.scans)
    return Source(header, facts.whole, facts)


def _read_png(data: bytes) -> Source:
    facts = read_png(data)
    orientation, taken = read_exif(facts.exif)
    header = Header("image/png", facts.width, facts.height, orientation, taken, facts.pixel_bytes)
    return Source(header, facts.whole, facts)


def _read_webp(data: bytes) -> Source:
    facts = read_webp(data)
    orientation, taken = read_exif(facts.exif)
    return Source(Header("image/webp", facts.width, facts.height, orientation, taken, 4), facts.whole)


def _read_heic(data: bytes) -> Source:
    """libheif applies the container's own rotation and reports the size after it; EXIF's counts only without one."""
    image = pillow_heif.open_heif(io.BytesIO(data))
    orientation, taken = read_exif(image.info.get("exif") or b"")
    width, height = image.size
    return Source(Header("image/heic", width, height, 1 if turns_itself(data) else orientation, taken, 4), data)


def _read_tiff(data: bytes) -> Source:
    """Pillow rotates TIFF itself and reports the size after that."""
    facts = read_tiff(data)
    _, taken = read_exif(data)
    with TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as image:
        image.seek(facts.page)
        return Source(Header("image/tiff", image.width, image.height, 1, taken, facts.pixel_bytes), data, facts)


def _read_avif(data: bytes) -> Source:
    """Pillow writes the container's own rotation into EXIF; `decode` applies it."""
    with AvifImagePlugin.AvifImageFile(io.BytesIO(data)) as image:
        orientation, taken = read_exif(image.info.get("exif") or b"")
        return Source(Header("image/avif", image.width, image.height, orientation, taken, 4), data)


def _read_plain(data: bytes, media_type: str) -> Source:
    """BMP and GIF have neither orientation nor time."""
    with _PILLOW[media_type](io.BytesIO(data)) as image:
        return Source(Header(media_type, image.width, image.height, pixel_bytes=4), data)


_PILLOW: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
}

_READERS: Final[dict[str, Callable[[bytes], Source]]] = {
    "image/jpeg": _read_jpeg,
    "image/png": _read_png,
    "image/webp": _read_webp,
    "image/heic": _read_heic,
    "image/tiff": _read_tiff,
    "image/avif": _read_avif,
    "image/bmp": partial(_read_plain, media_type="image/bmp"),
    "image/gif": partial(_read_plain, media_type="image/gif"),
}


# Decoders --------------------------------------------------------------------------------------------------------


def _decode_jpeg(source: Source, size: tuple[int, int]) -> Pixels:
    header, data = source.header, source.data
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if (width, height) != (header.width, header.height):
            raise broken("JPEG", "states two sizes")
        want = "CMYK" if space in ("CMYK", "YCCK") else "RGB"
        pixels: Pixels = simplejpeg.decode_jpeg(data, want, min_width=size[0], min_height=size[1])
    except ValueError as error:
        if re.search("Premature|premature|Huffman", str(error)):
            raise broken("JPEG") from error
        return _decode_jpeg_leniently(data, size)
    adobe = isinstance(source.facts, Jpeg) and source.facts.adobe
    return pixels if want == "RGB" else _from_cmyk(pixels, inverted=adobe)


def _decode_jpeg_leniently(data: bytes, size: tuple[int, int]) -> Pixels:
    """Decode with Pillow: it accepts rare samplings and stray bytes that stop turbojpeg, but no truncated file."""
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        image.draft(None, size)
        if image.mode == "CMYK":
            image.load()
            return _from_cmyk(np.asarray(image), inverted=False)
        return _from_pillow(image)


def _from_cmyk(pixels: Pixels, *, inverted: bool) -> Pixels:
    """CMYK to RGB without a colour profile. Adobe stores the inks inverted; inverted values multiply to RGB."""
    light = pixels if inverted else cv2.bitwise_not(pixels)
    key = cv2.merge([light[..., 3]] * 3)
    return _as_pixels(cv2.multiply(np.ascontiguousarray(light[..., :3]), key, scale=1 / 255))


def _decode_png(source: Source, _: tuple[int, int]) -> Pixels:
    facts = source.facts
    if not isinstance(facts, Png):
        raise TypeError("the structure of a PNG is read first")
    if facts.colour == 0 and facts.transparent:  # OpenCV ignores it
        with PngImagePlugin.PngImageFile(io.BytesIO(source.data)) as image:
            return _from_pillow(image)
    return _decode_opencv(source, transparent=facts.transparent)


def _decode_webp(source: Source, _: tuple[int, int]) -> Pixels:
    return _decode_opencv(source, transparent=True)


def _decode_opencv(source: Source, *, transparent: bool) -> Pixels:
    header = source.header
    plain = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    raw = np.frombuffer(source.data, np.uint8)
    image: np.ndarray | None = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED if transparent else plain)
    if image is None or image.shape[:2] != (header.height, header.width):
        raise broken(_name(header.media_type))
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    elif image.shape[2] == 4:
        image = _over_white(_as_pixels(image), cv2.COLOR_BGRA2RGB)
    elif transparent:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return _as_pixels(image)


def _decode_heic(source: Source, _: tuple[int, int]) -> Pixels:
    pixels = _as_pixels(np.asarray(pillow_heif.open_heif(io.BytesIO(source.data), convert_hdr_to_8bit=True)))
    if pixels.ndim == 2:
        return _as_pixels(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))
    return _over_white(pixels) if pixels.shape[2] == 4 else pixels


def _decode_pillow(source: Source, _: tuple[int, int]) -> Pixels:
    header = source.header
    with _PILLOW[header.media_type](io.BytesIO(source.data)) as image:
        if isinstance(source.facts, Tiff):
            image.seek(source.facts.page)
        if image.size != (header.width, header.height):
            raise broken(_name(header.media_type))
        return _from_pillow(image)


_DECODERS: Final[dict[str, Callable[[Source, tuple[int, int]], Pixels]]] = {
    "image/jpeg": _decode_jpeg,
    "image/png": _decode_png,
    "image/webp": _decode_webp,
    "image/heic": _decode_heic,
    "image/avif": _decode_pillow,
    "image/tiff": _decode_pillow,
    "image/bmp": _decode_pillow,
    "image/gif": _decode_pillow,
}


def _from_pillow(image: Image.Image) -> Pixels:
    """The first frame as RGB: alpha over white, deeper samples scaled to 8 bit."""
    image.load()
    if image.mode.startswith(("I", "F")):
        return _from_deep(np.asarray(image), image.mode)
    if image.has_transparency_data:
        return _over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _from_deep(samples: np.ndarray, mode: str) -> Pixels:
    """16-bit, 32-bit and float grey. The last two state no white level, so their largest sample defines it."""
    samples = np.maximum(samples.astype(samples.dtype.newbyteorder("="), copy=False), 0)
    top = float(samples.max(initial=0))
    scale = 255.0 if mode == "F" and top <= 1 else 1.0 if top <= 255 and not mode.startswith("I;16") else 1 / 257
    return _as_pixels(cv2.cvtColor(cv2.convertScaleAbs(samples, alpha=scale), cv2.COLOR_GRAY2RGB))


def _over_white(pixels: Pixels, to_rgb: int = cv2.COLOR_RGBA2RGB) -> Pixels:
    """Blend alpha over white, in bands of rows: a large photo then needs one more copy, not five."""
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), 256):
        band = pixels[top : top + 256]
        alpha = cv2.merge([band[..., 3]] * 3)
        colour = cv2.multiply(cv2.cvtColor(band, to_rgb), alpha, scale=1 / 255)
        flat[top : top + 256] = cv2.add(colour, cv2.bitwise_not(alpha))
    return flat


def _shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Shrink by area averages; just above the target size, bilinear skips no pixel, is as good and 8 times faster."""
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    factor = max(width / size[0], height / size[1])
    return _as_pixels(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR if factor < 1.5 else cv2.INTER_AREA))


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo EXIF's orientation: 2-4 flip or turn, 5-8 also swap the sides (EXIF 2.32, tag 0x0112)."""
    if orientation >= 5:
        pixels = _as_pixels(cv2.transpose(pixels))
    flip = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return pixels if flip is None else _as_pixels(cv2.flip(pixels, flip))


def _as_pixels(array: np.ndarray) -> Pixels:
    """Narrow the type: OpenCV's stubs state no sample type; all arrays here have 8 bits."""
    return cast(Pixels, array)
