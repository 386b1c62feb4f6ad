"""Text that every database can store: the character NUL is rejected anywhere in it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, JsonValue

T = TypeVar("T")


def without_nul(value: T) -> T:
    """Return a text, or JSON with texts, unchanged. Raises ValueError for the character NUL (PostgreSQL rejects it)."""
    if _holds_nul(value):
        raise ValueError("must not hold the character NUL")
    return value


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(name) or _holds_nul(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


Text = Annotated[str, AfterValidator(without_nul)]
Value = Annotated[JsonValue, AfterValidator(without_nul)]
