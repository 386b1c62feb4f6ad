"""Parses JSON as models write it: with text around it, single or no quotes, missing commas, comments, or cut off.

Used by `answers`. One pass from left to right without backtracking, so that the time is linear in the text's length:
the general repair library took 77 s for 40,000 hostile characters, on the event loop that serves all clients. A value
that is cut off in the middle is dropped: half a number is another number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_DEPTH = 24
STRICT_TRIES = 8
"""This many values are tried as strict JSON before repair; each try can cost one pass over the whole text."""

_START: Final = re.compile(r"\{|\[\s*[\[{\]]")
"""The start of an answer: an object, or a list of objects; `[1]` is a remark."""
_GAP: Final = re.compile(r"(?:[\s,;，；]|//[^\n]*|#[^\n]*)*")
_SPACE: Final = re.compile(r"(?:\s|//[^\n]*|#[^\n]*)*")
_BARE: Final = re.compile(r"[^,:：;；，{}\[\]\"“”\n]*")
_NUMBER: Final = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,3})?")
_ESCAPE: Final = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_AFTER: Final = re.compile(r"\s*(?:[,:：;；，}\]]|//|#|$)|\s+[\"'“‘{\[]")
"""What can follow a closing quote; a quote before anything else is part of the text."""
_CLOSING: Final = {'"': '"', "'": "'", "“": '”“"', "‘": "’‘'"}
_SIMPLE: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "", "f": ""}
_WORDS: Final[dict[str, bool | None]] = {
    "true": True,
    "false": False,
    **dict.fromkeys(("null", "none", "nan", "undefined", "infinity", "-infinity", "")),
}
_MISSING: Final = object()
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Found:
    """One value in a text. `strict`: it is valid JSON as written. `cut`: the text ends before the value does."""

    value: object
    strict: bool
    cut: bool


def find_values(text: str) -> Iterator[Found]:
    """Yield every outermost object or list of objects in a text, in order. Never raises for any text."""
    position, tries = 0, STRICT_TRIES
    while (start := _START.search(text, position)) is not None:
        if tries:
            try:
                value, position = _DECODER.raw_decode(text, start.start())
            except (ValueError, RecursionError):
                tries -= 1
            else:
                yield Found(value, strict=True, cut=False)
                continue
        reader = _Reader(text, start.start())
        value = reader.value(0)
        position = max(reader.position, start.start() + 1)
        yield Found(value, strict=False, cut=reader.cut)


class _Reader:
    """Reads one value from a position on; every method moves forward, or leaves the character to its caller."""

    def __init__(self, text: str, position: int) -> None:
        self.position = position
        self.cut = False
        self._text = text

    def value(self, depth: int) -> object:
        """The value at the position; `_MISSING` if there is none or it is cut off."""
        here = self._here()
        if here in ("}", "]"):
            return _MISSING
        if here in ("{", "["):
            if depth >= MAX_DEPTH:  # no schema is so deep; the rest cannot be parsed reliably
                self.position, self.cut = len(self._text), True
                return _MISSING
            return self._object(depth) if here == "{" else self._array(depth)
        return self._string() if here in _CLOSING else self._bare()

    def _object(self, depth: int) -> dict[str, object]:
        self.position += 1
        found: dict[str, object] = {}
        while (here := self._next()) not in ("", "]", "{", "["):  # these end an object that was never closed
            if here == "}":
                self.position += 1
                return found
            name = self._string() if here in _CLOSING else self._bare()
            if self._next() in (":", "："):
                self.position += 1
                self._next(_SPACE)  # not over a comma: a missing value must not take the next one
                value = self.value(depth + 1)
                if value is not _MISSING and name is not _MISSING:
                    found[str(name)] = value
        self.cut |= here == ""
        return found

    def _array(self, depth: int) -> list[object]:
        self.position += 1
        found: list[object] = []
        while (here := self._next()) not in ("", "}"):
            if here == "]":
                self.position += 1
                return found
            value = self.value(depth + 1)
            if value is not _MISSING:
                found.append(value)
        self.cut |= here == ""
        return found

    def _string(self) -> object:
        """A quoted text. An unescaped quote inside it is part of the text if `_AFTER` does not match behind it."""
        closing = _CLOSING[self._here()]
        begin = at = self.position + 1
        special = re.compile(rf"[\\{closing}]")
        while (stop := special.search(self._text, at)) is not None:
            at = stop.end()
            if stop[0] == "\\":
                at += 1
            elif _AFTER.match(self._text, at):
                self.position = at
                return _unescaped(self._text[begin : stop.start()])
        self.position, self.cut = len(self._text), True
        return _MISSING

    def _bare(self) -> object:
        """Read a word or number without quotes."""
        match = _BARE.match(self._text, self.position)
        end = match.end() if match else self.position
        words = self._text[self.position : end].split("//")[0].strip()
        self.position = max(end, self.position + 1)
        if end == len(self._text):
            self.cut = True
            return _MISSING
        if _NUMBER.fullmatch(words):
            return float(words) if re.search(r"[.eE]", words) else int(words)
        if words.lower() in _WORDS:
            return _WORDS[words.lower()] if words else _MISSING
        return words

    def _next(self, between: re.Pattern[str] = _GAP) -> str:
        """Skip spaces, comments and (by default) commas; return the next character, empty at the end."""
        while True:
            gap = between.match(self._text, self.position)
            self.position = gap.end() if gap else self.position
            if not self._text.startswith("/*", self.position):
                return self._here()
            end = self._text.find("*/", self.position + 2)
            self.position = len(self._text) if end < 0 else end + 2

    def _here(self) -> str:
        return self._text[self.position : self.position + 1]


def _unescaped(raw: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _SIMPLE.get(code, code)

    text = _ESCAPE.sub(plain, raw) if "\\" in raw else raw
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
