"""Exports the inspection report: one HTML file to read and to print, with embedded photos and a bounded size.

Scans are collected first, because the report begins with all findings, the worst first; then the file is written
section by section, so that only one photo is in memory at a time.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import TypeAlias

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from pixel_agent.core import Lang, Status, Task
from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry, Fields, Line, words
from pixel_agent.storage.exports.report_view import RowView, ScanView, Speaker, row_view, view
from pixel_agent.storage.exports.report_words import SEVERITIES

MAX_INDEX = 200
"""Maximum findings in the list at the beginning."""
MAX_CHANGES = 100
"""Maximum rows for each kind of change."""
_PIECE = 64
"""Number of parts of the template's output that are joined into one piece."""

Picture: TypeAlias = Callable[[Entry], bytes | None]
"""Returns a reduced, upright JPEG of a scan's photo; None if the photo was deleted. Blocks."""


@dataclass(frozen=True, slots=True)
class Change:
    """The differences between two visits to a shop for one task. Each row is a row of a reading, with its fields."""

    store_id: str
    task: str
    before: datetime
    after: datetime
    summary: str
    rows: Mapping[str, Sequence[Fields]]
    warnings: Sequence[str] = ()


class ReportExporter(Exporter):
    """Takes at most `max_scans` scans, and shows the photos of the first `max_photos` of them."""

    media_type = "text/html; charset=utf-8"
    suffix = "html"

    def __init__(
        self,
        tasks: Iterable[Task],
        picture: Picture,
        lang: Lang = "zh",
        *,
        max_scans: int = 200,
        max_photos: int = 60,
    ) -> None:
        self._speaker = Speaker(lang, {task.id: task.name(lang) for task in tasks})
        self._picture, self._max_scans, self._max_photos = picture, max_scans, max_photos
        self._entries: list[Entry] = []
        self._more = False
        self.changes: Sequence[Change] = ()

    @property
    def full(self) -> bool:
        """Whether further scans would be omitted."""
        return self._more

    @property
    def entries(self) -> Sequence[Entry]:
        """The scans added so far."""
        return self._entries

    def add(self, entries: Iterable[Entry]) -> bytes:
        """Add scans; those above `max_scans` are omitted, and the report says so."""
        for entry in entries:
            if len(self._entries) == self._max_scans:
                self._more = True
                break
            self._entries.append(entry)
        return b""

    def end(self) -> Iterator[bytes]:
        """The report, in pieces."""
        stream = _template().stream(self._context())
        stream.enable_buffering(_PIECE)
        for piece in stream:
            yield piece.encode()

    def _context(self) -> dict[str, object]:
        speaker = self._speaker
        self._entries.reverse()  # they arrive newest first; the report shows them in order of time
        views = [view(entry, index, speaker) for index, entry in enumerate(self._entries, 1)]
        found = [(scan, row) for scan in views for row in scan.findings if not row.passed]
        found.sort(key=lambda pair: pair[1].rank)
        records = [entry.record for entry in self._entries]
        stores = _distinct(speaker.clean(words(record.get("store_id"))) for record in records)
        now = datetime.now().astimezone()
        return {
            "t": speaker.words,
            "lang": speaker.lang,
            "heading": stores or now.strftime("%Y-%m-%d"),
            "stores": stores,
            "tasks": _distinct(speaker.task(words(record.get("task"))) for record in records),
            "period": _period(records, speaker),
            "generated": now.strftime("%Y-%m-%d %H:%M"),
            "zone": f"UTC{now.strftime('%z')[:3]}:{now.strftime('%z')[3:]}",
            "scan_count": len(views),
            "left_out_scans": self._left_out(),
            "incomplete": sum(record.get("status") != Status.COMPLETED for record in records),
            "tally": _tally([row for _, row in found]),
            "index": found[:MAX_INDEX],
            "index_left_out": max(0, len(found) - MAX_INDEX),
            "changes": [_change(change, speaker) for change in self.changes],
            "scans": self._illustrated(views),
        }

    def _left_out(self) -> str:
        most = self._max_scans
        return self._speaker.words["left_out_scans"].format(most, most) if self._more else ""

    def _illustrated(self, views: Sequence[ScanView]) -> Iterator[tuple[ScanView, str, str]]:
        """Each scan with its photo as a data URL, or with the reason why it has none."""
        said = self._speaker.words
        shown = 0
        for scan, entry in zip(views, self._entries, strict=True):
            if not scan.width:
                yield scan, "", ""
                continue
            if shown >= self._max_photos:
                yield scan, "", said["left_out_photos"]
                continue
            jpeg = self._picture(entry)
            shown += jpeg is not None
            url = "" if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
            yield scan, url, "" if url else said["no_photo"]


def _tally(rows: Sequence[RowView]) -> list[tuple[str, int]]:
    """Number of findings per severity; unrated ones only if there are any."""
    number = Counter(row.severity for row in rows)
    return [(name, number[name]) for name in SEVERITIES] + ([("", number[""])] if number[""] else [])


def _change(change: Change, speaker: Speaker) -> dict[str, object]:
    rows = {
        kind: [row_view(Line("findings", index, fields), index + 1, speaker) for index, fields in enumerate(found)]
        for kind, found in change.rows.items()
    }
    return {
        "title": f"{speaker.clean(change.store_id)} · {speaker.task(change.task)}",
        "before": change.before.astimezone().strftime("%Y-%m-%d %H:%M"),
        "after": change.after.astimezone().strftime("%Y-%m-%d %H:%M"),
        "summary": speaker.clean(change.summary),
        "warnings": [speaker.clean(warning) for warning in change.warnings],
        "groups": [(kind, found[:MAX_CHANGES], max(0, len(found) - MAX_CHANGES)) for kind, found in rows.items()],
    }


def _period(records: Sequence[Fields], speaker: Speaker) -> str:
    """The time span from the first photo to the last, as text."""
    times = sorted(
        time for record in records if (time := speaker.time(record.get("captured_at") or record.get("received_at")))
    )
    return "" if not times else times[0] if times[0] == times[-1] else f"{times[0]} – {times[-1]}"


def _distinct(texts: Iterable[str], most: int = 12) -> str:
    found = list(dict.fromkeys(text for text in texts if text))
    return " · ".join(found[:most]) + (f" … ({len(found)})" if len(found) > most else "")


@lru_cache(maxsize=1)
def _template() -> Template:
    source = files("pixel_agent.storage.exports").joinpath("report.html").read_text("utf-8")
    environment = Environment(
        loader=DictLoader({"report": source}), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    return environment.get_template("report")
