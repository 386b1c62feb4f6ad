"""Names of tasks: how they are compared, and how a stranger's text is shown."""

from __future__ import annotations

import unicodedata

from pixel_agent.core import Task

MAX_NAME = 200
"""A longer text is no task's name."""

_MAX_ECHO = 40


def names(task: Task) -> tuple[str, ...]:
    """Everything that the task answers to."""
    return task.id, task.zh, task.en


def key(name: str) -> str:
    """The form in which names are compared: NFKC, case folded, without spaces, hyphens and underscores."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(sign for sign in folded if not sign.isspace() and sign not in "_-")


def shown(name: str) -> str:
    """A stranger's text, short and with everything unprintable escaped, fit for a message or a log."""
    cut = name if len(name) <= _MAX_ECHO else f"{name[:_MAX_ECHO]}…"
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in cut)
