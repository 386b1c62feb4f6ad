"""The input of every rule: the text lines of one photo with their places, and the few settings that a rule can use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from pydantic import JsonValue

from pixel_agent.core import Draft, Lang, TextLine

MAX_LINE: Final = 300
"""Maximum number of characters of one line that rules read."""
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
    """Places of text that was detected but not recognised; their text is empty."""

    def __post_init__(self) -> None:
        """Cut lines longer than any real print, so that every rule takes bounded time for each line."""
        if any(len(line.text) > MAX_LINE for line in self.lines):
            cut = tuple(replace(line, text=_SPACES.sub("  ", line.text[:MAX_LINE])) for line in self.lines)
            object.__setattr__(self, "lines", cut)


Reader: TypeAlias = Callable[[Page], Draft]
"""The rules of a task: page → draft, whose rows have source `text` and boxes in pixels of the original."""
