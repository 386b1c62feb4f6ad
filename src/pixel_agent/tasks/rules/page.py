"""What a rule reads: the lines of one photo, where they stand, and the little it may know beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from pydantic import JsonValue

from pixel_agent.core import Draft, Lang, TextLine

MAX_LINE: Final = 300
"""Signs of one line that rules look at."""
_SPACES: Final = re.compile(r"\s{3,}")


@dataclass(frozen=True, slots=True)
class Page:
    """The text of one photo. `lines` are in reading order, in pixels of the upright original of `width` x `height`."""

    lines: tuple[TextLine, ...]
    width: int
    height: int
    today: date
    lang: Lang = "zh"
    options: Mapping[str, JsonValue] = field(default_factory=dict)
    unread: tuple[TextLine, ...] = ()
    """Places of writing that was found and could not be recognised, without text."""

    def __post_init__(self) -> None:
        """Cut lines that no print is as long as: every rule then takes bounded time for each."""
        if any(len(line.text) > MAX_LINE for line in self.lines):
            cut = tuple(replace(line, text=_SPACES.sub("  ", line.text[:MAX_LINE])) for line in self.lines)
            object.__setattr__(self, "lines", cut)


Reader: TypeAlias = Callable[[Page], Draft]
"""A task's rules: from a page to a draft whose rows have source `text` and boxes in pixels of the original."""
