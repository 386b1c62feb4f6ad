from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixel_agent.photo.barcodes.charset import decode_text


@pytest.mark.parametrize(
    ("text", "charset"),
    [
        ("农夫山泉 饮用天然水", "gbk"),
        ("商品名：牛奶", "gbk"),
        ("お茶 緑茶 500ml", "shift_jis"),
        ("賞味期限", "shift_jis"),
        ("カルピス", "shift_jis"),
        ("ｱｲｽ", "shift_jis"),
        ("Crème brûlée", "latin-1"),
        ("Größe 42 €", "cp1252"),
        ("微信支付", "utf-8"),
    ],
)
def test_bytes_are_read_in_the_charset_that_makes_sense(text: str, charset: str) -> None:
    data = text.encode(charset)
    assert decode_text(data, data.decode("latin-1")) == text


def test_ascii_is_left_to_the_reader() -> None:
    assert decode_text(b"SHELF 12", "SHELF 12") == "SHELF 12"


@given(st.binary(max_size=80))
def test_any_bytes_have_a_text(data: bytes) -> None:
    assert isinstance(decode_text(data, data.decode("latin-1")), str)
