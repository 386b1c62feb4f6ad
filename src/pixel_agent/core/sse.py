"""Parser of server-sent events from bytes (WHATWG HTML, 9.2.6), for the client, for model servers and for tests.

Lines end at LF, CR or both and nowhere else: the usual line readers also split at U+2028, which JSON can contain
unescaped.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event; `id` is the last id that the stream has named."""

    name: str
    data: str
    id: str = ""


class EventReader:
    """Takes bytes in pieces of any size. An event that is cut off before its blank line is dropped; comments are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._name, self._data, self._id = "", list[str](), ""

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that this piece completes."""
        given = self._rest + chunk
        end = len(given) - given.endswith(b"\r")  # its LF may still come
        *lines, rest = _LINE_END.split(given[:end])
        self._rest = rest + given[end:]
        return [event for line in lines if (event := self._take(line.decode("utf-8", "replace"))) is not None]

    def _take(self, line: str) -> ServerEvent | None:
        if not line:
            event = ServerEvent(self._name or "message", "\n".join(self._data), self._id) if self._data else None
            self._name, self._data = "", []
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id":
            self._id = value
        return None


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[ServerEvent, None]:
    """The events of a stream."""
    reader = EventReader()
    async for chunk in chunks:
        for event in reader.feed(chunk):
            yield event
