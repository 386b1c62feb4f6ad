"""The supported symbologies, grouped by how they are verified, and their names. Used by the whole barcodes stage."""

from __future__ import annotations

import zxingcpp

Format = zxingcpp.BarcodeFormat

RETAIL = (Format.EAN13, Format.EAN8, Format.UPCE)
MATRIX = (Format.QRCode, Format.DataMatrix, Format.Aztec, Format.PDF417, Format.MaxiCode)
LINEAR = (Format.Code128, Format.Code93, Format.Code39, Format.ITF, Format.Codabar, Format.DataBar)
"""Telepen and DX film edge are left out: their checks are too weak to verify them in a photo."""
ALL = (*RETAIL, *MATRIX, *LINEAR)
ALL_IN_STRIPS = (*RETAIL, *LINEAR)

SURE = frozenset({Format.QRCode, Format.QRCodeModel1, Format.QRCodeModel2})
"""Matrix codes with enough error correction to be accepted after one reading."""
SMALL_MATRIX = frozenset({Format.MicroQRCode, Format.RMQRCode, Format.MaxiCode})
"""Matrix codes with little error correction or a small finder pattern: they must be read twice."""
INTERLEAVED = frozenset({Format.ITF, Format.ITF14})
STRONGLY_CHECKED = frozenset({Format.Code128, Format.Code93})
"""Linear codes whose check (modulo 103, or two modulo 47) accepts few false readings."""
UNCHECKED = frozenset({"ITF", "Codabar"})
"""Names of codes that can lack a check digit: a part of another code's bars can look like one."""

NAMES = {
    Format.EAN13: "EAN-13",
    Format.EAN8: "EAN-8",
    Format.UPCA: "UPC-A",
    Format.UPCE: "UPC-E",
    Format.ITF: "ITF",
    Format.ITF14: "ITF-14",
    Format.Codabar: "Codabar",
    Format.Code128: "Code 128",
    Format.Code93: "Code 93",
    Format.Code39: "Code 39",
    Format.QRCode: "QR Code",
    Format.MicroQRCode: "Micro QR Code",
    Format.RMQRCode: "rMQR Code",
    Format.DataMatrix: "Data Matrix",
    Format.Aztec: "Aztec Code",
    Format.PDF417: "PDF417",
    Format.MicroPDF417: "MicroPDF417",
    Format.MaxiCode: "MaxiCode",
}
GS1_NAMES = {Format.Code128: "GS1-128", Format.DataMatrix: "GS1 DataMatrix", Format.QRCode: "GS1 QR Code"}


def is_databar(kind: zxingcpp.BarcodeFormat) -> bool:
    """Whether the format is a GS1 DataBar: in one row or stacked, limited or expanded."""
    return "DataBar" in kind.name


def family(kind: zxingcpp.BarcodeFormat) -> tuple[zxingcpp.BarcodeFormat, ...]:
    """The formats to enable when a code of this kind is read a second time."""
    if is_databar(kind):
        return (Format.DataBar,)
    if kind in INTERLEAVED:
        return (Format.ITF,)
    return (kind,)


def name_of(kind: zxingcpp.BarcodeFormat) -> str:
    """The common name of the format."""
    return "GS1 DataBar" if is_databar(kind) else NAMES.get(kind, kind.name)
