"""Batches in the client: upload many photos in chunks, and follow the batch to its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, Unpack

from pixel_agent.client.failures import ServerUnreachable, first_of
from pixel_agent.client.options import ScanOptions, form_of, params_of
from pixel_agent.client.paths import expand
from pixel_agent.client.photos import Part, part_of
from pixel_agent.client.progress_file import Refusal, UploadProgress
from pixel_agent.client.transport import Call, Transport, new_key, quoted
from pixel_agent.core.errors import FileUnreadable, PixelAgentError
from pixel_agent.core.sse import read_events
from pixel_agent.schemas.batches import BatchOut, BatchPage
from pixel_agent.schemas.records import ScanSummary

CHUNK_PHOTOS = 32
CHUNK_BYTES = 16 * 2**20
"""Maximum photos and bytes per request: this much an interrupted upload repeats at most."""
PAGE = 100
SILENCE_S = 30.0
"""Longest silence before the connection counts as lost; the server sends a comment every 10 s."""

Photos: TypeAlias = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""A folder, a pattern or a photo; or several of them."""


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Progress of a batch. `batch` is the server's latest state of it."""

    photos: int
    sent: int
    refused: Sequence[Refusal]
    batch: BatchOut | None

    @property
    def done(self) -> int:
        """Number of finished photos, refused ones included."""
        return len(self.refused) + (self.batch.done if self.batch else 0)


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The final state of a batch, and the photos that were refused. Its scans: `history(batch_id=…)`."""

    batch: BatchOut
    refused: Sequence[Refusal]


OnProgress: TypeAlias = Callable[[BatchProgress], None]
OnScan: TypeAlias = Callable[[ScanSummary], None]


class Batches:
    """The methods of the client for batches."""

    _transport: Transport

    async def batch(
        self,
        photos: Photos,
        *,
        name: str = "",
        resume: str | Path | None = None,
        progress: OnProgress | None = None,
        on_scan: OnScan | None = None,
        **options: Unpack[ScanOptions],
    ) -> BatchResult:
        """Upload photos as one batch, and wait until all are read.

        Folders are searched for photos at any depth. `resume` names a file that records the progress: the same call
        continues an interrupted one, and nothing is uploaded or scanned twice; the file is removed at the end.
        `progress` and `on_scan` are called while the batch runs, and must be quick. A photo that cannot be read or is
        refused does not stop the others. Raises InvalidRequest if there is no photo at all.
        """
        given = [photos] if isinstance(photos, str | os.PathLike) else list(photos)
        files = await asyncio.to_thread(expand, [os.fspath(path) for path in given])
        state = Path(resume) if resume is not None else None
        upload = _Upload(self._transport, files, state, {**form_of(options), "name": name}, progress or _silent)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(upload.run())
                batch = await self._followed(upload, on_scan)
        except ExceptionGroup as failed:
            raise first_of(failed) from None
        if state is not None:
            state.unlink(missing_ok=True)
        return BatchResult(batch, upload.state.refused)

    async def _followed(self, upload: _Upload, on_scan: OnScan | None) -> BatchOut:
        batch_id = await upload.batch_id
        async with aclosing(self.follow_batch(batch_id)) as events:
            async for one in events:
                if isinstance(one, ScanSummary):
                    if on_scan is not None:
                        on_scan(one)
                else:
                    upload.update(one)
        return await self.get_batch(batch_id)

    async def follow_batch(self, batch_id: str) -> AsyncGenerator[ScanSummary | BatchOut, None]:
        """Each scan of a batch as it ends, earlier ones first, and the state of the batch; until the batch ends.

        A lost connection is resumed where it broke, as often in a row as `retries` allows.
        """
        last_id, failures = "", 0
        while True:
            headers = {"Last-Event-ID": last_id} if last_id else {}
            call = Call("GET", f"/v1/batches/{quoted(batch_id)}/events", headers=headers, silence_s=SILENCE_S)
            try:
                async with (
                    self._transport.open(call) as response,
                    aclosing(read_events(response.aiter_bytes())) as events,
                ):
                    async for one in events:
                        last_id, failures = one.id or last_id, 0
                        if one.name == "scan":
                            yield ScanSummary.model_validate_json(one.data)
                        elif one.name in ("progress", "done"):
                            yield BatchOut.model_validate_json(one.data)
                        if one.name == "done":
                            return
            except ServerUnreachable:
                pass
            failures += 1
            await self._transport.pause(failures, ServerUnreachable("The events of the batch broke off.", "Try again."))

    async def get_batch(self, batch_id: str) -> BatchOut:
        """The current state of a batch."""
        return await self._transport.json(Call("GET", f"/v1/batches/{quoted(batch_id)}"), BatchOut)

    async def batches(self) -> AsyncGenerator[BatchOut, None]:
        """All batches, newest first; pages are fetched as needed."""
        cursor: str | None = None
        while True:
            params = params_of({"limit": PAGE, "cursor": cursor})
            page = await self._transport.json(Call("GET", "/v1/batches", params), BatchPage)
            for batch in page.batches:
                yield batch
            if (cursor := page.next) is None:
                return

    async def cancel_batch(self, batch_id: str) -> BatchOut:
        """Cancel all scans of a batch that have not ended."""
        return await self._transport.json(
            Call("POST", f"/v1/batches/{quoted(batch_id)}/cancel", key=new_key()), BatchOut
        )

    async def retry_batch(self, batch_id: str) -> BatchOut:
        """Run the failed and expired scans of a batch again."""
        return await self._transport.json(
            Call("POST", f"/v1/batches/{quoted(batch_id)}/retry", key=new_key()), BatchOut
        )


class _Upload:
    """Uploads the photos of one batch in chunks, and records each chunk that the server has accepted."""

    def __init__(
        self,
        transport: Transport,
        files: Sequence[Path],
        path: Path | None,
        form: Mapping[str, str],
        progress: OnProgress,
    ) -> None:
        self.state = UploadProgress.load(path)
        self.batch_id: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._path = path
        self._form = form
        self._names = list(dict.fromkeys(str(file) for file in files))
        self._progress = progress
        self._batch: BatchOut | None = None

    async def run(self) -> None:
        """Upload the remaining photos, and close the batch."""
        if self.state.batch_id is not None:
            self.batch_id.set_result(self.state.batch_id)
        else:
            self.state.save(self._path)
        async with aclosing(self._chunks()) as chunks:
            async for chunk in chunks:
                await self._send(chunk)
        if self.state.batch_id is None:
            raise FileUnreadable("None of the photos can be read.", self.state.refused[0].detail)
        if not self.state.closed:
            self._batch = await self._transport.json(
                Call("POST", f"/v1/batches/{self.state.batch_id}/close", key=f"{self.state.key}-close"), BatchOut
            )
            self.state.closed = True
            self.state.save(self._path)
        self._report()

    def update(self, batch: BatchOut) -> None:
        """Record the server's latest state of the batch, and report the progress."""
        self._batch = batch
        self._report()

    async def _chunks(self) -> AsyncGenerator[list[Part], None]:
        """The photos not yet uploaded, in chunks; unreadable ones are recorded as refused."""
        refused = {refusal.filename for refusal in self.state.refused}
        chunk, size = list[Part](), 0
        for name in self._names:
            if name in refused or (name in self.state.sent and _stamp(name) in ("", self.state.sent[name])):
                continue
            try:
                part = await asyncio.to_thread(part_of, name, name)
            except PixelAgentError as error:
                self.state.refused.append(Refusal(name, error.code, error.message, error.advice))
                continue
            if chunk and (len(chunk) >= CHUNK_PHOTOS or size + len(part.data) > CHUNK_BYTES):
                yield chunk
                chunk, size = [], 0
            chunk.append(part)
            size += len(part.data)
        if chunk:
            yield chunk

    async def _send(self, chunk: list[Part]) -> None:
        """Upload one chunk; the first one creates the batch."""
        if self.state.batch_id is None:
            form = {**self._form, "open": "true"}
            call = Call("POST", "/v1/batches", form=form, photos=chunk, key=self.state.key)
        else:
            call = Call("POST", f"/v1/batches/{self.state.batch_id}/photos", photos=chunk, key=new_key())
        batch = await self._transport.json(call, BatchOut)
        refused = {one.filename: one.error for one in batch.refused}
        for name, problem in refused.items():
            self.state.refused.append(Refusal(name, problem.code, problem.detail, problem.advice))
        self.state.sent |= {part.filename: _stamp(part.filename) for part in chunk if part.filename not in refused}
        self.state.batch_id = batch.batch_id
        self.state.save(self._path)
        self.update(batch)
        if not self.batch_id.done():
            self.batch_id.set_result(batch.batch_id)

    def _report(self) -> None:
        state = self.state
        self._progress(BatchProgress(len(self._names), len(state.sent), tuple(state.refused), self._batch))


def _stamp(name: str) -> str:
    """Size and modification time of a file; empty if the file does not exist."""
    try:
        found = os.stat(name)
    except OSError:
        return ""
    return f"{found.st_size}-{found.st_mtime_ns}"


def _silent(_: BatchProgress) -> None:
    pass
