"""Normalises task names for comparison, and makes untrusted text safe for messages and logs."""

from __future__ import annotations

import unicodedata

from pixel_agent.core import Task

MAX_NAME = 200
"""Most characters of a task name."""

_MAX_ECHO = 40


def names(task: Task) -> tuple[str, ...]:
    """All names of a task: its id, its Chinese and its English name."""
    return task.id, task.zh, task.en


def key(name: str) -> str:
    """Normalise a name for comparison: NFKC, case folded, without spaces, hyphens and underscores."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if not sign.isspace() and sign not in "_-")


def shown(name: str) -> str:
    """Shorten an untrusted text and escape its unprintable characters, for a message or a log."""
    cut = name if len(name) <= _MAX_ECHO else f"{name[:_MAX_ECHO]}…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in cut)
