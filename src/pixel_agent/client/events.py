"""Events of a streamed scan as typed values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeAlias

from pydantic import JsonValue, TypeAdapter, ValidationError

from pixel_agent.client.failures import BadAnswer, error_of
from pixel_agent.core.envelope import Envelope
from pixel_agent.core.sse import ServerEvent
from pixel_agent.schemas.scans import ScanList


@dataclass(frozen=True, slots=True)
class Queued:
    """The scan is queued: its position, and the estimated time until it starts, in milliseconds."""

    position: int
    estimated_ms: float
    photo: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage begins: `photo`, `engine` or `reading`."""

    stage: str
    photo: int = 0


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The model's next text, not checked yet. `restart`: discard the pieces before this one."""

    text: str
    restart: bool = False
    photo: int = 0


@dataclass(frozen=True, slots=True)
class Done:
    """The last event: the answer, as `scan` returns it."""

    answer: Envelope | ScanList

    @property
    def reading(self) -> Envelope:
        """The envelope of a single photo. Raises BadAnswer if there were several photos."""
        if isinstance(self.answer, ScanList):
            raise BadAnswer("There are several readings in this answer.", "See `answer.scans`.")
        return self.answer


ScanEvent: TypeAlias = Queued | Stage | TextPiece | Done
_KINDS: dict[str, type[Queued] | type[Stage] | type[TextPiece]] = {
    "queued": Queued,
    "stage": Stage,
    "text": TextPiece,
}


def scan_event(event_in: ServerEvent) -> ScanEvent | None:
    """Parse an event; None for an unknown type. Raises the error of an `error` event, or BadAnswer."""
    try:
        if event_in.name == "done":
            answer: Envelope | ScanList = _ANSWER.validate_json(event_in.data)
            return Done(answer)
        if event_in.name == "error":
            raise error_of(500, event_in.data)
        kind = _KINDS.get(event_in.name)
        values: dict[str, JsonValue] = json.loads(event_in.data) if kind is not None else {}
        known = {key: value for key, value in values.items() if kind is not None and key in kind.__slots__}
        return None if kind is None else TypeAdapter(kind).validate_python(known)
    except (ValidationError, ValueError):
        raise BadAnswer(f"The event {event_in.name[:40]!r} is not as expected.") from None


_ANSWER: TypeAdapter[Envelope | ScanList] = TypeAdapter(Envelope | ScanList)
