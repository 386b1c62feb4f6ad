"""Our loop against the library's own `generate`: the traps of this family give fluent, wrong answers without an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoTokenizer
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from pixel_agent.core import Job, Sampling
from pixel_agent.engines.qwen.features import PhotoFeatures, View
from pixel_agent.engines.qwen.generation import sample
from pixel_agent.engines.qwen.pixels import pixel_values
from tests.model_jobs import make_photo, mixed_jobs, running, texts

STEPS = 24


class Published:
    """One photo at a time, with the library's processor and loop; `forget` names an input to leave out."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = AutoModelForImageTextToText.from_pretrained(folder)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        size = {"shortest_edge": 65536, "longest_edge": 1310720}
        self.images = Qwen2VLImageProcessorPil(
            patch_size=16, merge_size=2, image_mean=[0.5] * 3, image_std=[0.5] * 3, size=size
        )

    def inputs(self, job: Job) -> dict[str, Any]:
        photo = self.images(images=[job.photo.pixels], return_tensors="pt")
        said: Any = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": job.task.prompt_zh}]}]
        text = self.tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False)
        visual = int(photo["image_grid_thw"].prod()) // 4
        ids = self.tokenizer(text.replace("<|image_pad|>", "<|image_pad|>" * visual), return_tensors="pt")
        kinds = (ids["input_ids"] == self.model.config.image_token_id).int()
        return {**ids, **photo, "mm_token_type_ids": kinds}

    def write(self, inputs: dict[str, Any]) -> list[str]:
        wrote = self.model.generate(**inputs, max_new_tokens=STEPS)[:, inputs["input_ids"].shape[1] :]
        return cast("list[str]", self.tokenizer.batch_decode(wrote, skip_special_tokens=True))


@pytest.fixture(scope="module")
def published(tiny_model: Path) -> Published:
    return Published(tiny_model)


async def test_greedy_answers_are_those_of_the_library(tiny_model: Path, published: Published) -> None:
    jobs = mixed_jobs(8, tokens=STEPS)
    async with running(tiny_model) as engine:
        ours = await texts(engine, jobs)
    assert ours == [published.write(published.inputs(job))[0] for job in jobs]


def test_leaving_the_kinds_of_tokens_out_would_show(published: Published) -> None:
    inputs = published.inputs(mixed_jobs(2, tokens=STEPS)[1])
    right = published.write(inputs)
    del inputs["mm_token_type_ids"]
    assert published.write(inputs) != right


def test_padding_at_the_right_would_show(published: Published) -> None:
    inputs = published.inputs(mixed_jobs(1, tokens=STEPS)[0])
    right = published.write(inputs)
    pad = published.tokenizer.pad_token_id
    extra = {"input_ids": pad, "attention_mask": 0, "mm_token_type_ids": 0}

    def padded(left: int, behind: int) -> dict[str, Any]:
        added = {k: torch.nn.functional.pad(inputs[k], (left, behind), value=v) for k, v in extra.items()}
        return {**inputs, **added}

    assert published.write(padded(9, 0)) == right
    assert published.write(padded(0, 9)) != right


def test_features_computed_ahead_give_the_same_logits(published: Published) -> None:
    inputs = published.inputs(mixed_jobs(1)[0])
    photo = make_photo(0)
    inputs["pixel_values"] = pixel_values(photo.pixels)  # the same to the last bit
    ahead = PhotoFeatures(published.model, 0).of([View(("a", 1, 1), photo.pixels)])
    with torch.inference_mode():
        logits = published.model(**inputs).logits
        del inputs["pixel_values"]
        again = published.model(**inputs, mm_encoder_outputs={"image": ahead}).logits
    assert torch.equal(logits, again)


def test_features_are_kept_within_their_bytes(published: Published) -> None:
    views = [View((str(seed), 256, 256), make_photo(seed).pixels) for seed in range(4)]
    one = 64 * 64 * 4 * 3  # tokens, width, bytes, input and two deepstack layers
    features = PhotoFeatures(published.model, 2 * one)
    with torch.inference_mode():
        features.of(views[:3])
        assert features.bytes == 2 * one
        features.of(views[1:3])
        features.of([views[3], views[3]])
    assert (features.hits, features.misses, features.bytes) == (3, 4, 2 * one)


def test_sampling_draws_only_from_the_most_likely_tokens() -> None:
    logits = torch.tensor([0.6, 0.3, 0.1]).log()
    random = torch.Generator().manual_seed(1)
    drawn = {sample(logits, Sampling(temperature=1.0, top_p=0.7), random) for _ in range(200)}
    assert drawn == {0, 1}
    assert {sample(logits, Sampling(temperature=1.0), random) for _ in range(200)} == {0, 1, 2}
    assert {sample(logits, Sampling(temperature=1.0, top_p=0.0), random) for _ in range(20)} == {0}
