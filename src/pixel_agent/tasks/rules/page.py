"""What a rule reads: the lines of one photo, where they stand, and the little it may know beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from pydantic import JsonValue

from pixel_agent.core import Draft, Lang, TextLine


@dataclass(frozen=True, slots=True)
class Page:
    """The text of one photo. `lines` are in reading order, in pixels of the upright original of `width` x `height`."""

    lines: tuple[TextLine, ...]
    width: int
    height: int
    today: date
    lang: Lang = "zh"
    options: Mapping[str, JsonValue] = field(default_factory=dict)


Reader: TypeAlias = Callable[[Page], Draft]
"""A task's rules: from a page to a draft whose rows have source `text` and boxes in pixels of the original."""
