"""Decodes the bytes of a QR code that states no character encoding: UTF-8, GBK, Shift-JIS or Western letters.

Used by `candidates.py`; pure.
"""

from __future__ import annotations

from collections.abc import Callable

RARE = 0.1
"""Score of a character that is rare on labels."""


def decode_text(data: bytes, fallback: str) -> str:
    """The most likely text of the bytes. `fallback` is the reader's own text; it wins unless another is more likely."""
    if data.isascii():
        return fallback
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    texts = {fallback: _worth(fallback, _western)}
    for codec, worth in (("gbk", _chinese), ("cp932", _japanese), ("cp1252", _western)):
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        texts[text] = max(texts.get(text, 0.0), _worth(text, worth))
    return max(texts, key=lambda text: texts[text])


def _worth(text: str, worth: Callable[[str], float]) -> float:
    """Mean score of the characters beyond ASCII; a Western letter scores only between other letters."""
    total = count = 0.0
    for place, sign in enumerate(text):
        if sign.isascii():
            continue
        beside = text[max(0, place - 1) : place] + text[place + 1 : place + 2]
        lonely = worth is _western and sign.isalpha() and not any(part.isascii() and part.isalpha() for part in beside)
        total += RARE if lonely else worth(sign)
        count += 1
    return total / count if count else 1.0


def _chinese(sign: str) -> float:
    try:
        lead = sign.encode("gb2312")[0]
    except UnicodeEncodeError:
        return RARE
    return 1.0 if 0xB0 <= lead <= 0xD7 else 0.9 if lead in (0xA1, 0xA3) else 0.5


def _japanese(sign: str) -> float:
    if "\u3040" <= sign <= "\u30ff":
        return 1.0
    if "\uff61" <= sign <= "\uff9f":
        return 0.4
    try:
        lead = sign.encode("shift_jis")[0]
    except (UnicodeEncodeError, IndexError):
        return RARE
    return 0.9 if 0x81 <= lead <= 0x82 or 0x88 <= lead <= 0x97 else 0.3


def _western(sign: str) -> float:
    return 0.8 if sign.isalpha() and ord(sign) < 0x250 else 0.5 if sign in "€£¥¢°ºª«»·–—‘’“”…" else RARE
