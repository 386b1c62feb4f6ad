"""Parses GS1 element strings; a bad element does not discard the valid ones. Used by `gs1.py`; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from biip import ParseError
from biip.gs1_application_identifiers import GS1ApplicationIdentifier

from pixel_agent.core.gtin import check_digit_holds

SEPARATOR = "\x1d"
MAX_LENGTH = 4_000
"""Maximum number of characters that are parsed; a QR code has at most 4,296."""
_SYMBOLOGY = re.compile(r"\](?:C1|d2|Q3|e0|J1)")
"""Symbology identifiers of GS1 codes, which some printers write into the text."""
_SPELT_SEPARATOR = re.compile(r"<GS>|\{GS\}|<FNC1>|\{FNC1\}|\u241d|\u001d", re.IGNORECASE)
_BRACKETED = re.compile(r"\((?P<ai>[0-9]{2,4})\)(?P<value>[^()]+)")
_KEYS_WITH_CHECK_DIGIT = frozenset({"00", "01", "02", "410", "411", "412", "413", "414", "415", "416", "417"})
_PART = re.compile(r"(?P<kind>[NX])(?P<up_to>\.\.)?(?P<count>[0-9]+)(?P<optional>\])?")


@dataclass(frozen=True, slots=True)
class Elements:
    """The parsed elements: identifier → value, the human-readable text, and whether all of the data was parsed."""

    values: dict[str, str]
    text: str
    complete: bool


def read_elements(data: str) -> Elements:
    """Parse element strings with their separators. An invalid element is left out; parsing continues at the next one
    if a separator or the known length of the element shows where that begins.
    """
    data = _SPELT_SEPARATOR.sub(SEPARATOR, _SYMBOLOGY.sub("", data[:MAX_LENGTH], count=1))
    values: dict[str, str] = {}
    spelt: list[str] = []
    complete = bool(data)
    for ai, value in _split(data):
        fits = ai is not None and _fits(ai, value)
        complete = complete and fits
        if ai is not None and fits:
            values.setdefault(ai, value)
        spelt.append(f"({ai}){value}" if ai is not None else value)
    return Elements(values, "".join(spelt), complete)


def read_bracketed(text: str) -> Elements | None:
    """Parse human-readable `(01)…(17)…`; None if the text is not such a line from start to end."""
    text = text.strip()[:MAX_LENGTH]
    found = list(_BRACKETED.finditer(text))
    if not found or "".join(match.group() for match in found) != text:
        return None
    pairs = [(match["ai"], match["value"].strip()) for match in found]
    good = {ai: value for ai, value in reversed(pairs) if _pattern(ai) is not None and _fits(ai, value)}
    return Elements(good, text, len(good) == len(pairs))


def fits(ai: str, value: str) -> bool:
    """Whether the identifier exists and the value has its format (and a valid check digit, if it has one)."""
    return _pattern(ai) is not None and _fits(ai, value)


def _split(data: str) -> Iterator[tuple[str | None, str]]:
    """Each pair of identifier and value; the identifier is None for a piece that begins with none."""
    while data:
        ai = _identifier(data)
        if ai is None:
            piece, _, data = data.partition(SEPARATOR)
            if piece:
                yield None, piece
            continue
        rest = data[len(ai) :]
        length = _fixed_length(ai)
        if length and len(rest) >= length and SEPARATOR not in rest[:length]:
            yield ai, rest[:length]
            data = rest[length:].removeprefix(SEPARATOR)
        else:
            piece, _, data = rest.partition(SEPARATOR)
            yield ai, piece


def _identifier(data: str) -> str | None:
    try:
        return GS1ApplicationIdentifier.extract(data).ai
    except ParseError:
        return None


def _fits(ai: str, value: str) -> bool:
    pattern = _pattern(ai)
    if pattern is None or not pattern.fullmatch(value):
        return False
    return ai not in _KEYS_WITH_CHECK_DIGIT or check_digit_holds(value)


@lru_cache(maxsize=512)
def _pattern(ai: str) -> re.Pattern[str] | None:
    """The pattern of a value, from the format description of its identifier (`N2+N6`, `N2+X..20`)."""
    try:
        known = GS1ApplicationIdentifier.extract(ai)
    except ParseError:
        return None
    if known.ai != ai:
        return None
    return re.compile("".join(_part(part) for part in known.format.split("+")[1:]))


def _part(text: str) -> str:
    found = _PART.search(text)
    if found is None:
        return ""
    signs = "[0-9]" if found["kind"] == "N" else "[ -~]"  # printers put spaces into lots, which the standard forbids
    once = f"{signs}{{1,{found['count']}}}" if found["up_to"] else f"{signs}{{{found['count']}}}"
    return f"(?:{once})?" if text.startswith("[") else once


def _fixed_length(ai: str) -> int:
    """Length of a value with a fixed length; 0 for others."""
    parts = GS1ApplicationIdentifier.extract(ai).format.split("+")[1:]
    found = [_PART.search(part) for part in parts]
    if any(part is None or part["up_to"] or part["optional"] for part in found):
        return 0
    return sum(int(part["count"]) for part in found if part is not None)
