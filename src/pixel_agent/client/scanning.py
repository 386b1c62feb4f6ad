"""Scans in the client: synchronous, as a stream of events, or asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Unpack

from pixel_agent.client.events import ScanEvent, scan_event
from pixel_agent.client.options import ScanOptions, form_of
from pixel_agent.client.photos import PhotoSource, part_of
from pixel_agent.client.transport import Call, Params, Transport, new_key, quoted
from pixel_agent.core.envelope import Envelope
from pixel_agent.core.sse import read_events
from pixel_agent.schemas.records import ScanRecordOut

FINAL = frozenset({"completed", "partial", "retake_required", "failed", "cancelled", "expired"})
"""Final states of a scan."""
WAIT_S = 30
"""Longest time one request waits for the end of a scan."""


class Scanning:
    """The methods of the client for scanning photos."""

    _transport: Transport

    async def scan(self, photo: PhotoSource, **options: Unpack[ScanOptions]) -> Envelope:
        """Scan one photo now, and wait for its reading. Also raises FileUnreadable."""
        return await self._transport.json(await _posted([photo], options, key=new_key()), Envelope)

    async def scan_pair(self, before: PhotoSource, after: PhotoSource, **options: Unpack[ScanOptions]) -> Envelope:
        """Compare two photos of one place: what is resolved, remains and is new (the task `compare`)."""
        asked: ScanOptions = {"task": "compare", **options}
        return await self._transport.json(await _posted([before, after], asked, key=new_key()), Envelope)

    async def stream(self, photo: PhotoSource, **options: Unpack[ScanOptions]) -> AsyncGenerator[ScanEvent, None]:
        """Scan one photo now, and yield its events; the last one is `Done`. Leaving the loop cancels the scan."""
        call = await _posted([photo], options, params=[("stream", "true")])
        async with self._transport.open(call) as response, aclosing(read_events(response.aiter_bytes())) as events:
            async for one in events:
                event = scan_event(one)
                if event is not None:
                    yield event

    async def scan_later(self, photo: PhotoSource, **options: Unpack[ScanOptions]) -> ScanRecordOut:
        """Upload a photo to be scanned later. On return it is on the server's disk and survives a server crash."""
        call = await _posted([photo], options, headers={"Prefer": "respond-async"}, key=new_key())
        return await self._transport.json(call, ScanRecordOut)

    async def wait(self, scan_id: str, timeout_s: float | None = None) -> ScanRecordOut:
        """Wait until a scan has ended; returns its record. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                call = Call("GET", f"/v1/scans/{quoted(scan_id)}", [("wait_s", str(WAIT_S))])
                record = await self._transport.json(call, ScanRecordOut)
                if record.status in FINAL:
                    return record


async def _posted(
    photos: Sequence[PhotoSource],
    options: ScanOptions,
    *,
    params: Params = (),
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Call:
    parts = [await asyncio.to_thread(part_of, photo) for photo in photos]
    return Call("POST", "/v1/scans", params, form_of(options), parts, headers=headers or {}, key=key)
