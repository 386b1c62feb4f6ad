"""`pixel-agent scan --server URL`: uploads photos to a server as one batch, and prints the readings in order.

A small file in the user's state folder records the progress. After Ctrl-C the batch stays open on the server, and the
same command resumes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_state_path
from rich.console import Console
from rich.progress import Progress, TaskID

from pixel_agent.cli.common import Exit, make_folder, progress_bar, write_copy
from pixel_agent.cli.output import Format, Result, Writer, writer
from pixel_agent.client import AsyncClient, Retries
from pixel_agent.client.batches import BatchProgress
from pixel_agent.client.failures import first_of
from pixel_agent.client.options import ScanOptions, form_of
from pixel_agent.client.progress_file import Refusal, UploadProgress
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import NotFound, PixelAgentError, TooManyPhotos
from pixel_agent.schemas.records import ScanRecordOut, ScanSummary
from pixel_agent.schemas.tasks import TaskOut

AT_FIRST = Retries(attempts=3)
"""Retries of the first request: few, so that a wrong address fails soon."""
UNDER_WAY = Retries(attempts=16, most_s=15.0)
"""Retries afterwards: a server that restarts is waited for, about two minutes."""
FETCHING = 8
"""Maximum concurrent downloads of readings."""


@dataclass(frozen=True, slots=True)
class Errand:
    """The arguments of one command."""

    server: str
    files: Sequence[Path]
    options: ScanOptions
    format: Format | None = None
    annotate: Path | None = None
    restart: bool = False

    @property
    def state(self) -> Path:
        """The progress file, the same for the same server, files and fields."""
        said = [self.server, [str(file.absolute()) for file in self.files], form_of(self.options)]
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        return user_state_path("pixel-agent", appauthor=False) / "batches" / f"{digest[:32]}.json"


def scan_there(errand: Errand) -> int:
    """Run the command, and return the exit code. Raises a PixelAgentError."""
    if errand.annotate is not None:
        make_folder(errand.annotate)
    if errand.restart:
        errand.state.unlink(missing_ok=True)
    try:
        return asyncio.run(_scan(errand))
    except KeyboardInterrupt:
        _say_how_to_go_on(errand)
        return Exit.INTERRUPTED


async def _scan(errand: Errand) -> int:
    async with AsyncClient(errand.server, retries=AT_FIRST) as client:
        task = await client.task(errand.options.get("task", ""))
    async with AsyncClient(errand.server, retries=UNDER_WAY) as client:
        many = task.photos == 1 and len(errand.files) > 1
        columns = [column.field for column in task.columns]
        with (
            progress_bar(len(errand.files) if many else 0) as (progress, stream),
            closing(writer(errand.format, task.id, columns, stream)) as out,
        ):
            if many:
                return await _Batch(client, errand, task, out, progress).run()
            return await _one_answer(client, errand, task, out)


async def _one_answer(client: AsyncClient, errand: Errand, task: TaskOut, out: Writer) -> int:
    """Scan one photo or a pair at interactive priority, ahead of bulk scans."""
    names = [str(file) for file in errand.files]
    name = " → ".join(names)
    try:
        if task.photos > 1:
            if len(names) != task.photos:
                raise TooManyPhotos(f"{task.id} takes {task.photos} photos; {len(names)} were named.")
            reading = await client.scan_pair(names[0], names[1], **errand.options)
        else:
            reading = await client.scan(names[0], **errand.options)
    except PixelAgentError as error:
        if error.status >= 500:
            raise
        out.add(Result(name, problem=Problem.of(error)))
        return Exit.SOME_FAILED
    result = Result(name, reading)
    out.add(result)
    if errand.annotate is not None and task.photos == 1:
        write_copy(errand.annotate, name, await client.annotated(reading.scan_id))
    return Exit.SOME_FAILED if result.failed else Exit.OK


@dataclass(slots=True)
class _Batch:
    """One batch: uploaded photos, received readings, and what is printed."""

    client: AsyncClient
    errand: Errand
    task: TaskOut
    out: Writer
    progress: Progress
    failed: int = 0
    _results: dict[str, Result] = field(default_factory=dict)
    _fetching: set[asyncio.Task[None]] = field(default_factory=set)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FETCHING))
    _order: deque[str] = field(default_factory=deque)
    _sending: TaskID | None = None
    _reading: TaskID | None = None

    async def run(self) -> int:
        """Upload, follow and print; returns the exit code."""
        names = list(dict.fromkeys(str(file) for file in self.errand.files))
        self._order.extend(names)
        self._sending = self.progress.add_task("↑", total=len(names))
        self._reading = self.progress.add_task(self.task.name, total=len(names))
        try:
            async with asyncio.TaskGroup() as group:
                result = await self.client.batch(
                    names,
                    name=Path(names[0]).parent.name[:100],
                    resume=self.errand.state,
                    progress=self._move,
                    on_scan=lambda scan: self._ended(group, scan),
                    **self.errand.options,
                )
        except ExceptionGroup as errors:
            error = first_of(errors)
            if isinstance(error, NotFound):
                error = NotFound(error.message, "Does the server know the batch no more? Begin anew with --restart.")
            raise error from None
        for refusal in result.refused:
            self._refused(refusal)
        for name in list(self._order):  # cancelled by another client, or deleted meanwhile
            self._results.setdefault(name, Result(name))
        self._print()
        return Exit.SOME_FAILED if self.failed else Exit.OK

    def _move(self, told: BatchProgress) -> None:
        if self._sending is not None and self._reading is not None:
            self.progress.update(self._sending, completed=told.sent + len(told.refused))
            self.progress.update(self._reading, completed=told.done)
        for refusal in told.refused:
            self._refused(refusal)
        self._print()

    def _ended(self, group: asyncio.TaskGroup, scan: ScanSummary) -> None:
        name = scan.filename or ""
        if name in self._order:
            group.create_task(self._fetch(name, scan.scan_id))

    async def _fetch(self, name: str, scan_id: str) -> None:
        async with self._slots:
            record = await self.client.get(scan_id)
            self._results[name] = _result(name, record)
            if self.errand.annotate is not None and record.links.annotated is not None:
                copy = await self.client.annotated(scan_id)
                await asyncio.to_thread(write_copy, self.errand.annotate, name, copy)
        self._print()

    def _refused(self, refusal: Refusal) -> None:
        if refusal.filename in self._order:
            self._results[refusal.filename] = Result(refusal.filename, problem=_problem(refusal))

    def _print(self) -> None:
        """Print the next results in the order of the files, as far as they have arrived."""
        while self._order and self._order[0] in self._results:
            result = self._results.pop(self._order.popleft())
            self.out.add(result)
            self.failed += result.failed


def _result(name: str, record: ScanRecordOut) -> Result:
    reading: Envelope | None = record.reading
    return Result(name, reading, record.problem if reading is None else None)


def _problem(refusal: Refusal) -> Problem:
    kind = f"urn:pixel-agent:problem:{refusal.code}"
    return Problem(
        type=kind,
        title="The photo was not taken",
        status=422,
        detail=refusal.detail,
        code=refusal.code,
        advice=refusal.advice,
    )


def _say_how_to_go_on(errand: Errand) -> None:
    console = Console(stderr=True)
    handed = UploadProgress.load(errand.state)
    if handed.batch_id is None:
        console.print("Stopped. Nothing was handed in.", highlight=False)
        return
    console.print(
        f"Stopped: {len(handed.sent)} of {len(errand.files)} photos are handed in, and the server goes on with them "
        f"(batch {handed.batch_id}). The same command goes on from here; --restart begins anew.",
        highlight=False,
    )
