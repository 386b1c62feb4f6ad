"""Bytes → upright RGB pixels, for every accepted type; the codecs of the photo stage.

`read_header` learns size and orientation without decoding a pixel, and
`decode` decodes straight to a pixel budget. Everything here blocks and raises only errors of the InvalidPhoto family.
OpenCV and simplejpeg release the GIL and do JPEG, PNG and WebP; Pillow and libheif do the rest.
"""

from __future__ import annotations

import io
import logging
import math
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from pixel_agent.photo.exif import exif_of, load_exif, read_exif
from pixel_agent.photo.smart_resize import visual_size

TAKE_AGAIN: Final = "Take the photo again, or upload it again."
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
MAX_JPEG_SCANS: Final = 50
"""Progressive JPEGs have about ten scans; each costs a pass over all coefficients, so thousands are an attack."""

# The codecs' knobs are global to the process. One photo costs one core: the executor brings the parallelism. What
# a codec has to say about a broken photo becomes an error of ours, not a line on standard error.
cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
pillow_heif.options.DECODE_THREADS = 1
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Header:
    """What is known before decoding. Width and height are as stored; `orientation` is EXIF's, 1-8."""

    media_type: str
    width: int
    height: int
    orientation: int = 1
    captured_at: datetime | None = None

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height as a person sees the photo."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read_header(data: bytes, media_type: str) -> Header:
    """Size, orientation and the camera's time, without decoding pixels. Raises InvalidPhoto."""
    try:
        width, height, exif, turned = _HEADERS[media_type](data)
    except InvalidPhoto:
        raise
    except Exception as error:
        raise _broken(media_type) from error
    if width < 1 or height < 1:
        raise InvalidPhoto(f"The photo says it is {width} x {height} pixels.", TAKE_AGAIN)
    orientation, captured_at = read_exif(exif)
    return Header(media_type, width, height, orientation if turned else 1, captured_at)


def decode(data: bytes, header: Header, max_pixels: int | None, grid: int = 1) -> Pixels:
    """Upright RGB pixels, height x width x 3, at most `max_pixels` of them (None: full size), never enlarged.

    With a `grid` both sides are multiples of it, as `visual_size` says, which may enlarge a little. Raises InvalidPhoto
    where the photo is truncated or damaged.
    """
    size = fit(header.width, header.height, max_pixels)
    if grid > 1 and max_pixels is not None:
        size = visual_size(header.width, header.height, max_pixels, grid)
    try:
        pixels = _DECODERS[header.media_type](data, header, size)
        return np.ascontiguousarray(_upright(_shrink(pixels, size), header.orientation))
    except InvalidPhoto:
        raise
    except Exception as error:
        raise _broken(header.media_type) from error


def fit(width: int, height: int, max_pixels: int | None) -> tuple[int, int]:
    """The largest size of the same shape with at most `max_pixels` pixels and sides of at least 1; never larger."""
    if max_pixels is None or width * height <= max_pixels:
        return width, height
    scale = math.sqrt(max_pixels / (width * height))
    short = max(1, int(min(width, height) * scale))
    long = max(1, min(int(max(width, height) * scale), max_pixels // short))
    return (long, short) if width >= height else (short, long)


def _broken(media_type: str, what: str = "is truncated or damaged and cannot be decoded") -> InvalidPhoto:
    return InvalidPhoto(f"The {media_type.removeprefix('image/').upper()} photo {what}.", TAKE_AGAIN)


# Headers ---------------------------------------------------------------------------------------------------------

# Each answers width, height, EXIF (None: none), and whether EXIF's orientation is still to be applied.
_Found = tuple[int, int, Image.Exif | None, bool]


def _jpeg_header(data: bytes) -> _Found:
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        return *image.size, exif_of(image), True


def _png_header(data: bytes) -> _Found:
    kind, first = next(_png_chunks(data))
    if kind != b"IHDR":
        raise _broken("image/png")
    width, height = struct.unpack(">II", first[:8])
    return width, height, load_exif(next((body for kind, body in _png_chunks(data) if kind == b"eXIf"), b"")), True


def _webp_header(data: bytes) -> _Found:
    size, exif = (0, 0), b""
    for kind, body in _webp_chunks(data):
        if kind == b"EXIF":
            exif = bytes(body)
        elif size != (0, 0):
            continue
        elif kind == b"VP8X":
            size = (1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little"))
        elif kind == b"VP8 ":
            width, height = struct.unpack("<HH", body[6:10])
            size = (width & 0x3FFF, height & 0x3FFF)
        elif kind == b"VP8L":
            bits = int.from_bytes(body[1:5], "little")
            size = (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    return *size, load_exif(exif), True


def _heic_header(data: bytes) -> _Found:
    image = pillow_heif.open_heif(io.BytesIO(data))
    width, height = image.size  # libheif has applied the container's own rotation already
    return width, height, load_exif(image.info.get("exif") or b""), False


_PILLOW: Final[dict[str, type[ImageFile.ImageFile]]] = {
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
}


def _pillow_header(data: bytes, media_type: str) -> _Found:
    with _PILLOW[media_type](io.BytesIO(data)) as image:
        # Pillow turns TIFF by itself, and says the upright size; BMP and GIF know no orientation.
        return *image.size, exif_of(image), media_type == "image/avif"


_HEADERS: Final[dict[str, Callable[[bytes], _Found]]] = {
    "image/jpeg": _jpeg_header,
    "image/png": _png_header,
    "image/webp": _webp_header,
    "image/heic": _heic_header,
    **{media_type: partial(_pillow_header, media_type=media_type) for media_type in _PILLOW},
}


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each chunk; raises where the file ends early or a checksum is wrong."""
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise _broken("image/png", "ends early")
        body = memoryview(data)[at + 8 : end - 4]
        yield kind, bytes(body) if kind in (b"IHDR", b"eXIf", b"tRNS") else b""
        if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(data[end - 4 : end], "big"):
            raise _broken("image/png", "is damaged: a checksum is wrong")
        if kind == b"IEND":
            return
        at = end


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise _broken("image/webp", "ends early")
    at = 12
    while at + 8 <= end:
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        yield data[at : at + 4], memoryview(data)[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)


# Decoders --------------------------------------------------------------------------------------------------------


def _decode_jpeg(data: bytes, header: Header, size: tuple[int, int]) -> Pixels:
    if _scans(data) > MAX_JPEG_SCANS:
        raise _broken("image/jpeg", f"has more than {MAX_JPEG_SCANS} scans")
    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if (width, height) != (header.width, header.height):
            raise _broken("image/jpeg", "states two sizes")
        want = "CMYK" if space in ("CMYK", "YCCK") else "RGB"
        pixels: Pixels = simplejpeg.decode_jpeg(data, want, min_width=size[0], min_height=size[1])
    except ValueError as error:
        if re.search("Premature|premature|Huffman", str(error)):
            raise _broken("image/jpeg") from error
        return _decode_jpeg_leniently(data, size)
    return pixels if want == "RGB" else _from_cmyk(pixels, inverted=_is_adobe(data))


def _decode_jpeg_leniently(data: bytes, size: tuple[int, int]) -> Pixels:
    """Rare samplings, and stray bytes that lose no pixel, stop turbojpeg; Pillow takes them, but no truncated file."""
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        image.draft(None, size)
        if image.mode == "CMYK":
            image.load()
            return _from_cmyk(np.asarray(image), inverted=False)
        return _from_pillow(image)


def _scans(data: bytes) -> int:
    """Scans of the photo itself: previews hide in segments before it, and phones append films behind it.

    A sequential JPEG whose first scan holds every component ends with it (libjpeg refuses more), so the usual photo is
    not searched.
    """
    at, scans, components = 2, 0, 0
    while (match := _JPEG_MARKER.search(data, at)) and scans <= MAX_JPEG_SCANS:
        at = match.end()
        kind = data[at - 1]
        if kind == 0xD9:
            break
        if kind in (0xC0, 0xC1):
            components = data[at + 7]
        if kind == 0xDA:
            scans += 1
            if scans == 1 and data[at + 2] == components:
                break
        at += int.from_bytes(data[at : at + 2], "big")
    return scans


def _is_adobe(data: bytes) -> bool:
    with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:
        return "adobe" in image.info


def _from_cmyk(pixels: Pixels, *, inverted: bool) -> Pixels:
    """Ink to light without a colour profile. Adobe writes inks inverted, which is what multiplies to light."""
    light = pixels if inverted else cv2.bitwise_not(pixels)
    key = cv2.merge([light[..., 3]] * 3)
    return _as_pixels(cv2.multiply(np.ascontiguousarray(light[..., :3]), key, scale=1 / 255))


def _decode_png(data: bytes, header: Header, size: tuple[int, int]) -> Pixels:
    chunks = dict(_png_chunks(data))
    colour = chunks[b"IHDR"][9]  # 0 grey, 2 RGB, 3 palette, 4 and 6 with alpha
    if colour == 0 and b"tRNS" in chunks:  # OpenCV ignores it
        with PngImagePlugin.PngImageFile(io.BytesIO(data)) as image:
            return _from_pillow(image)
    return _decode_opencv(data, header, size, transparent=colour >= 4 or b"tRNS" in chunks)


def _decode_opencv(data: bytes, header: Header, _: tuple[int, int], *, transparent: bool) -> Pixels:
    plain = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    raw = np.frombuffer(data, np.uint8)
    image: np.ndarray | None = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED if transparent else plain)
    if image is None or image.shape[:2] != (header.height, header.width):
        raise _broken(header.media_type)
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    elif image.shape[2] == 4:
        image = _over_white(_as_pixels(image), cv2.COLOR_BGRA2RGB)
    elif transparent:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return _as_pixels(image)


def _decode_heic(data: bytes, _: Header, __: tuple[int, int]) -> Pixels:
    pixels = _as_pixels(np.asarray(pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=True)))
    if pixels.ndim == 2:
        return _as_pixels(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB))
    return _over_white(pixels) if pixels.shape[2] == 4 else pixels


def _decode_pillow(data: bytes, header: Header, _: tuple[int, int]) -> Pixels:
    with _PILLOW[header.media_type](io.BytesIO(data)) as image:
        if image.size != (header.width, header.height):
            raise _broken(header.media_type)
        return _from_pillow(image)


_DECODERS: Final[dict[str, Callable[[bytes, Header, tuple[int, int]], Pixels]]] = {
    "image/jpeg": _decode_jpeg,
    "image/png": _decode_png,
    "image/webp": partial(_decode_opencv, transparent=True),
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
    """16-bit, 32-bit and float grey; the last two say nowhere what white is, so their largest sample decides."""
    samples = np.maximum(samples.astype(samples.dtype.newbyteorder("="), copy=False), 0)
    top = float(samples.max(initial=0))
    scale = 255.0 if mode == "F" and top <= 1 else 1.0 if top <= 255 and not mode.startswith("I;16") else 1 / 257
    return _as_pixels(cv2.cvtColor(cv2.convertScaleAbs(samples, alpha=scale), cv2.COLOR_GRAY2RGB))


def _over_white(pixels: Pixels, to_rgb: int = cv2.COLOR_RGBA2RGB) -> Pixels:
    """In bands of rows: a large photo needs one copy more, not five."""
    flat = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), 256):
        band = pixels[top : top + 256]
        alpha = cv2.merge([band[..., 3]] * 3)
        colour = cv2.multiply(cv2.cvtColor(band, to_rgb), alpha, scale=1 / 255)
        flat[top : top + 256] = cv2.add(colour, cv2.bitwise_not(alpha))
    return flat


def _shrink(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Averages areas; just above the target size bilinear is as good (no pixel is skipped) and 8 times faster."""
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
    """OpenCV's stubs know no sample type; all that comes here has 8 bits."""
    return cast(Pixels, array)
