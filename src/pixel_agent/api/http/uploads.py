"""From an HTTP request to checked scan fields and photo bytes: multipart or JSON, bounded while it is read."""

from __future__ import annotations

import asyncio
import base64
import binascii
import unicodedata
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from pixel_agent.core import Task
from pixel_agent.core.digest import hash_photo
from pixel_agent.core.errors import InvalidRequest, PhotoTooLarge, ScanCancelled, TooManyPhotos, UploadTooSlow
from pixel_agent.core.settings import PhotoSettings, Settings
from pixel_agent.schemas.scans import ScanBody, ScanFields

OVERHEAD_BYTES = 2**20
"""What a request may carry beside its photos: part headers, fields, JSON punctuation."""

STREAM = "stream"
"""Says in the query how the answer is to come; no field of the scan."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upload:
    """One photo as it came in; `sha256` is that of its bytes."""

    data: bytes
    sha256: str
    filename: str | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A whole request: its photos, in order, and its fields."""

    uploads: tuple[Upload, ...]
    fields: ScanFields


def check_length(request: Request, settings: PhotoSettings, *, most: int) -> int | None:
    """The length that the client states, None if it does not; for `most` photos. Raises PhotoTooLarge."""
    length = request.headers.get("content-length", "")
    if not length.isdigit():
        return None
    if int(length) > _most_bytes(request, settings, most):
        raise _too_large(_most_bytes(request, settings, most))
    return int(length)


async def read_form(request: Request, field: str, settings: Settings, *, most: int, strict: bool) -> Submission:
    """Read a multipart request whose photos are in `field`. `strict` refuses fields that we do not know.

    Raises InvalidRequest, TooManyPhotos, PhotoTooLarge, UploadTooSlow, or ScanCancelled if the client left half-way.
    """
    limited = bounded(request, settings, _most_bytes(request, settings.photo, most))
    try:
        async with limited.form(max_files=max(64, most), max_fields=64, max_part_size=OVERHEAD_BYTES) as form:
            uploads = await _uploads(form, field, settings.photo, most)
            given = {name: value for name, value in form.items() if isinstance(value, str) and name != field}
    except HTTPException as error:
        raise InvalidRequest(
            f"The multipart body is broken: {error.detail}",
            f"Send multipart/form-data with a file in the field '{field}'.",
        ) from None
    return Submission(uploads, scan_fields({**query_fields(request), **given}, strict=strict))


async def read_json(request: Request, settings: Settings, *, most: int) -> Submission:
    """Read a JSON request; what its body does not say, the query may. Raises as `read_form` does."""
    body = await read_body(request, settings, most=most)
    advice = "See /docs for the JSON body of a scan."
    try:
        given = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", advice) from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body is not a JSON object.", advice)
    try:
        parsed = ScanBody.model_validate({**query_fields(request), **given})
    except ValidationError as error:
        raise InvalidRequest(explain(error), advice) from None
    if not parsed.photos:
        raise _missing("photos")
    if len(parsed.photos) > most:
        raise TooManyPhotos(f"{len(parsed.photos)} photos were sent; one request takes at most {most}.")
    uploads = []
    for index, photo in enumerate(parsed.photos):
        text, filename = (photo, None) if isinstance(photo, str) else (photo.data, photo.filename)
        uploads.append(await _upload(await decode_base64(text, f"photos.{index}", settings.photo), filename))
    return Submission(tuple(uploads), ScanFields(**parsed.model_dump(exclude={"photos"})))


async def read_body(request: Request, settings: Settings, *, most: int) -> bytes:
    """A JSON body with at most so many photos in base64. Raises PhotoTooLarge, ScanCancelled if the client left."""
    return await bounded(request, settings, _most_bytes(request, settings.photo, most)).body()


def query_fields(request: Request) -> dict[str, str]:
    """The fields of a scan in the query."""
    return {name: value for name, value in request.query_params.items() if name != STREAM}


def check_question(task: Task, question: str | None) -> None:
    """Raise InvalidRequest if a task needs a question and there is none."""
    if task.needs_question and not (question or "").strip():
        raise InvalidRequest(f"The task {task.id} needs a question.", "Send it in the field 'question'.")


def scan_fields(given: Mapping[str, str], *, strict: bool) -> ScanFields:
    """Check the fields of a form or a query; without `strict` unknown ones are ignored."""
    known = given if strict else {name: value for name, value in given.items() if name in ScanFields.model_fields}
    try:
        return ScanFields.model_validate(known)
    except ValidationError as error:
        accepted = ", ".join(ScanFields.model_fields)
        raise InvalidRequest(explain(error), f"Accepted fields: {accepted}.") from None


def explain(error: ValidationError) -> str:
    """One readable sentence for what pydantic found, without echoing long input."""
    parts = []
    for problem in error.errors(include_input=False, include_url=False)[:5]:
        where = ".".join(str(part) for part in problem["loc"])[:80] or "body"
        what = "is not a known field" if problem["type"] == "extra_forbidden" else problem["msg"]
        parts.append(f"{where}: {what}")
    return "; ".join(parts) + "."


def file_name(given: str) -> str:
    """A photo's name without control characters: a bad name is no reason to lose a photo."""
    return "".join(letter for letter in given if unicodedata.category(letter) != "Cc")


async def cancel_on_disconnect(request: Request, work: Coroutine[object, object, T]) -> T:
    """Run `work`, and cancel it the moment the client leaves. The request's body must have been read.

    Raises ScanCancelled when the client left.
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
    """Wait until the client leaves; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def is_json(request: Request) -> bool:
    """Whether the body is JSON."""
    return request.headers.get("content-type", "").startswith("application/json")


def _most_bytes(request: Request, settings: PhotoSettings, most: int) -> int:
    photos = most * settings.max_bytes
    return ((photos + 2) // 3 * 4 if is_json(request) else photos) + OVERHEAD_BYTES


def bounded(request: Request, settings: Settings, most: int) -> Request:
    """The same request, whose body ends in PhotoTooLarge beyond `most` bytes, and in UploadTooSlow when it crawls."""
    pace = settings.server
    started = asyncio.get_running_loop().time()
    received = 0

    async def receive() -> Message:
        nonlocal received
        patience = started + pace.upload_grace_s + received / pace.upload_min_bytes_per_s
        try:
            async with asyncio.timeout_at(patience):
                message = await request.receive()
        except TimeoutError:
            raise UploadTooSlow(
                f"Only {received} bytes of the upload have come.",
                f"An upload has {pace.upload_grace_s:g} s, and a second more for every {pace.upload_min_bytes_per_s} bytes.",
            ) from None
        if message["type"] == "http.disconnect":
            raise ScanCancelled("The client left before its upload was complete.")
        received += len(message.get("body", b""))
        if received > most:
            raise _too_large(most)
        return message

    return Request(request.scope, receive)


async def _uploads(form: FormData, field: str, settings: PhotoSettings, most: int) -> tuple[Upload, ...]:
    values = form.getlist(field)
    files = [value for value in values if isinstance(value, UploadFile)]
    if not files:
        raise _missing(
            field, [name for name, value in form.multi_items() if isinstance(value, UploadFile)], bool(values)
        )
    if len(files) > most:
        takes = "exactly one photo" if most == 1 else f"at most {most} photos"
        raise TooManyPhotos(
            f"{len(files)} photos were sent in the field '{field}'; it takes {takes}.",
            "Send several photos to /v1/scans in the field 'photos'.",
        )
    # One byte over the limit is enough for the photo stage to refuse this photo, and not the others.
    return tuple([await _upload(await file.read(settings.max_bytes + 1), file.filename) for file in files])


async def _upload(data: bytes, filename: str | None) -> Upload:
    return Upload(data, await hash_photo(data), filename and file_name(filename))


def _too_large(most: int) -> PhotoTooLarge:
    return PhotoTooLarge(f"The request has more than {most} bytes.", "Send fewer or smaller photos.")


def _missing(field: str, found: list[str] | None = None, as_text: bool = False) -> InvalidRequest:
    if as_text:
        detail = f"The field '{field}' came as text; it must be a file."
    elif found:
        detail = f"There is no file in the field '{field}'; one came in the field '{found[0][:60]}'."
    else:
        detail = f"There is no file in the field '{field}'."
    return InvalidRequest(detail, f"Send the photo as a file in the field '{field}' of multipart/form-data.")


def photo_too_large(field: str, most: int) -> PhotoTooLarge:
    """The error for a photo over the limit, wherever that is noticed."""
    return PhotoTooLarge(f"{field} has more than {most:,} bytes.", "Send a smaller photo, or a JPEG of it.")


async def decode_base64(text: str, field: str, settings: PhotoSettings) -> bytes:
    """The bytes of a photo in base64, with or without a `data:` prefix. Raises PhotoTooLarge, InvalidRequest."""
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
