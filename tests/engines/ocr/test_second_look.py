"""Dot-matrix print, which the first pass misreads, and labels that need no second pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import cv2
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image, ImageDraw, ImageFont

from pixel_agent.core import Batch, Draft, Job, Output, Photo, Pixels, Row, ScanSpec, TextLine
from pixel_agent.core.settings import EmbeddedSettings, PhotoSettings
from pixel_agent.engines.ocr.engine import EmbeddedEngine
from pixel_agent.engines.ocr.second_look import better, wants_second_look
from pixel_agent.photo.stage import prepare
from pixel_agent.tasks.labels import EXPIRY_CHECK, PRICE_TAG


def dotted(*texts: str, pitch: int = 7) -> Pixels:
    """Lines of print whose letters are dots, as ink jets print them."""
    image = np.full((40 + 15 * pitch * len(texts), 1000, 3), 235, np.uint8)
    for row, text in enumerate(texts):
        small = Image.new("L", (140, 16), 0)
        ImageDraw.Draw(small).text((2, 1), text, fill=255, font=ImageFont.load_default(11))
        for y, x in zip(*np.nonzero(np.asarray(small) > 110), strict=True):
            cv2.circle(image, (20 + int(x) * pitch, 20 + (row * 15 + int(y)) * pitch), 2, (40, 40, 40), -1, cv2.LINE_AA)
    return image


def job(pixels: Pixels, task: str = "expiry_check") -> Job:
    _, data = cv2.imencode(".png", pixels)
    photo: Photo = prepare(data.tobytes(), 10**7, PhotoSettings())
    tasks = {one.id: one for one in (EXPIRY_CHECK, PRICE_TAG)}
    return Job("scan", tasks[task], photo, ScanSpec(task), today=date(2026, 11, 22))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(EmbeddedSettings())
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.asyncio(loop_scope="module")
async def test_print_in_dots_is_read_at_the_second_look(engine: EmbeddedEngine) -> None:
    (answer,) = await engine.run(Batch((job(dotted("USE BY 24.11.26")),)))
    assert isinstance(answer, Output)
    assert answer.draft is not None
    assert [row.fields["expiry_date"] for row in answer.draft.items] == ["2026-11-24"]


def output(*texts: str, **fields: str) -> Output:
    lines = [
        TextLine(text, ((0, 30 * i), (200, 30 * i), (200, 30 * i + 20), (0, 30 * i + 20)), 0.9)
        for i, text in enumerate(texts)
    ]
    return Output(draft=Draft(items=(Row(dict(fields)),) if fields else ()), lines=tuple(lines))


def test_fragments_without_a_date_ask_for_a_second_look() -> None:
    asked = job(dotted("1"))
    assert wants_second_look(asked, output("14:"))
    assert wants_second_look(asked, output())
    assert wants_second_look(asked, output("EXP:26/11/2027", "MFG", expiry_date="2027-11-26"))


def test_clear_labels_long_texts_and_other_tasks_are_looked_at_once() -> None:
    asked = job(dotted("1"))
    assert not wants_second_look(asked, output("EXP 26/11/2027", expiry_date="2027-11-26"))
    assert not wants_second_look(asked, output("EXP 26/11/2027", "MFG: see lid", expiry_date="2027-11-26"))
    assert not wants_second_look(asked, output("Ingredients: " + "sugar, " * 20))
    assert not wants_second_look(job(dotted("1"), "price_tag"), output("14:"))


def test_the_second_look_counts_only_if_it_keeps_every_date_of_the_first() -> None:
    first, more = output(expiry_date="2027-11-26"), output(expiry_date="2027-11-26", production_date="2025-11-26")
    other = output(expiry_date="2028-11-26", production_date="2025-11-26")
    assert better(first, more) is more
    assert better(first, other) is first
    assert better(first, output()) is first
