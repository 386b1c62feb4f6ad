"""`pixel-agent scan` on this machine: the service runs in this process, without HTTP and without storage."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pixel_agent.cli.common import Exit, make_folder, progress_bar, write_copy
from pixel_agent.cli.output import Format, Result, writer
from pixel_agent.core import Scan, ScanRequest, sha256_of
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import FileUnreadable, PhotoTooLarge, PixelAgentError
from pixel_agent.service.compare import inner_task
from pixel_agent.service.service import ScanService
from pixel_agent.tasks.columns import columns_of

AHEAD = 8
"""Maximum concurrent scans: enough to fill the engine's batches while photos are prepared."""


@dataclass(frozen=True, slots=True)
class Done:
    """The result of one photo: a scan, or an error."""

    file: str
    scan: Scan | None = None
    error: PixelAgentError | None = None

    @property
    def result(self) -> Result:
        """The result in the form of the output module."""
        reading = None if self.scan is None else Envelope.of(self.scan)
        return Result(self.file, reading, None if self.error is None else Problem.of(self.error))


async def scan_here(
    service: ScanService, template: ScanRequest, files: list[Path], format_: Format | None, annotate: Path | None
) -> int:
    """Scan files, print the readings in order, and return the exit code. Raises the errors of the engine's start."""
    if annotate is not None:
        make_folder(annotate)
    await service.start()
    try:
        await service.until_ready()
        service.plan(inner_task(template, service.catalogue) if template.task.photos > 1 else template.task)
        failed = 0
        with progress_bar(len(files)) as (progress, stream):
            bar = progress.add_task(template.task.name(template.spec.lang), total=len(files))
            out = writer(format_, template.task.id, columns_of(template.task), stream)
            async with aclosing(scan_files(service, template, files)) as everything:
                with closing(out):
                    async for done in everything:
                        result = done.result
                        out.add(result)
                        failed += result.failed
                        if annotate is not None:
                            await _annotate(service, done, annotate)
                        progress.advance(bar)
        return Exit.SOME_FAILED if failed else Exit.OK
    finally:
        await service.stop()


async def scan_files(service: ScanService, template: ScanRequest, files: list[Path]) -> AsyncGenerator[Done, None]:
    """Scan files with bounded concurrency; yields the results in the order of the files."""
    if template.task.photos > 1:
        yield await _compare(service, template, files)
        return
    under_way: list[asyncio.Task[Done]] = []
    waiting = iter(files)
    try:
        for file in waiting:
            under_way.append(asyncio.create_task(_one(service, template, file)))
            if len(under_way) >= AHEAD:
                yield await under_way.pop(0)
        while under_way:
            yield await under_way.pop(0)
    finally:
        for task in under_way:
            task.cancel()


async def _one(service: ScanService, template: ScanRequest, file: Path) -> Done:
    try:
        request = await asyncio.to_thread(_read, service, template, file)
        with service.admission.enter(request):
            return Done(str(file), scan=await service.scan(request))
    except PixelAgentError as error:
        return Done(str(file), error=error)


async def _compare(service: ScanService, template: ScanRequest, files: list[Path]) -> Done:
    name = " → ".join(str(file) for file in files)
    try:
        requests = [await asyncio.to_thread(_read, service, template, file) for file in files]
        with service.admission.take(sum(len(request.data) for request in requests), template.spec.priority):
            return Done(name, scan=await service.compare(requests))
    except PixelAgentError as error:
        return Done(name, error=error)


def _read(service: ScanService, template: ScanRequest, file: Path) -> ScanRequest:
    """The request for one file. Raises FileUnreadable or PhotoTooLarge."""
    try:
        most = service.settings.photo.max_bytes
        if file.exists() and not file.is_file():
            raise FileUnreadable("This is not a file.", "Name a photo, or a folder of photos.")
        with file.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise FileUnreadable(
            f"The file cannot be read: {error.strerror}.", "Check the path and its permissions."
        ) from None
    if len(data) > most:
        raise PhotoTooLarge(f"The file has more than {most} bytes.", "Send a smaller photo, or raise photo.max_bytes.")
    return replace(
        template,
        scan_id=uuid.uuid4().hex,
        data=data,
        sha256=sha256_of(data),
        filename=file.name,
        received_at=datetime.now(UTC),
    )


async def _annotate(service: ScanService, done: Done, folder: Path) -> None:
    """Write the annotated copy, unless the scan failed or the photo no longer exists."""
    if done.scan is None:
        return
    with suppress(FileNotFoundError):
        data = await asyncio.to_thread(Path(done.file).read_bytes)
        write_copy(folder, done.file, await service.annotated(done.scan, data))
