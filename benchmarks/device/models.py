"""Models of the device benchmark: the published architecture with random weights, or the tiny model.

Also the floor: the shortest possible time that a device of given speed needs for a model.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from benchmarks.tiny_model import byte_tokenizer, special_ids
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.loading import Loaded, choose_device, ready

TEXT = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 262144,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 5000000.0,
        "mrope_section": [24, 20, 20],
        "mrope_interleaved": True,
    },
}
VISION = {
    "depth": 27,
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_heads": 16,
    "out_hidden_size": 4096,
    "num_position_embeddings": 2304,
    "deepstack_visual_indexes": [8, 16, 24],
}
"""The published configuration of Qwen3-VL-8B, which Ostrakon-VL-8B was trained from."""


def random_8b(settings: TransformersSettings) -> Loaded:
    """The real architecture with random weights, made on the device: the same computation, without meaning."""
    device = choose_device(settings.device)
    tokenizer = byte_tokenizer()
    ids = special_ids(tokenizer)
    config = Qwen3VLConfig(
        text_config={**TEXT, "pad_token_id": ids["<|endoftext|>"]},
        vision_config=VISION,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32 if settings.dtype == "float32" else torch.bfloat16)
    try:
        with torch.device(device):
            model = Qwen3VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    model.eval()
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    return ready(model, tokenizer)


@dataclass(frozen=True, slots=True)
class Speeds:
    """Peak speeds of a device: matrix multiply-adds (operations a second), and memory reads (bytes a second)."""

    operations_per_s: float
    bytes_per_s: float


def measure_speeds(device: torch.device, dtype: torch.dtype) -> Speeds:
    """Multiply two square matrices, and copy a large tensor; the best of five."""
    side, size = (8192, 2**30) if device.type == "cuda" else (1024, 2**27)
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    multiply_s = min(_seconds(lambda: left @ right, device) for _ in range(5))
    copy_s = min(_seconds(lambda: target.copy_(source), device) for _ in range(5))
    return Speeds(2 * side**3 / multiply_s, 2 * size / copy_s)


def floor_s(loaded: Loaded, speeds: Speeds, visual: int, prompt: int, written: int, rows: int) -> float:
    """Seconds a scan that arithmetic and memory alone take, in batches of `rows`.

    Reading: every visual and prompt token passes every parameter of the language model (a multiply and an add), every
    patch those of the vision tower, four patches a token. Writing: each step reads all weights once for the batch, and
    every row's keys and values.
    """
    model = loaded.model
    tower = sum(weight.numel() for weight in model.model.visual.parameters())
    language = sum(weight.numel() for weight in model.model.language_model.layers.parameters())
    weights = sum(weight.nbytes for weight in (*model.model.language_model.parameters(), *model.lm_head.parameters()))
    reading = 2 * ((visual + prompt) * language + 4 * visual * tower) / speeds.operations_per_s
    kept = (visual + prompt + written / 2) * loaded.bytes_per_token
    writing = written * (weights / rows + kept) / speeds.bytes_per_s
    return float(reading + writing)


def _seconds(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started
