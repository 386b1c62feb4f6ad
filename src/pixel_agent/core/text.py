"""Cleans untrusted text before it reaches a screen or a column of the database. Pure."""

from __future__ import annotations


def printable(text: str) -> str:
    """Each control or direction character becomes a space: text from a code or a file name must not steer its reader."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


def one_line(text: str) -> str:
    """Printable, with single spaces."""
    return " ".join(printable(text).split())


def storable(text: str, most: int | None = None) -> str:
    """What a database takes: no NUL, no half of a surrogate pair, at most `most` characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")[:most]
