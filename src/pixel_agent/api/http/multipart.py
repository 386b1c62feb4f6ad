"""A multipart body read part by part as it arrives, so that it is never in memory as a whole."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import unquote_to_bytes

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pixel_agent.core.errors import InvalidRequest

EXTENDED_NAME: Final = re.compile(rb";\s*filename\*\s*=\s*[\w-]+'[\w-]*'([^;\s]+)", re.IGNORECASE)
"""A file name as in RFC 5987; some clients send no other."""
ADVICE: Final = "Send multipart/form-data with the photos in 'photos', or a ZIP archive in 'archive'."


class Part:
    """One part: a field (`filename` is None) or a file. Read it before you request the next one."""

    def __init__(self, parts: Parts, name: str, filename: str | None) -> None:
        self._parts = parts
        self.name = name
        self.filename = filename

    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the part, as they arrive."""
        return self._parts.rest_of_part()

    async def read(self, most: int) -> bytes:
        """The bytes of the part, at most `most` + 1: one byte over the limit shows that the part is too large."""
        data = bytearray()
        async for chunk in self.chunks():
            data += chunk[: most + 1 - len(data)]
        return bytes(data)


class Parts:
    """The parts of a request, in order: `async for part in Parts(request)`. Raises InvalidRequest."""

    def __init__(self, request: Request, advice: str = ADVICE) -> None:
        self._advice = advice
        kind, options = parse_options_header(request.headers.get("content-type"))
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidRequest("The body is not multipart/form-data.", self._advice)
        self._stream = request.stream()
        self._headers: dict[bytes, bytes] = {}
        self._field = self._value = b""
        self._seen: deque[Part | bytes | None] = deque()  # queue: a part begins, some of its bytes, None at its end
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._on_field,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers,
                "on_part_data": lambda data, start, end: self._seen.append(data[start:end]),
                "on_part_end": lambda: self._seen.append(None),
                "on_end": self._on_end,
            },
        )

    async def __aiter__(self) -> AsyncIterator[Part]:
        while await self._more():
            seen = self._seen.popleft()
            if isinstance(seen, Part):
                yield seen

    async def rest_of_part(self) -> AsyncIterator[bytes]:
        """The bytes of the latest part."""
        while await self._more():
            seen = self._seen.popleft()
            if not isinstance(seen, bytes):
                return
            yield seen

    async def _more(self) -> bool:
        """Parse the next piece of the body; False at its end."""
        while not self._seen:
            try:
                chunk = await anext(self._stream)
            except StopAsyncIteration:
                if not self._ended:
                    raise InvalidRequest("The multipart body ends in the middle.", self._advice) from None
                return False
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidRequest(f"The multipart body is broken: {error}", self._advice) from None
        return True

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _on_headers(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        name, filename = options.get(b"name"), options.get(b"filename")
        if filename is None and (extended := EXTENDED_NAME.search(disposition)):
            filename = unquote_to_bytes(extended[1])
        if name is None:
            raise InvalidRequest("A part of the multipart body has no name.", self._advice)
        self._seen.append(Part(self, _text(name), None if filename is None else _text(filename)))

    def _on_end(self) -> None:
        self._ended = True


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("gb18030", "replace")
