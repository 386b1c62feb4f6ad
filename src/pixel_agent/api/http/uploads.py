"""From an HTTP request to checked scan fields and photo bytes: multipart or JSON, with size limits while it is read."""

from __future__ import annotations

import asyncio
import base64
import binascii
import unicodedata
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from math import inf
from typing import TypeAlias, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive

from pixel_agent.api.http.json_body import explain, parse_object, validated
from pixel_agent.api.http.multipart import Part, Parts
from pixel_agent.core import Task
from pixel_agent.core.digest import hash_photo
from pixel_agent.core.errors import (
    InvalidRequest,
    PhotoTooLarge,
    ScanCancelled,
    TooManyPhotos,
    UnsupportedContent,
    UploadTooSlow,
)
from pixel_agent.core.settings import PhotoSettings, Settings
from pixel_agent.schemas.scans import ScanBody, ScanFields

OVERHEAD_BYTES = 2**20
"""Allowance for everything except the photos: part headers, fields, JSON punctuation."""

MAX_FIELDS = 64
SHORT_TEXT = 1024

STREAM = "stream"
"""The query parameter that asks for a streamed answer; it is not a field of the scan."""

T = TypeVar("T")
Grow: TypeAlias = Callable[[int], None]
"""Called with the bytes received so far; raises if the reservation cannot grow to that size."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded photo; `sha256` is the digest of its bytes."""

    data: bytes
    sha256: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A whole request: its photos in order, and its fields."""

    uploads: tuple[Upload, ...]
    fields: ScanFields


def check_length(request: Request, settings: PhotoSettings, *, most: int) -> int | None:
    """The Content-Length, None without one. Raises PhotoTooLarge if it exceeds the limit for `most` photos."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return None
    if int(length) > _most_bytes(request, settings, most):
        raise _too_large(_most_bytes(request, settings, most))
    return int(length)


async def read_form(
    request: Request, field: str, settings: Settings, *, most: int, strict: bool, grow: Grow | None = None
) -> Submission:
    """Read a multipart request whose photos are in `field`. With `strict`, unknown fields are rejected.

    Raises InvalidRequest, TooManyPhotos, PhotoTooLarge, UploadTooSlow; ScanCancelled if the client disconnects
    meanwhile.
    """
    limited = bounded(request, settings, _most_bytes(request, settings.photo, most), grow=grow)
    if media_type(request) == "application/x-www-form-urlencoded":
        raise _missing(field, as_text=True)
    form = _Form(field, settings.photo, most)
    async for part in Parts(limited, f"Send multipart/form-data with a file in the field '{field}'."):
        await form.take(part)
    return Submission(form.uploads(), scan_fields({**query_fields(request), **form.fields}, strict=strict))


class _Form:
    """The parts of one scan's form: its fields, and photos up to the limit."""

    def __init__(self, field: str, settings: PhotoSettings, most: int) -> None:
        self.fields: dict[str, str] = {}
        self._field = field
        self._settings = settings
        self._most = most
        self._uploads: list[Upload] = []
        self._count = 0
        self._elsewhere = ""
        self._as_text = False

    async def take(self, part: Part) -> None:
        """Read one part. Files in other fields, and photos beyond the limit, are counted and dropped."""
        if part.name == self._field:
            await self._take_photo(part)
        elif part.filename is not None:
            self._elsewhere = self._elsewhere or part.name
        else:
            await self._take_field(part)

    def uploads(self) -> tuple[Upload, ...]:
        """All photos, in order. Raises InvalidRequest, TooManyPhotos."""
        if not self._count:
            raise _missing(self._field, self._elsewhere, self._as_text)
        if self._count > self._most:
            takes = "exactly one photo" if self._most == 1 else f"at most {self._most} photos"
            raise TooManyPhotos(
                f"{self._count} photos were sent in the field '{self._field}'; it takes {takes}.",
                "Send several photos to /v1/scans in the field 'photos'.",
            )
        return tuple(self._uploads)

    async def _take_photo(self, part: Part) -> None:
        if self._count >= self._most:
            self._count += 1
            return
        # One byte over the limit is enough: the photo stage rejects this photo and accepts the others.
        data = await part.read(self._settings.max_bytes)
        if part.filename is None and _is_text(data):
            self._as_text = True
            return
        self._count += 1
        self._uploads.append(await _upload(data, part.filename))

    async def _take_field(self, part: Part) -> None:
        data = await part.read(OVERHEAD_BYTES)
        if len(data) > OVERHEAD_BYTES:
            raise InvalidRequest(f"The field '{part.name[:60]}' is too long.", "See /docs for what is accepted.")
        self.fields[part.name] = data.decode("utf-8", "replace")
        if len(self.fields) > MAX_FIELDS:
            raise InvalidRequest(f"The form has more than {MAX_FIELDS} fields.", "See /docs for what is accepted.")


async def _upload(data: bytes, filename: str | None) -> Upload:
    return Upload(data, await hash_photo(data), filename and file_name(filename))


def _is_text(data: bytes) -> bool:
    """Whether this is a short text sent in place of a file. Every photo format begins with other bytes."""
    return len(data) <= SHORT_TEXT and all(sign >= 32 or sign in b"\r\n\t" for sign in data[:64])


async def read_json(request: Request, settings: Settings, *, most: int, grow: Grow | None = None) -> Submission:
    """Read a JSON request; fields missing in its body are taken from the query. Raises the errors of `read_form`."""
    advice = "See /docs for the JSON body of a scan."
    given = await parse_object(await read_body(request, settings, most=most, grow=grow), advice)
    photos = given.get("photos")
    if isinstance(photos, list) and len(photos) > most:
        raise TooManyPhotos(f"{len(photos)} photos were sent; one request takes at most {most}.")
    parsed = validated(ScanBody, {**query_fields(request), **given}, advice)
    if not parsed.photos:
        raise _missing("photos")
    uploads = []
    for index, photo in enumerate(parsed.photos):
        text, filename = (photo, None) if isinstance(photo, str) else (photo.data, photo.filename)
        uploads.append(await _upload(await decode_base64(text, f"photos.{index}", settings.photo), filename))
    return Submission(tuple(uploads), ScanFields(**parsed.model_dump(exclude={"photos"})))


async def read_body(request: Request, settings: Settings, *, most: int, grow: Grow | None = None) -> bytes:
    """Read a JSON body with at most `most` photos in base64.

    Raises UnsupportedContent for a body of another type, PhotoTooLarge; ScanCancelled if the client disconnects.
    """
    body = await bounded(request, settings, _most_bytes(request, settings.photo, most), grow=grow).body()
    if body and not is_json(request):  # a browser sends text/plain across origins without a preflight request
        raise UnsupportedContent(
            f"The body is {media_type(request)[:60] or 'of no type'}.", "Send it with Content-Type: application/json."
        )
    return body


def query_fields(request: Request) -> dict[str, str]:
    """The scan fields in the query."""
    return {name: value for name, value in request.query_params.items() if name != STREAM}


def check_question(task: Task, question: str | None) -> None:
    """Raise InvalidRequest if the task needs a question and none is given."""
    if task.needs_question and not (question or "").strip():
        raise InvalidRequest(f"The task {task.id} needs a question.", "Send it in the field 'question'.")


def scan_fields(given: Mapping[str, str], *, strict: bool) -> ScanFields:
    """Validate the fields of a form or a query; without `strict`, unknown ones are ignored."""
    known = without_empty(ScanFields, given, strict=strict)
    try:
        return ScanFields.model_validate(known)
    except ValidationError as error:
        accepted = ", ".join(ScanFields.model_fields)
        raise InvalidRequest(explain(error), f"Accepted fields: {accepted}.") from None


def without_empty(model: type[BaseModel], given: Mapping[str, str], *, strict: bool) -> dict[str, str]:
    """The fields of a form except empty ones, which count as not given. Without `strict`, unknown ones go too."""
    return {
        name: value
        for name, value in given.items()
        if (value if name in model.model_fields else strict) or (value and strict)
    }


def file_name(given: str) -> str:
    """A photo's file name without control characters: a bad name must not reject the photo."""
    return "".join(letter for letter in given if unicodedata.category(letter) != "Cc")


async def cancel_on_disconnect(request: Request, work: Coroutine[object, object, T]) -> T:
    """Run `work`, and cancel it as soon as the client disconnects. The request's body must have been read.

    Raises ScanCancelled if the client disconnected.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(disconnected(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ScanCancelled("The client left before the answer was ready.")
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def disconnected(receive: Receive) -> None:
    """Wait until the client disconnects. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def is_json(request: Request) -> bool:
    """Whether the body's media type is `application/json`."""
    return media_type(request) == "application/json"


def media_type(request: Request) -> str:
    """The media type of the body: lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _most_bytes(request: Request, settings: PhotoSettings, most: int) -> int:
    photos = most * settings.max_bytes
    return ((photos + 2) // 3 * 4 if is_json(request) else photos) + OVERHEAD_BYTES


def bounded(
    request: Request, settings: Settings, most: int, *, hurried: bool = True, grow: Grow | None = None
) -> Request:
    """The same request with a bounded body: PhotoTooLarge beyond `most` bytes, UploadTooSlow below the minimum rate.

    `hurried` is for a body that occupies memory while it arrives: the larger it is, the faster it has to come. `grow`
    is called with the number of bytes received so far. Raises UnsupportedContent.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedContent(
            f"The body is encoded as {encoding[:40]}, which is not unpacked here.", "Send it without Content-Encoding."
        )
    pace = settings.server
    length = request.headers.get("content-length", "")
    least_per_s = max(
        pace.upload_min_bytes_per_s, int(length) / pace.upload_max_s if hurried and length.isdecimal() else 0
    )
    started = asyncio.get_running_loop().time()
    end = started + pace.upload_grace_s + pace.upload_max_s if hurried else inf
    received = 0

    async def receive() -> Message:
        nonlocal received
        patience = started + pace.upload_grace_s + received / least_per_s
        try:
            async with asyncio.timeout_at(min(patience, end)):
                message = await request.receive()
        except TimeoutError:
            raise UploadTooSlow(
                f"Only {received} bytes of the upload have come.",
                f"An upload has {pace.upload_grace_s:g} s, and a second more for every {least_per_s:.0f} bytes.",
            ) from None
        if message["type"] == "http.disconnect":
            raise ScanCancelled("The client left before its upload was complete.")
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        if grow is not None:
            grow(received)
        return message

    return Request(request.scope, receive)


def _too_large(most: int) -> PhotoTooLarge:
    return PhotoTooLarge(f"The request has more than {most} bytes.", "Send fewer or smaller photos.")


def _missing(field: str, found: str = "", as_text: bool = False) -> InvalidRequest:
    if as_text:
        detail = f"The field '{field}' came as text; it must be a file."
    elif found:
        detail = f"There is no file in the field '{field}'; one came in the field '{found[:60]}'."
    else:
        detail = f"There is no file in the field '{field}'."
    return InvalidRequest(detail, f"Send the photo as a file in the field '{field}' of multipart/form-data.")


def photo_too_large(field: str, most: int) -> PhotoTooLarge:
    """The error for a photo over the limit, the same wherever it is found."""
    return PhotoTooLarge(f"{field} has more than {most:,} bytes.", "Send a smaller photo, or a JPEG of it.")


async def decode_base64(text: str, field: str, settings: PhotoSettings) -> bytes:
    """Decode a photo in base64, with or without a `data:` prefix. Raises PhotoTooLarge, InvalidRequest."""
    return await asyncio.to_thread(_decoded, text, field, settings)


def _decoded(text: str, field: str, settings: PhotoSettings) -> bytes:
    if text.startswith("data:"):
        text = text.partition(",")[2]
    if len(text) > (settings.max_bytes + 2) // 3 * 4 + 4096:
        raise photo_too_large(field, settings.max_bytes)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(
            f"{field}: this is not valid base64.", "Encode the photo's bytes with standard base64 and padding."
        ) from None
