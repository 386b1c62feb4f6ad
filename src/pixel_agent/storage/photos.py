"""Stores photos on disk by the SHA-256 of their bytes, as `photos/ab/ab…`: a temporary file is written, then renamed.

A row of `photos` marks a file as in use. A transaction that removes a file locks its row first; a writer that adds a
row checks after its commit that the file still exists, and writes it again if not. So a photo in use is never lost.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import case, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.storage.database import translate_errors
from pixel_agent.storage.records import PhotoRecord, now_ms
from pixel_agent.storage.tables import photos, scans

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class PhotoFiles:
    """The photo files. All methods block: call them in a thread. Raises StoreFull and StoreUnavailable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "photos"
        self._coming = self.folder / "coming"
        self._synced: set[str] = set()

    def make_folder(self) -> None:
        """Create the folder and its parent, the data folder, readable only by their owner."""
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """The path of a photo, whether it exists or not."""
        return self.folder / sha256[:2] / sha256

    def exists(self, sha256: str) -> bool:
        """Whether a photo's file exists."""
        return self.path(sha256).is_file()

    def put(self, data: bytes, sha256: str, *, durable: bool) -> None:
        """Write a photo unless it exists. `durable`: it survives a power cut once this returns."""
        with translate_errors():
            path = self.path(sha256)
            if path.is_file():
                os.utime(path)  # in use again: old files without a row are deleted
                if durable:
                    _sync(path)
                    self._sync_names(path)
                return
            temporary = self.temporary()
            try:
                with os.fdopen(os.open(temporary, _NEW, 0o600), "wb") as file:
                    file.write(data)
                    if durable:
                        file.flush()
                        os.fsync(file.fileno())
                self._rename(temporary, path, durable)
            finally:
                temporary.unlink(missing_ok=True)

    def temporary(self) -> Path:
        """A new path on the same disk, for a temporary file."""
        with translate_errors():
            self._coming.mkdir(parents=True, exist_ok=True)
        return self._coming / uuid.uuid4().hex

    def read(self, sha256: str) -> bytes | None:
        """A photo's bytes, None if its file does not exist."""
        with translate_errors():
            try:
                return self.path(sha256).read_bytes()
            except FileNotFoundError:
                return None

    def remove(self, sha256: str) -> None:
        """Delete a photo if it exists. The caller must have locked its row."""
        with translate_errors():
            self.path(sha256).unlink(missing_ok=True)

    def remove_older(self, sha256: str, before: float) -> None:
        """Delete a photo if it was not written or requested since `before` (seconds since 1970)."""
        with translate_errors():
            path = self.path(sha256)
            try:
                if path.stat().st_mtime < before:
                    path.unlink()
            except FileNotFoundError:
                return

    def all(self) -> Iterator[tuple[str, os.stat_result]]:
        """All photo files as hash and file status, in no order."""
        for entry in _entries(self.folder):
            if len(entry.name) == 2:
                for file in _entries(Path(entry.path)):
                    try:
                        yield file.name, file.stat()
                    except FileNotFoundError:
                        continue

    def sweep(self, older_than: float) -> None:
        """Delete temporary files of unfinished uploads older than a time (seconds since 1970)."""
        for entry in _entries(self._coming):
            try:
                if entry.stat().st_mtime < older_than:
                    os.unlink(entry.path)
            except FileNotFoundError:
                continue

    def probe(self) -> None:
        """Write a test file, to check that the folder is writable."""
        with translate_errors():
            path = self.temporary()
            try:
                path.write_bytes(bytes(4096))
            finally:
                path.unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Free space on the disk of the photos, in bytes."""
        with translate_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def _rename(self, temporary: Path, path: Path, durable: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, path)
        if durable:
            self._sync_names(path)

    def _sync_names(self, path: Path) -> None:
        """Sync the directory entries of a file and of its folder, which a non-durable write may have created."""
        _sync(path.parent)
        if path.parent.name not in self._synced:
            _sync(self.folder)
            self._synced.add(path.parent.name)


async def upsert(conn: AsyncConnection, records: Sequence[PhotoRecord]) -> None:
    """Insert rows that mark these photos as in use; clears `removed_at` where a file was removed before."""
    if not records:
        return
    now = now_ms()
    rows = [
        {
            "sha256": record.sha256,
            "bytes": record.bytes,
            "media_type": record.media_type,
            "width": record.width,
            "height": record.height,
            "created_at": now,
            "removed_at": record.removed_at,
        }
        for record in sorted({record.sha256: record for record in records}.values(), key=lambda record: record.sha256)
    ]  # in one order, so that two processes cannot deadlock
    await conn.execute(_UPSERT_ON_POSTGRESQL if conn.dialect.name == "postgresql" else _UPSERT_ON_SQLITE, rows)


async def learn(conn: AsyncConnection, record: PhotoRecord) -> None:
    """Store the values that decoding has found, such as width and height."""
    shown = {"media_type": record.media_type, "width": record.width, "height": record.height}
    await conn.execute(update(photos).where(photos.c.sha256 == record.sha256, photos.c.width.is_(None)).values(**shown))


async def drop_unused(conn: AsyncConnection, sha256: str) -> bool:
    """Delete a photo's row unless a scan refers to it, and lock it until the transaction ends.

    True: remove the file too, before the transaction ends.
    """
    row = select(photos.c.sha256).where(photos.c.sha256 == sha256).with_for_update()
    if (await conn.execute(row)).first() is None:
        return False
    if (await conn.execute(select(exists().where(scans.c.photo_sha256 == sha256)))).scalar_one():
        return False
    await conn.execute(delete(photos).where(photos.c.sha256 == sha256))
    return True


def _upsert(insert: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    kept = case((insert.excluded.removed_at.is_(None), None), else_=photos.c.removed_at)
    return insert.on_conflict_do_update(index_elements=["sha256"], set_={"removed_at": kept})


# Built once: they run for every scan.
_UPSERT_ON_POSTGRESQL = _upsert(postgresql.insert(photos))
_UPSERT_ON_SQLITE = _upsert(sqlite.insert(photos))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []


def _sync(path: Path) -> None:
    """Sync a file or a folder to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
