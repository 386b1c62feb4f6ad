from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import cv2
import numpy as np
import pytest
import pytest_asyncio
from PIL import Image, ImageDraw, ImageFont

from pixel_agent.core import Batch, Capability, Draft, Job, Output, Photo, ScanSpec, Source, Support, Task
from pixel_agent.core.errors import EngineError, EngineUnavailable, InvalidPhoto, PixelAgentError
from pixel_agent.core.settings import EmbeddedSettings, PhotoSettings
from pixel_agent.engines.ocr import text_models
from pixel_agent.engines.ocr.engine import READERS, EmbeddedEngine, read_text
from pixel_agent.photo.stage import prepare
from pixel_agent.tasks import BUILT_IN
from pixel_agent.tasks.rules.page import Page

TASKS = {task.id: task for task in BUILT_IN}


def photo(*texts: tuple[int, int, str, int], max_pixels: int = 10**7) -> Photo:
    image = Image.new("RGB", (640, 400), "white")
    draw = ImageDraw.Draw(image)
    for x, y, text, height in texts:
        draw.text((x, y), text, fill="black", font=ImageFont.load_default(height))
    _, data = cv2.imencode(".png", np.asarray(image))
    return prepare(data.tobytes(), max_pixels, PhotoSettings())


def job(task: str, subject: Photo) -> Job:
    return Job("scan", TASKS[task], subject, ScanSpec(task), today=date(2026, 11, 22))


def answered(answer: Output | PixelAgentError) -> tuple[Output, Draft]:
    assert isinstance(answer, Output)
    assert answer.draft is not None
    return answer, answer.draft


def fails_on_bad_words(page: Page) -> Draft:
    if any("bad" in line.text for line in page.lines):
        raise ValueError("a rule stumbled")
    return read_text(page)


def refuses(page: Page) -> Draft:
    raise InvalidPhoto("This photo holds no tag.")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine() -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(EmbeddedSettings(), {**READERS, "promo_check": fails_on_bad_words, "safety_check": refuses})
    await engine.start()
    yield engine
    await engine.stop()


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_every_line_becomes_an_item_with_its_evidence(engine: EmbeddedEngine) -> None:
    output, draft = answered((await engine.run(Batch((job("text_read", photo((40, 60, "Fresh Apple", 60))),))))[0])
    row = draft.items[0]
    assert dict(row.fields) == {"text": "Fresh Apple"}
    assert (row.source, row.confidence, row.bbox) == (Source.TEXT, output.lines[0].confidence, output.lines[0].box)


async def test_boxes_are_in_pixels_of_the_original(engine: EmbeddedEngine) -> None:
    large = photo((320, 200, "SALE 9.90", 50))
    small = replace(large, pixels=cv2.resize(large.pixels, (480, 300)).astype(np.uint8))
    full, shrunk = await engine.run(Batch((job("text_read", large), job("text_read", small))))
    assert answered(full)[0].lines[0].box == pytest.approx(answered(shrunk)[0].lines[0].box, abs=8)


async def test_a_batch_may_mix_tasks(engine: EmbeddedEngine) -> None:
    tag = photo((40, 40, "RMB 12.80", 80), (40, 220, "500g", 60))
    plain, ruled = await engine.run(Batch((job("text_read", tag), job("price_tag", tag))))
    assert len(answered(plain)[1].items) == 2
    assert [row.fields["regular_price"] for row in answered(ruled)[1].items] == [12.8]


async def test_a_photo_that_cannot_be_read_fails_alone(engine: EmbeddedEngine) -> None:
    good = photo((40, 60, "Fresh Apple", 60))
    broken = replace(good, pixels=np.zeros((0, 0, 3), np.uint8))
    first, second, third = await engine.run(Batch(tuple(job("text_read", one) for one in (good, broken, good))))
    assert isinstance(second, EngineError)
    assert answered(first)[1] == answered(third)[1]


async def test_a_rule_that_stumbles_fails_its_own_photo_only(engine: EmbeddedEngine) -> None:
    good, bad = photo((40, 60, "good offer", 60)), photo((40, 60, "bad offer", 60))
    first, second = await engine.run(Batch((job("promo_check", good), job("promo_check", bad))))
    answered(first)
    assert isinstance(second, EngineError)
    assert isinstance(second.__cause__, ValueError)


async def test_an_error_that_a_rule_explains_is_passed_on(engine: EmbeddedEngine) -> None:
    answer = (await engine.run(Batch((job("safety_check", photo()),))))[0]
    assert isinstance(answer, InvalidPhoto)


async def test_an_empty_photo_gives_an_empty_draft(engine: EmbeddedEngine) -> None:
    output, draft = answered((await engine.run(Batch((job("text_read", photo()),))))[0])
    assert (output.lines, draft.items) == ((), ())


@pytest.mark.parametrize(
    ("task", "support", "runs"),
    [
        ("text_read", Support.FULL, True),
        ("price_tag", Support.FULL, True),
        ("expiry_check", Support.FULL, True),
        ("code_read", Support.FULL, False),
        ("storefront_check", Support.PARTIAL, True),
        ("shelf_audit", Support.UNSUPPORTED, False),
    ],
)
async def test_the_plan_says_what_can_be_answered(task: str, support: Support, runs: bool) -> None:
    plan = EmbeddedEngine(EmbeddedSettings()).plan(TASKS[task])
    assert (plan.support, plan.runs) == (support, runs)


@pytest.mark.parametrize("task", BUILT_IN, ids=lambda task: task.id)
async def test_the_largest_photos_it_asks_for_fit_its_own_limits(task: Task) -> None:
    engine = EmbeddedEngine(EmbeddedSettings())
    plan, limits = engine.plan(task), engine.limits
    side = int(plan.pixel_budget**0.5)
    photo_of_budget = replace(photo(), pixels=np.zeros((side, side, 3), np.uint8))
    assert limits.max_items * photo_of_budget.visual_tokens <= limits.max_tokens


async def test_it_has_text_and_codes_and_makes_no_promise_of_speed() -> None:
    engine = EmbeddedEngine(EmbeddedSettings())
    assert engine.plan(TASKS["environment_check"]).missing == (Capability.SCENE,)
    assert engine.slo_s is None
    assert (engine.info.name, engine.info.simulated) == ("embedded", False)
    assert "onnxruntime" in engine.info.version


async def test_rules_exist_for_tasks_that_exist() -> None:
    assert set(READERS) <= set(TASKS)


async def test_running_before_the_start_is_refused() -> None:
    with pytest.raises(EngineUnavailable):
        await EmbeddedEngine(EmbeddedSettings()).run(Batch((job("text_read", photo()),)))


async def test_a_failed_start_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_models, "RECOGNITION_FILE", "absent.onnx")
    engine = EmbeddedEngine(EmbeddedSettings())
    with pytest.raises(EngineUnavailable):
        await engine.start()
    await engine.stop()
