"""The container's own turn is found where it belongs to the primary picture."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.core.settings import PhotoSettings
from pixel_agent.photo.stage import prepare
from pixel_agent.photo.structure.heif import turns_itself
from tests.photo.pictures import encode, exif, scene

HEIC = encode(scene(), "HEIC")
TURNED = encode(scene(), "HEIC", exif=exif(6))


def only_exif(orientation: int) -> bytes:
    """A HEIC whose EXIF says how to turn it, and whose container says nothing: `irot` is renamed to a free box."""
    data = encode(scene(), "HEIC", exif=exif(orientation))
    return data.replace(b"irot", b"free").replace(b"imir", b"free")


def test_a_turn_of_the_container_is_found() -> None:
    assert turns_itself(TURNED)
    assert not turns_itself(HEIC)
    assert not turns_itself(only_exif(6))


def test_a_turn_of_another_picture_does_not_count() -> None:
    at = TURNED.index(b"pitm") + 8
    assert not turns_itself(TURNED[:at] + struct.pack(">H", 77) + TURNED[at + 2 :])


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x08meta", TURNED[:300], b"\0\0\0\x01meta" + b"\xff" * 8])
def test_nonsense_turns_nothing(data: bytes) -> None:
    assert not turns_itself(data)


@given(st.integers(0, len(TURNED) - 1), st.integers(0, 255))
def test_any_damage_gives_an_answer(at: int, value: int) -> None:
    assert turns_itself(TURNED[:at] + bytes((value,)) + TURNED[at + 1 :]) in (True, False)


def test_exif_turns_only_where_the_container_does_not() -> None:
    limits = PhotoSettings()
    kept = prepare(only_exif(1), 10**6, limits).pixels
    assert np.abs(prepare(only_exif(3), 10**6, limits).pixels.astype(int) - np.rot90(kept, 2)).mean() < 6
    assert prepare(TURNED, 10**6, limits).pixels.shape == (96, 64, 3)
