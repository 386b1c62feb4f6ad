"""The benchmark `python -m benchmarks ocr`: price-tag photos through the embedded engine and default RapidOCR.

Both get the same JPEG bytes in turn within one run, so that a busy machine slows both. The share of the printed values
that was read is counted for both, so that speed at the cost of misses is visible.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cv2
import typer
from pydantic import JsonValue

from benchmarks.reading.tag_camera import photograph
from benchmarks.reading.tag_maker import LAYOUTS, draw_tag
from benchmarks.report import show
from pixel_agent.core import Batch, Job, Output, Photo, ScanSpec, TextLine
from pixel_agent.core.settings import EmbeddedSettings, PhotoSettings
from pixel_agent.engines.ocr.engine import READERS, EmbeddedEngine
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.tasks import BUILT_IN
from pixel_agent.tasks.rules.page import Page

if TYPE_CHECKING:
    from rapidocr.utils.output import RapidOCROutput

WIDTHS = {"1.4 MP": 1400, "12 MP": 4000}
"""Width of the photos in pixels: as chat programs send a photo, and as a phone takes it."""
FIELDS = ("name", "regular_price", "sale_price", "member_price", "unit", "spec", "origin", "grade", "gtin")
"""Fields compared after the rules."""
_TASK = next(task for task in BUILT_IN if task.id == "price_tag")
_TODAY = date(2026, 11, 22)
_EMPTY = Page((), 1, 1, _TODAY)


@dataclass(slots=True)
class _Tally:
    """Counts of one contestant so far."""

    seconds: float = 0.0
    photos: int = 0
    values: int = 0
    values_read: int = 0
    characters: int = 0
    characters_read: float = 0.0
    right: int = 0
    claimed: int = 0
    true: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    data: bytes
    truth: Mapping[str, JsonValue]


def bench_ocr(
    photos: Annotated[int, typer.Option(help="Photos of each size.")] = 14,
    seed: Annotated[int, typer.Option(help="Seed of the tags.")] = 7,
    size: Annotated[
        list[str] | None, typer.Option(help=f"Which photos: {', '.join(WIDTHS)}; all unless given.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of the embedded engine.")] = 2,
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the rows to this file.")] = None,
) -> None:
    """Compare scans per second and what was read: the embedded engine against RapidOCR with its defaults."""
    rows: list[dict[str, JsonValue]] = []
    for name in size or WIDTHS:
        samples = _photographs(photos, WIDTHS[name], seed)
        embedded, rapid = asyncio.run(_contest(samples, threads))
        ratio = (rapid.seconds / rapid.photos) / (embedded.seconds / embedded.photos)
        rows += [_row(name, "embedded engine", embedded, ratio), _row(name, "RapidOCR()(image)", rapid, 1.0)]
    show("Text of price-tag photos", rows, json_path=json_path)


async def _contest(samples: Sequence[_Sample], threads: int) -> tuple[_Tally, _Tally]:
    from rapidocr import RapidOCR
    from rapidocr.utils.output import RapidOCROutput

    # The first ONNX session of a process decides how the main thread treats denormals: RapidOCR comes first, so that
    # it runs exactly as it does alone.
    baseline = RapidOCR(params={"Global.log_level": "error"})
    settings = EmbeddedSettings(threads=threads)
    engine, stage = EmbeddedEngine(settings), PhotoStage(PhotoSettings())
    await engine.start()
    ours, theirs = _Tally(), _Tally()
    try:
        await _scan(engine, stage, samples[:1])
        baseline(samples[0].data)
        turn = 2 * settings.max_items
        for start in range(0, len(samples), turn):
            some = samples[start : start + turn]
            begin = time.perf_counter()
            pages = await _scan(engine, stage, some)
            ours.seconds += time.perf_counter() - begin
            for sample, page in zip(some, pages, strict=True):
                _score(ours, sample, page)
            for sample in some:
                begin = time.perf_counter()
                found = baseline(sample.data)
                page = _page(found) if isinstance(found, RapidOCROutput) else _EMPTY
                _rules(page)
                theirs.seconds += time.perf_counter() - begin
                _score(theirs, sample, page)
    finally:
        await engine.stop()
        await stage.close()
    return ours, theirs


async def _photo(stage: PhotoStage, data: bytes, budget: int) -> Photo:
    return (await stage.prepare(data, budget)).photo


async def _scan(engine: EmbeddedEngine, stage: PhotoStage, samples: Sequence[_Sample]) -> list[Page]:
    """Scan as the service does: worker threads prepare photos while the engine runs the previous batch."""
    size, budget = engine.limits.max_items, engine.plan(_TASK).pixel_budget
    groups = [samples[start : start + size] for start in range(0, len(samples), size)]

    def prepare(group: Sequence[_Sample]) -> asyncio.Future[list[Photo]]:
        return asyncio.gather(*(_photo(stage, sample.data, budget) for sample in group))

    pages: list[Page] = []
    coming = prepare(groups[0])
    for index in range(len(groups)):
        ready = await coming
        if index + 1 < len(groups):
            coming = prepare(groups[index + 1])
        jobs = tuple(
            Job(str(number), _TASK, photo, ScanSpec(_TASK.id), today=_TODAY) for number, photo in enumerate(ready)
        )
        for job, answer in zip(jobs, await engine.run(Batch(jobs)), strict=True):
            if not isinstance(answer, Output):
                raise answer
            pages.append(Page(answer.lines, job.photo.width, job.photo.height, _TODAY))
    return pages


def _score(tally: _Tally, sample: _Sample, page: Page) -> None:
    """Compare the printed values with the text and, if rules exist, with the fields that the rules found."""
    text = [_plain(line.text) for line in page.lines]
    tally.photos += 1
    for key, value in sample.truth.items():
        wordings = _wordings(key, value)
        if not wordings:
            continue
        joined = "".join(text)
        tally.values += 1
        tally.values_read += any(wording in joined for wording in wordings)
        tally.characters += len(wordings[0])
        tally.characters_read += len(wordings[0]) * max(_share(wording, text) for wording in wordings)
    rows = _rules(page)
    fields = rows[0] if rows else {}
    for key in FIELDS:
        truth, claim = _comparable(sample.truth.get(key)), _comparable(fields.get(key))
        tally.true += truth is not None
        tally.claimed += claim is not None
        tally.right += truth is not None and truth == claim


def _rules(page: Page) -> list[Mapping[str, JsonValue]]:
    reader = READERS.get(_TASK.id)
    return [row.fields for row in reader(page).items] if reader else []


def _row(size: str, name: str, tally: _Tally, ratio: float) -> dict[str, JsonValue]:
    found = 2 * tally.right / (tally.true + tally.claimed) if tally.claimed else None
    return {
        "photos": f"{tally.photos} x {size} JPEG",
        "reader": name,
        "scans/s": tally.photos / tally.seconds,
        "times": ratio,
        "values read": f"{tally.values_read}/{tally.values}",
        "characters read": tally.characters_read / tally.characters,
        "F1 of fields": found,
    }


def _photographs(count: int, width: int, seed: int) -> list[_Sample]:
    samples = []
    for index in range(count):
        rng = random.Random(seed * 7919 + index)
        tag, truth = draw_tag(list(LAYOUTS)[index % len(LAYOUTS)], rng)
        photo = photograph(tag, rng, width=width)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
        samples.append(_Sample(encoded.tobytes(), truth))
    return samples


def _page(found: RapidOCROutput) -> Page:
    if found.txts is None or found.scores is None or found.boxes is None:
        return _EMPTY
    lines = []
    for text, score, quad in zip(found.txts, found.scores, found.boxes, strict=True):
        a, b, c, d = ((float(x), float(y)) for x, y in quad)
        lines.append(TextLine(text, (a, b, c, d), float(score)))
    right, bottom = (max((line.box[side] for line in lines), default=1) for side in (2, 3))
    return Page(tuple(lines), right, bottom, _TODAY)


def _plain(text: str) -> str:
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).lower()


def _wordings(key: str, value: JsonValue) -> list[str]:
    """The possible print forms of a true value; empty if they are unknown (dates are written in many ways)."""
    if isinstance(value, float):
        amounts = {f"{value:.2f}", f"{value:g}"}
        return sorted(amounts | {amount.replace(".", "") for amount in amounts}, key=len, reverse=True)
    if isinstance(value, str) and key not in {"currency", "valid_until"}:
        return [_plain(value)]
    return []


def _share(wording: str, lines: Sequence[str]) -> float:
    """The largest share of a wording's characters that one line contains in order."""
    best = 0
    for line in lines:
        blocks = SequenceMatcher(None, wording, line, autojunk=False).get_matching_blocks()
        best = max(best, sum(block.size for block in blocks))
    return best / len(wording)


def _comparable(value: JsonValue) -> JsonValue:
    return _plain(value) if isinstance(value, str) else value
