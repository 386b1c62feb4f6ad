"""Reads candidate codes with zxing-cpp and drops those that break their symbology's rules. `read.py` verifies them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import zxingcpp

from pixel_agent.core import Quad
from pixel_agent.core.gtin import check_digit_holds
from pixel_agent.photo.barcodes.charset import decode_text
from pixel_agent.photo.barcodes.gs1 import Meaning, gtin_of, of_digits, of_gs1, of_text
from pixel_agent.photo.barcodes.quads import quad_of
from pixel_agent.photo.barcodes.symbologies import INTERLEAVED, LINEAR, RETAIL, SURE, Format, is_databar
from pixel_agent.photo.barcodes.verify import Gray

SHORTEST_TEXT = 4
"""Minimum characters of a Code 128, Code 93, Code 39, ITF or Codabar: any texture gives shorter false readings."""
STATED_CHARSET = ("]Q2", "]Q4", "]Q6")
"""Symbology identifiers of QR codes that state their character encoding."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An unverified reading; corners are in pixels of the picture that was read. `printed` is the text as encoded.

    `reserve` is the share of a matrix code's error correction that was not needed. `add_on` is the digits of an EAN-2
    or EAN-5 beside an EAN. `checked`: a check digit or error correction is valid.
    """

    format: zxingcpp.BarcodeFormat
    printed: str
    meaning: Meaning
    corners: Quad
    reserve: float = 1.0
    add_on: str | None = None
    checked: bool = True


def read_candidates(
    gray: Gray, formats: Iterable[zxingcpp.BarcodeFormat], *, strip: bool = False, add_ons: bool = True
) -> Iterator[Candidate]:
    """All valid candidates that zxing-cpp reads. `strip`: the bars are upright, so the reader does not rotate or shrink
    the picture, and add-ons are not searched.
    """
    wanted = zxingcpp.EanAddOnSymbol.Read if add_ons and not strip else zxingcpp.EanAddOnSymbol.Ignore
    barcodes = zxingcpp.read_barcodes(
        np.ascontiguousarray(gray),
        formats=zxingcpp.BarcodeFormats(list(formats)),
        try_rotate=not strip,
        try_downscale=not strip,
        try_invert=not strip,
        text_mode=zxingcpp.TextMode.Plain,
        ean_add_on_symbol=wanted,
    )
    for barcode in barcodes:
        candidate = _candidate(barcode)
        if candidate is not None:
            yield candidate


def _candidate(barcode: zxingcpp.Barcode) -> Candidate | None:
    """A candidate that obeys its symbology's own rules (check digit, length), or None."""
    place = barcode.position
    corners = quad_of((p.x, p.y) for p in (place.top_left, place.top_right, place.bottom_right, place.bottom_left))
    kind, text = barcode.format, barcode.text
    extra = barcode.extra if isinstance(barcode.extra, dict) else {}
    if kind in RETAIL:
        return _retail(barcode, extra, corners)
    if kind in INTERLEAVED:
        return _interleaved(text, corners)
    if kind not in LINEAR and not is_databar(kind):
        return _matrix(barcode, float(extra.get("UEC", 1.0)), corners)
    is_gs1 = barcode.content_type == zxingcpp.ContentType.GS1
    if not text.strip() or (not is_gs1 and len(text) < SHORTEST_TEXT):
        return None
    return Candidate(kind, text, of_gs1(text) if is_gs1 else of_text(text), corners, checked=kind is not Format.Codabar)


def _retail(barcode: zxingcpp.Barcode, extra: dict[str, object], corners: Quad) -> Candidate | None:
    """An EAN or UPC, without the add-on that the reader appends to its digits."""
    add_on, joined = str(extra.get("EanAddOn", "")), barcode.symbology_identifier == "]E3"
    text = barcode.text.removesuffix(add_on) if joined else barcode.text
    if len(add_on) not in (2, 5) or (
        len(add_on) == 2 and not joined
    ):  # any texture can look like two bars beside a code
        add_on = ""
    if not check_digit_holds(text):
        return None
    printed = str(extra.get("UPCE", text)) if barcode.format is Format.UPCE else text
    return Candidate(barcode.format, printed, Meaning(printed, gtin_of(text)), corners, add_on=add_on or None)


def _interleaved(digits: str, corners: Quad) -> Candidate | None:
    gtin = gtin_of(digits) if len(digits) == 14 else None
    if gtin is not None:
        return Candidate(Format.ITF14, digits, Meaning(digits, gtin), corners)
    if len(digits) < SHORTEST_TEXT:
        return None
    return Candidate(Format.ITF, digits, Meaning(digits), corners, checked=check_digit_holds(digits))


def _matrix(barcode: zxingcpp.Barcode, reserve: float, corners: Quad) -> Candidate | None:
    text = barcode.text
    if barcode.content_type == zxingcpp.ContentType.GS1:
        meaning = of_gs1(text)
    else:
        if barcode.format in SURE and barcode.symbology_identifier not in STATED_CHARSET:
            text = decode_text(barcode.bytes, text)
        meaning = of_digits("".join(sign if sign.isprintable() or sign in "\n\r\t" else " " for sign in text))
    return Candidate(barcode.format, text, meaning, corners, reserve) if text.strip() else None
