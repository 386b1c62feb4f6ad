"""Decoding of an upload before the device, as each kind of reference server does it."""

from __future__ import annotations

import hashlib
import io

import numpy as np

SIDE = 512


def digest_of(data: bytes) -> str:
    """The SHA-256 of an upload, in hexadecimal, which an answer must name."""
    return hashlib.sha256(data).hexdigest()


def decode_full(data: bytes) -> str:
    """Decode at full size with Pillow, as a page does that also shows the photo."""
    from PIL import Image

    np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    return digest_of(data)


def decode_resized(data: bytes) -> str:
    """Decode with Pillow, then resize to the model's input size, as the published rebuild does."""
    from PIL import Image

    np.asarray(Image.open(io.BytesIO(data)).convert("RGB").resize((SIDE, SIDE)))
    return digest_of(data)


def decode_small(data: bytes) -> str:
    """Decode directly to about the model's input size, the fastest way known here: used by the tuned servers."""
    import simplejpeg

    simplejpeg.decode_jpeg(data, "RGB", min_height=SIDE, min_width=SIDE, min_factor=1)
    return digest_of(data)


def file_of(body: bytes) -> bytes:
    """The part named `file` of a multipart body, for frameworks that pass the raw body. Raises ValueError."""
    boundary = b"\r\n" + body[: body.index(b"\r\n")]
    start = body.index(b"\r\n\r\n", body.index(b'name="file"')) + 4
    return body[start : body.index(boundary, start)]
