from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
import zxingcpp

from pixel_agent.core import Code, Photo
from pixel_agent.core.settings import EvidenceSettings
from pixel_agent.photo.barcodes.search import Report, Stop
from pixel_agent.photo.barcodes.stage import BarcodeStage, Reader
from tests.code_pictures import drawn, pasted, photo_of

PHOTO = photo_of(drawn("9780804816632", zxingcpp.BarcodeFormat.EAN13))
CODE = Code("EAN-8", "96385074", ((0, 0), (9, 0), (9, 9), (0, 9)), "96385074")


class SlowReader:
    """A reader that is proven one code, and then goes on until it is let go or told to stop."""

    def __init__(self) -> None:
        self.started, self.let_go, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.calls, self.stopped = 0, False

    def __call__(self, photo: Photo, thorough: bool, stop: Stop, report: Report) -> tuple[Code, ...]:
        self.calls += 1
        report((CODE,))
        self.started.set()
        while not self.let_go.wait(0.005):
            if stop():
                self.stopped = True
                break
        self.ended.set()
        return (CODE, CODE)


@pytest.fixture
async def stage() -> AsyncIterator[Callable[[Reader | None], BarcodeStage]]:
    made: list[BarcodeStage] = []

    def make(reader: Reader | None = None) -> BarcodeStage:
        made.append(BarcodeStage(EvidenceSettings(threads=1), reader))
        return made[-1]

    yield make
    for evidence in made:
        await evidence.close()


Make = Callable[[Reader | None], BarcodeStage]


async def test_codes_come_back_without_a_notice(stage: Make) -> None:
    evidence = stage(None)
    codes, notice = await evidence.collect(evidence.begin(PHOTO, thorough=False), 60)
    assert [code.gtin for code in codes] == ["9780804816632"]
    assert notice is None


async def test_corners_are_in_pixels_of_the_original(stage: Make) -> None:
    ground = np.full((1500, 2000, 3), 255, np.uint8)
    pixels = pasted(ground, drawn("9780804816632", zxingcpp.BarcodeFormat.EAN13, module=6), 1200, 900)
    evidence = stage(None)
    (code,), _ = await evidence.collect(evidence.begin(photo_of(pixels, 200_000), thorough=False), None)
    left, top, right, bottom = code.box
    assert 1240 < left < right < 1950
    assert 940 < top < bottom < 1400


async def test_what_is_not_ready_in_time_is_skipped_and_what_was_proven_is_kept(stage: Make) -> None:
    reader = SlowReader()
    evidence = stage(reader)
    pending = evidence.begin(PHOTO, thorough=False)
    assert await asyncio.to_thread(reader.started.wait, 60)
    codes, notice = await evidence.collect(pending, 0.01)
    assert codes == (CODE,)
    assert notice is not None
    assert notice.code == "codes_skipped"
    assert await asyncio.to_thread(reader.ended.wait, 60)
    assert reader.stopped


async def test_without_a_grace_the_reading_is_awaited_to_its_end(stage: Make) -> None:
    reader = SlowReader()
    evidence = stage(reader)
    collecting = asyncio.create_task(evidence.collect(evidence.begin(PHOTO, thorough=True), None))
    assert await asyncio.to_thread(reader.started.wait, 60)
    reader.let_go.set()
    assert await collecting == ((CODE, CODE), None)


async def test_a_skipped_reading_that_still_waits_never_begins(stage: Make) -> None:
    reader = SlowReader()
    evidence = stage(reader)
    running, waiting = (evidence.begin(PHOTO, thorough=False) for _ in range(2))
    _, notice = await evidence.collect(waiting, 0)
    assert notice is not None
    reader.let_go.set()
    await evidence.collect(running, None)
    assert reader.calls == 1


async def test_a_cancelled_scan_cancels_its_reading(stage: Make) -> None:
    reader = SlowReader()
    evidence = stage(reader)
    collecting = asyncio.create_task(evidence.collect(evidence.begin(PHOTO, thorough=False), None))
    assert await asyncio.to_thread(reader.started.wait, 60)
    collecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await collecting
    assert await asyncio.to_thread(reader.ended.wait, 60)
    assert reader.stopped


async def test_cancelling_a_pending_reading_is_harmless_at_any_time(stage: Make) -> None:
    evidence = stage(None)
    pending = evidence.begin(PHOTO, thorough=False)
    codes, _ = await evidence.collect(pending, None)
    pending.cancel()
    assert (await evidence.collect(pending, None))[0] == codes


async def test_a_failing_codec_costs_the_codes_and_not_the_scan(stage: Make) -> None:
    def broken(photo: Photo, thorough: bool, stop: Stop, report: Report) -> tuple[Code, ...]:
        report((CODE,))
        raise RuntimeError("codec")

    evidence = stage(broken)
    codes, notice = await evidence.collect(evidence.begin(PHOTO, thorough=False), 60)
    assert codes == (CODE,)
    assert notice is not None
    assert notice.code == "codes_failed"


async def test_a_scan_that_comes_after_closing_ends_without_codes(stage: Make) -> None:
    evidence = stage(None)
    await evidence.close()
    codes, notice = await evidence.collect(evidence.begin(PHOTO, thorough=False), None)
    assert codes == ()
    assert notice is not None
    assert notice.code == "codes_skipped"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a priority per thread")
async def test_reading_threads_yield_to_the_rest(stage: Make) -> None:
    levels: list[int] = []

    def look(photo: Photo, thorough: bool, stop: Stop, report: Report) -> tuple[Code, ...]:
        levels.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return ()

    evidence = stage(look)
    await evidence.collect(evidence.begin(PHOTO, thorough=False), None)
    assert levels[0] > os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
