"""Tasks of two photos: each photo is scanned alone, then code compares the two readings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace

from pixel_agent.core import Scan, ScanRequest, Status, Task
from pixel_agent.core.errors import InvalidRequest, TooManyPhotos
from pixel_agent.service.timing import Stopwatch
from pixel_agent.tasks import Catalogue
from pixel_agent.tasks.compare import compare_readings
from pixel_agent.tasks.options import check_options, inner_options

INNER_TASK = "product_full_scan"
"""Default task of `compare` for both photos; `options.task` overrides it."""

ScanOne = Callable[[ScanRequest], Coroutine[object, object, Scan]]


async def compare_photos(requests: Sequence[ScanRequest], catalogue: Catalogue, scan: ScanOne) -> Scan:
    """Scan two photos for the inner task (`options.task`) and compare the readings: resolved, remaining, new.

    Raises TooManyPhotos unless there are exactly two, and whatever `scan` raises.
    """
    outer = requests[0].task
    if len(requests) != outer.photos:
        raise TooManyPhotos(
            f"{outer.id} takes {outer.photos} photos, before and after; {len(requests)} came.",
            "Send the photo from before first, then the one from after.",
        )
    watch = Stopwatch()
    inner = inner_task(requests[0], catalogue)
    spec = requests[0].spec
    check_options(outer, spec.options, inner)
    options = inner_options(spec.options)
    before, after = await _both([scan(request.asking(inner, options)) for request in requests])
    reading = compare_readings(
        before.reading,
        after.reading,
        spec.lang,
        before_size=(before.width or 0, before.height or 0),
        after_size=(after.width or 0, after.height or 0),
    )
    worst = next((part.status for part in (before, after) if part.status is not Status.COMPLETED), Status.COMPLETED)
    return replace(
        after,
        spec=spec,
        task=outer,
        reading=reading,
        status=worst,
        parts=(before, after),
        timings={"total": watch.total_ms},
    )


def inner_task(request: ScanRequest, catalogue: Catalogue) -> Task:
    """The task that a comparison runs on both photos. Raises UnknownTask, InvalidRequest."""
    inner = catalogue.find(str(request.spec.options.get("task", INNER_TASK)))
    if inner.photos > 1:
        raise InvalidRequest(f"{inner.id} cannot be compared.", "Choose a task of one photo in options.task.")
    return inner


async def _both(scans: Sequence[Coroutine[object, object, Scan]]) -> tuple[Scan, Scan]:
    """Both scans, or the first error after the other scan has been cancelled."""
    tasks = [asyncio.ensure_future(scan) for scan in scans]
    try:
        before, after = await asyncio.gather(*tasks)
        return before, after
    finally:
        for task in tasks:
            task.cancel()
