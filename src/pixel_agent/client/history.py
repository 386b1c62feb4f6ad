"""The history in the client: recorded scans, their reviews, and exports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import date
from pathlib import Path
from typing import Literal, Unpack

from pydantic import JsonValue

from pixel_agent.client.options import HistoryFilter, params_of
from pixel_agent.client.transport import Call, Transport, new_key, quoted
from pixel_agent.schemas.comparison import ComparisonOut
from pixel_agent.schemas.records import ScanPage, ScanRecordOut, ScanSummary
from pixel_agent.schemas.tasks import TaskOut

PAGE = 200
"""Scans per page."""
ExportFormat = Literal["csv", "jsonl", "xlsx", "coco", "html", "truth"]


class History:
    """The methods of the client for recorded scans."""

    _transport: Transport

    async def get(self, scan_id: str) -> ScanRecordOut:
        """The whole record of a scan."""
        return await self._transport.json(Call("GET", _scan(scan_id)), ScanRecordOut)

    async def history(self, **wanted: Unpack[HistoryFilter]) -> AsyncGenerator[ScanSummary, None]:
        """The matching scans, newest first; pages are fetched as needed."""
        cursor: str | None = None
        while True:
            params = params_of({**wanted, "limit": PAGE, "cursor": cursor})
            page = await self._transport.json(Call("GET", "/v1/scans", params), ScanPage)
            for scan in page.scans:
                yield scan
            if (cursor := page.next) is None:
                return

    async def delete(self, scan_id: str) -> None:
        """Delete a scan, and its photo if no other scan uses it."""
        await self._transport.send(Call("DELETE", _scan(scan_id)))

    async def cancel(self, scan_id: str) -> ScanRecordOut:
        """Cancel a queued or running scan."""
        return await self._transport.json(Call("POST", f"{_scan(scan_id)}/cancel"), ScanRecordOut)

    async def rerun(
        self, scan_id: str, *, task: str | None = None, options: Mapping[str, JsonValue] | None = None
    ) -> ScanRecordOut:
        """Read the photo of a scan again, as a new scan; corrections are copied where they fit."""
        asked: dict[str, JsonValue] = {} if task is None else {"task": task}
        if options is not None:
            asked["options"] = dict(options)
        return await self._transport.json(
            Call("POST", f"{_scan(scan_id)}/rerun", json=asked, key=new_key()), ScanRecordOut
        )

    async def photo(self, scan_id: str) -> bytes:
        """The photo as it was uploaded."""
        return (await self._transport.send(Call("GET", f"{_scan(scan_id)}/photo"))).content

    async def thumbnail(self, scan_id: str, size: int = 320) -> bytes:
        """A small JPEG of the photo; `size` is its longer side in pixels, 64 to 2048."""
        call = Call("GET", f"{_scan(scan_id)}/thumbnail", [("size", str(size))])
        return (await self._transport.send(call)).content

    async def annotated(self, scan_id: str) -> bytes:
        """A JPEG of the photo with the reading drawn on it."""
        return (await self._transport.send(Call("GET", f"{_scan(scan_id)}/annotated"))).content

    async def review(
        self,
        scan_id: str,
        action: Literal["confirm", "correct", "comment"],
        *,
        part: Literal["items", "findings"] | None = None,
        row: int | None = None,
        field: str | None = None,
        value: JsonValue = None,
        by: str = "",
        comment: str = "",
    ) -> ScanRecordOut:
        """Confirm a reading, correct a value, or comment. The model's own value is stored next to the correction."""
        said: dict[str, JsonValue] = {"action": action}
        given: dict[str, JsonValue] = {"part": part, "row": row, "field": field, "by": by, "comment": comment}
        said |= {name: one for name, one in given.items() if one not in (None, "")}
        if action == "correct":
            said["value"] = value
        call = Call("POST", f"{_scan(scan_id)}/reviews", json=said)
        return await self._transport.json(call, ScanRecordOut)

    async def undo_review(self, scan_id: str, review_id: int) -> ScanRecordOut:
        """Undo a review."""
        return await self._transport.json(Call("DELETE", f"{_scan(scan_id)}/reviews/{review_id}"), ScanRecordOut)

    async def compare(
        self,
        before: str | None = None,
        after: str | None = None,
        *,
        store_id: str | None = None,
        task: str | None = None,
        before_day: date | None = None,
        after_day: date | None = None,
        lang: Literal["zh", "en"] = "zh",
    ) -> ComparisonOut:
        """What is resolved, remains and is new: between two scans by their ids, or the last two visits of a store."""
        asked = {"before": before, "after": after, "store_id": store_id, "task": task, "lang": lang}
        params = params_of({**asked, "before_day": before_day, "after_day": after_day})
        return await self._transport.json(Call("GET", "/v1/compare", params), ComparisonOut)

    async def export(self, path: str | Path, format: ExportFormat, **wanted: Unpack[HistoryFilter]) -> Path:
        """Write the matching scans to a file as they arrive; the file appears at `path` once it is complete."""
        target = Path(path)
        part = target.with_name(target.name + ".part")
        call = Call("GET", "/v1/exports", params_of({**wanted, "format": format}))
        try:
            async with self._transport.open(call) as response:
                with part.open("wb") as file:
                    async for piece in response.aiter_bytes():
                        await asyncio.to_thread(file.write, piece)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    async def tasks(self, lang: Literal["zh", "en"] = "zh") -> list[TaskOut]:
        """All tasks, and how well the server's engine supports each."""
        return await self._transport.json(Call("GET", "/v1/tasks", [("lang", lang)]), list[TaskOut])

    async def task(self, name: str, lang: Literal["zh", "en"] = "zh") -> TaskOut:
        """One task by its id, Chinese or English name."""
        return await self._transport.json(Call("GET", f"/v1/tasks/{quoted(name)}", [("lang", lang)]), TaskOut)


def _scan(scan_id: str) -> str:
    return f"/v1/scans/{quoted(scan_id)}"
