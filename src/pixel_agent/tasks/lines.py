"""Finds the line numbers of keys and tables in a valid TOML file for `custom`: the standard parser gives none."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-\"'.\s]+?)\s*=")
_QUOTES = ('"""', "'''")


class TomlLines:
    """An index of a TOML text: (table, key) → line number from 1."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._at: dict[tuple[str, str], int] = {}
        self._index()

    def find(self, table: str, name: str = "") -> int:
        """The line of a key in a table; if unknown, the line of the table (or of its first part), else 1."""
        places = ((table, name), ("", f"{table}.{name}"), (f"{table}.{name}", ""), (table, ""))
        found = [self._at[place] for place in places if place in self._at]
        if found:
            return found[0]
        inside = [line for (other, _), line in self._at.items() if f"{other}.".startswith(f"{table}.")]
        return min(inside, default=1)

    def opens_below(self, table: str, name: str) -> int:
        """1 if the key's line ends with three opening quotes, so that the text starts one line below; else 0."""
        line = self._lines[self.find(table, name) - 1].rstrip()
        return int(line.endswith(_QUOTES))

    def _index(self) -> None:
        table, closing = "", ""
        for number, line in enumerate(self._lines, 1):
            if closing:
                closing = "" if closing in line else closing
                continue
            header = _HEADER.match(line)
            if header:
                table = _plain(header[1])
                self._at.setdefault((table, ""), number)
                continue
            key = _KEY.match(line)
            if key:
                self._at.setdefault((table, _plain(key[1])), number)
            closing = _left_open(line)


def _plain(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def _left_open(line: str) -> str:
    """The triple quote that a line opens and does not close; empty if there is none."""
    first = min(((place, quote) for quote in _QUOTES if (place := line.find(quote)) >= 0), default=None)
    if first is None:
        return ""
    return "" if line.find(first[1], first[0] + 3) >= 0 else first[1]
