"""The upload of a batch: photos are written to disk as they arrive, so that memory does not grow with their number."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fastapi import Request

from pixel_agent.api.http.multipart import Part, Parts
from pixel_agent.api.http.uploads import MAX_FIELDS, OVERHEAD_BYTES, bounded, file_name
from pixel_agent.core.envelope import Problem
from pixel_agent.core.errors import BadArchive, InvalidPhoto, InvalidRequest, PhotoTooLarge, TooManyPhotos
from pixel_agent.jobs.archives import ArchiveMember, read_archive
from pixel_agent.jobs.ingest import AT_ONCE, Ingest
from pixel_agent.schemas.batches import RefusedPhoto
from pixel_agent.service.service import ScanService
from pixel_agent.storage.database import translate_errors
from pixel_agent.storage.records import PhotoRecord

MAX_FIELD: Final = 64 * 1024
"""Maximum bytes of a field that is not a file."""


@dataclass(frozen=True, slots=True)
class KeptPhoto:
    """An uploaded photo that is on disk."""

    photo: PhotoRecord
    filename: str


@dataclass(slots=True)
class Received:
    """The result of one upload: fields as sent, photos on disk, and rejected photos."""

    fields: dict[str, str] = field(default_factory=dict)
    photos: list[KeptPhoto] = field(default_factory=list)
    refused: list[RefusedPhoto] = field(default_factory=list)

    @property
    def content(self) -> list[str]:
        """What identifies this upload for its Idempotency-Key."""
        return [
            *(f"{kept.photo.sha256} {kept.filename}" for kept in self.photos),
            *(f"{one.filename} {one.error.code}" for one in self.refused),
        ]


async def receive(request: Request, service: ScanService) -> Received:
    """Read a whole upload. A rejected photo does not stop the others.

    Raises InvalidRequest, BadArchive, TooManyPhotos, PhotoTooLarge, StoreFull, StoreUnavailable.
    """
    settings = service.settings
    length = int(request.headers.get("content-length") or 0)
    most = settings.batches.max_request_bytes
    if length > most:
        raise PhotoTooLarge(f"The request has more than {most} bytes.", "Send the photos in several requests.")
    await service.storage.check_room(length)
    counted = min(length, AT_ONCE * settings.photo.max_bytes, settings.admission.max_bytes // 4)
    with service.admission.reserve(counted):
        limited = bounded(request, settings, most + OVERHEAD_BYTES, hurried=False)
        return await _Upload(service).read(limited)


class _Upload:
    """Writes a few photos at a time, and returns them in the order of their arrival."""

    def __init__(self, service: ScanService) -> None:
        self._settings = service.settings
        self._intake: Ingest = service.persistence.ingest
        self._files = service.storage.photos
        self._received = Received()
        self._writing: list[tuple[str, asyncio.Task[PhotoRecord]]] = []
        self._count = 0

    async def read(self, request: Request) -> Received:
        try:
            async for part in Parts(request):
                await self._take(part)
            while self._writing:
                await self._settle_first()
        finally:
            for _, task in self._writing:
                task.cancel()
            await asyncio.gather(*(task for _, task in self._writing), return_exceptions=True)
        return self._received

    async def _take(self, part: Part) -> None:
        if part.filename is None and part.name not in ("photos", "archive"):
            data = await part.read(MAX_FIELD)
            if len(data) > MAX_FIELD:
                raise InvalidRequest(f"The field '{part.name[:60]}' is too long.", "See /docs for what is accepted.")
            self._received.fields[part.name] = data.decode("utf-8", "replace")
            if len(self._received.fields) > MAX_FIELDS:
                raise InvalidRequest(f"The form has more than {MAX_FIELDS} fields.", "See /docs for what is accepted.")
        elif part.name == "photos":
            await self._keep(file_name(part.filename or ""), await part.read(self._settings.photo.max_bytes))
        elif part.name == "archive":
            await self._unpack(part)
        else:
            raise InvalidRequest(
                f"A file came in the field '{part.name[:60]}'.", "Send photos in 'photos', a ZIP archive in 'archive'."
            )

    async def _keep(self, filename: str, data: bytes) -> None:
        self._count += 1
        if self._count > self._settings.batches.max_photos:
            raise TooManyPhotos(
                f"More than {self._settings.batches.max_photos} photos were sent.", "Make several batches of them."
            )
        while len(self._writing) >= AT_ONCE:
            await self._settle_first()
        self._writing.append((filename, asyncio.create_task(self._intake.keep(data))))

    async def _settle_first(self) -> None:
        filename, task = self._writing[0]
        try:
            self._received.photos.append(KeptPhoto(await task, filename))
        except InvalidPhoto as error:
            self._refuse(filename, error)
        del self._writing[0]

    async def _unpack(self, part: Part) -> None:
        path = await asyncio.to_thread(self._files.temporary)
        try:
            await _write(part, path)
            with path.open("rb") as file:  # opening is fast; reading happens in threads
                entries = read_archive(file, self._settings.photo, self._settings.batches)
                before = self._count
                while (entry := await asyncio.to_thread(next, entries, None)) is not None:
                    await self._take_entry(entry)
                if self._count == before:
                    raise BadArchive("The archive holds no photo.", "Put JPEG, PNG or HEIC photos into it.")
        finally:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    async def _take_entry(self, entry: ArchiveMember) -> None:
        if entry.error is None:
            await self._keep(file_name(entry.filename), entry.data)
            return
        while self._writing:  # rejections keep the order of the photos, too
            await self._settle_first()
        self._refuse(file_name(entry.filename), entry.error)

    def _refuse(self, filename: str, error: InvalidPhoto) -> None:
        self._received.refused.append(RefusedPhoto(filename=filename, error=Problem.of(error)))


async def _write(part: Part, path: Path) -> None:
    with translate_errors(), path.open("xb") as file:  # as above; writes go to the page cache
        async for chunk in part.chunks():
            await asyncio.to_thread(file.write, chunk)


def only_fields(given: Mapping[str, str], *accepted: str) -> None:
    """Reject fields that this operation does not use. Raises InvalidRequest."""
    for name in given:
        if name not in accepted:
            raise InvalidRequest(f"The field '{name[:60]}' has no meaning here.", "The batch says what is asked of it.")
