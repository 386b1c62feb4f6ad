"""The journal: a file of this process with answered scans that are not yet in the database. Written by the recorder.

An append takes microseconds, so no answer waits for a transaction. The journal survives the process (but perhaps not a
power cut in the same second): the next process that starts on this data folder, or another that runs on it, recovers
the file of a dead process. A file belongs to the process that has locked it, and a lock ends with its process.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from pixel_agent.core.errors import StoreFull
from pixel_agent.storage.completed import Completed
from pixel_agent.storage.database import translate_errors

log = logging.getLogger("pixel_agent.storage")

SEGMENT_BYTES = 4 * 2**20
"""Size at which a new file begins, so that files whose records are in the database can be deleted."""
MAX_BYTES = 256 * 2**20
"""Maximum size of the journal while the database is down."""


_LINE = TypeAdapter(Completed)


class Appended(NamedTuple):
    """The number of a record's file, and a future that ends when the record is written. It fails with a StoreError."""

    file: int
    done: asyncio.Future[None]


class Journal:
    """The journal files of this process, numbered from 0. One event loop owns it; one thread does the I/O, in order."""

    def __init__(self, folder: Path) -> None:
        self._files = _Files(folder / "journal")
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-journal")
        self._number = 0
        self._sizes: dict[int, int] = defaultdict(int)
        self._needed: Counter[int] = Counter()
        self._coming: list[tuple[bytes, Appended]] = []
        self._writing: int | None = None
        self._writer: asyncio.Task[None] | None = None

    def append(self, ended: Completed) -> Appended:
        """Start to write a record; records that arrive during one write share the next."""
        if self._sizes[self._number] >= SEGMENT_BYTES:
            self._number += 1
        appended = Appended(self._number, asyncio.get_running_loop().create_future())
        self._needed[self._number] += 1
        line = _line(ended)
        if sum(self._sizes.values()) + len(line) > MAX_BYTES:
            appended.done.set_exception(StoreFull("The journal is full: the database has not worked for long."))
            return appended
        self._sizes[self._number] += len(line)
        self._coming.append((line, appended))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return appended

    def release(self, file: int) -> None:
        """Release one record of a file; a file without needed records is emptied, once all its lines are written."""
        self._needed[file] -= 1
        self._empty_if_unneeded(file)

    async def close(self) -> None:
        """Close the files. The next process recovers the records that are still needed."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._files.close)

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._coming:
            number = self._coming[0][1].file
            together = [each for each in self._coming if each[1].file == number]
            self._coming = self._coming[len(together) :]
            self._writing = number
            try:
                lines = b"".join(line for line, _ in together)
                await loop.run_in_executor(self._thread, self._files.write, number, lines)
            except Exception as error:
                _resolve(together, error)
            else:
                _resolve(together, None)
            self._writing = None
            self._empty_if_unneeded(number)

    def _empty_if_unneeded(self, file: int) -> None:
        coming = file == self._writing or any(appended.file == file for _, appended in self._coming)
        if not self._needed[file] and not coming and self._sizes.pop(file, 0):
            self._thread.submit(self._files.empty, file)


class Left:
    """The journal of a dead process, locked until it is closed. Everything blocks."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def records(self) -> list[Completed]:
        """All readable records. The last line is incomplete if the process died during the write."""
        found = []
        for line in self._path.read_bytes().splitlines():
            try:
                found.append(_LINE.validate_json(line))
            except ValidationError as error:
                log.warning("a line of %s cannot be read: %d faults", self._path.name, error.error_count())
        return found

    def remove(self) -> None:
        """Delete the file; call it when all its records are in the database."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Unlock the file."""
        os.close(self._descriptor)


def left_behind(folder: Path) -> Left | None:
    """One journal in a data folder that no process has locked, None if there is none. Blocks. Raises StoreError."""
    with translate_errors():
        for path in sorted((folder / "journal").glob("*.jsonl")):
            with suppress(FileNotFoundError):  # recovered by another process at this moment
                descriptor = _lock(path, os.O_RDONLY)
                if descriptor is not None:
                    return Left(path, descriptor)
    return None


class _Files:
    """The files that this process has locked, by number. Everything blocks; one thread uses it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locked: dict[int, tuple[Path, int]] = {}

    def write(self, number: int, lines: bytes) -> None:
        """Append all of it or nothing. Raises StoreFull, StoreUnavailable."""
        with translate_errors():
            descriptor = self._descriptor(number)
            before = os.fstat(descriptor).st_size
            try:
                rest = memoryview(lines)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except OSError:
                os.ftruncate(descriptor, before)
                raise

    def empty(self, number: int) -> None:
        """Delete a file, or the contents of the newest, which goes on."""
        path, descriptor = self._locked.get(number, (None, -1))
        if path is None:  # it could never be created
            return
        if number == max(self._locked):
            os.ftruncate(descriptor, 0)
        else:
            self._drop(number)

    def close(self) -> None:
        """Delete empty files, and unlock the others."""
        for number, (_, descriptor) in list(self._locked.items()):
            if os.fstat(descriptor).st_size == 0:
                self._drop(number)
            else:
                os.close(descriptor)
        self._locked = {}

    def _descriptor(self, number: int) -> int:
        while number not in self._locked:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{uuid.uuid4().hex}.jsonl"
            descriptor = _lock(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)
            if descriptor is not None:
                self._locked[number] = path, descriptor
        return self._locked[number][1]

    def _drop(self, number: int) -> None:
        path, descriptor = self._locked.pop(number)
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _lock(path: Path, flags: int) -> int | None:
    """Open a file and lock it; None if another process has locked it, or has just deleted it. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _line(ended: Completed) -> bytes:
    """One line of JSON. Lone surrogates, which file names can contain, become question marks."""
    said = json.dumps([asdict(part) for part in ended], ensure_ascii=False, separators=(",", ":"))
    return said.encode("utf-8", "replace") + b"\n"


def _resolve(appended: Sequence[tuple[bytes, Appended]], error: Exception | None) -> None:
    for _, (_, done) in appended:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
