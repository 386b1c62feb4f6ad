from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from safetensors.torch import load_file, save_file

from pixel_agent.core.errors import EngineUnavailable
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen import engine
from pixel_agent.engines.qwen.loading import attention, choose_device, find_model, load


def settings(folder: Path | str, **more: object) -> TransformersSettings:
    return TransformersSettings.model_validate({"model": str(folder), "device": "cpu", "dtype": "float32", **more})


def quiet(stage: str, part: float) -> None:
    """Nobody listens."""


def test_loading_tells_how_far_it_is(tiny_model: Path) -> None:
    told: list[tuple[str, float]] = []
    load(settings(tiny_model), lambda stage, part: told.append((stage, part)))
    weights = [part for stage, part in told if stage == "weights"]
    assert weights == sorted(weights)
    assert weights[-1] == 1.0
    assert len(weights) > 5


def test_numbers_are_bfloat16_unless_asked_otherwise(tiny_model: Path) -> None:
    assert load(settings(tiny_model, dtype="bfloat16"), quiet).model.dtype is torch.bfloat16
    assert load(settings(tiny_model), quiet).model.dtype is torch.float32
    assert TransformersSettings().dtype == "bfloat16"


def test_every_way_to_end_is_known(tiny_model: Path) -> None:
    loaded = load(settings(tiny_model), quiet)
    ends = {loaded.tokenizer.convert_ids_to_tokens(one) for one in loaded.end_tokens}
    assert ends == {"<|im_end|>", "<|endoftext|>"}


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="is no folder") as caught:
        find_model(str(tmp_path / "absent"), quiet)
    assert "transformers.model" in caught.value.advice


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"no config\.json"):
        find_model(str(tmp_path), quiet)


def test_without_a_network_the_way_to_get_the_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="cannot be downloaded") as caught:
        find_model("Ostrakon/Ostrakon-VL-8B", quiet)
    assert "hf download Ostrakon/Ostrakon-VL-8B" in caught.value.advice


def test_too_little_memory_is_told_before_loading(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(EngineUnavailable, match=r"too little memory .* GiB needed"):
        load(settings(tiny_model), quiet)


def copied(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "copy"))


def test_a_model_of_another_family_is_named(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}), "utf-8")
    with pytest.raises(EngineUnavailable, match="of the kind bert"):
        load(settings(folder), quiet)


def test_a_model_that_wants_other_pixels_is_named(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path)
    (folder / "preprocessor_config.json").write_text(json.dumps({"patch_size": 14, "merge_size": 2}), "utf-8")
    with pytest.raises(EngineUnavailable, match="another way: patch_size"):
        load(settings(folder), quiet)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", b"{", "cannot be read"),
        ("model.safetensors", b"cut off", "cannot be loaded"),
        ("tokenizer.json", b"{", "tokenizer"),
        ("preprocessor_config.json", b"{", "cannot be read"),
    ],
)
def test_a_damaged_file_is_named(tiny_model: Path, tmp_path: Path, file: str, content: bytes, message: str) -> None:
    folder = copied(tiny_model, tmp_path)
    (folder / file).write_bytes(content)
    with pytest.raises(EngineUnavailable, match=message):
        load(settings(folder), quiet)


def test_weights_that_are_missing_are_not_made_up(tiny_model: Path, tmp_path: Path) -> None:
    folder = copied(tiny_model, tmp_path)
    weights = load_file(folder / "model.safetensors")
    del weights["lm_head.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(EngineUnavailable, match="1 of its tensors"):
        load(settings(folder), quiet)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense"])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    with pytest.raises(EngineUnavailable, match=device):
        choose_device(device)


def test_attention_without_flash_is_the_built_in_one() -> None:
    assert attention(torch.device("cpu")) == {"vision_config": "sdpa", "text_config": "sdpa"}


async def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    monkeypatch.setattr(engine, "NEEDED", ("torch", "no_such_package"))
    with pytest.raises(EngineUnavailable, match="no_such_package") as caught:
        await engine.TransformersEngine(settings(tiny_model)).start()
    assert "pixel-agent[transformers]" in caught.value.advice
