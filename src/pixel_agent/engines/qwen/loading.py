"""Loads a model of the Qwen3-VL family, reports progress, and names the fix for each failure."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import psutil
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, RepositoryNotFoundError
from safetensors import SafetensorError
from tqdm import tqdm
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    Qwen3VLForConditionalGeneration,
    Qwen3VLTextConfig,
)
from transformers.utils.logging import set_tqdm_hook

from pixel_agent.core.errors import EngineUnavailable
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.pixels import DEVIATION, FRAMES, MEAN, MERGE, PATCH

log = logging.getLogger("pixel_agent.loading")

PATTERNS = ["*.json", "*.safetensors", "*.txt", "*.jinja"]
FAMILY = "qwen3_vl"
WIDE_TENSORS = 6
"""Tensors of a layer's intermediate width in memory at once: three of the layer, and as many for the vision tower."""
ROOM = 1.05
"""Memory of a model divided by the size of its files: a little more than 1."""
ELSEWHERE = "Or choose an engine that needs no model here: --engine embedded, or openai with a server's URL."

Progress = Callable[[str, float], None]
"""Called with the stage and the part of it that is done (0-1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A model that is ready to run.

    `vocabulary` is the width of its logits. `bytes_per_token` is the cache size for each token of a row,
    `reading_bytes_per_token` about the working memory for each prompt token processed at once.
    """

    model: Qwen3VLForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase
    end_tokens: frozenset[int]
    vocabulary: int
    bytes_per_token: int
    reading_bytes_per_token: int
    free_bytes: int


def log_progress(stage: str, part: float) -> None:
    """Write one log line for each step of progress."""
    log.info("event=model_loading stage=%s percent=%d", stage, round(100 * part))


def load(settings: TransformersSettings, progress: Progress = log_progress) -> Loaded:
    """Load the configured model on its device; blocks for seconds to minutes. Raises EngineUnavailable with the fix."""
    device = choose_device(settings.device)
    folder = find_model(settings.model, progress)
    config = _config(folder)
    dtype = torch.float32 if settings.dtype == "float32" else torch.bfloat16
    _check_preparation(folder)
    _check_memory(folder, config, dtype, device)
    progress("tokenizer", 0.0)
    tokenizer = _tokenizer(folder)
    try:
        with _reported(progress):
            result: Any = AutoModelForImageTextToText.from_pretrained(
                folder,
                config=config,
                dtype=dtype,
                device_map=str(device),
                attn_implementation=attention(device),
                output_loading_info=True,
            )
            model, report = result
    except torch.OutOfMemoryError as error:
        raise _too_little(settings.model, device, _first_line(error)) from error
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _no_weights(folder, _first_line(error)) from error
    if report["missing_keys"]:  # the library would fill them with random numbers
        raise _no_weights(folder, f"{len(report['missing_keys'])} of its tensors are in none of the files.")
    return ready(cast(Qwen3VLForConditionalGeneration, model.eval()), tokenizer)


def choose_device(wanted: str) -> torch.device:
    """Choose the device. `auto`: the CUDA device with the most free memory, else Apple's, else the CPU.

    Raises EngineUnavailable.
    """
    if wanted == "auto":
        if torch.cuda.is_available():
            free = [torch.cuda.mem_get_info(number)[0] for number in range(torch.cuda.device_count())]
            return torch.device("cuda", free.index(max(free)))
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise EngineUnavailable(
            f"There is no device {wanted!r} here: {_first_line(error)}",
            "Set transformers.device to auto, cpu, mps or cuda:N; for CUDA install the driver and PyTorch's CUDA build.",
        ) from error
    return device


def attention(device: torch.device) -> dict[str, str]:
    """Choose flash attention for the vision tower if installed; without it the tower processes photos one by one."""
    flash = device.type == "cuda" and find_spec("flash_attn") is not None
    return {"vision_config": "flash_attention_2" if flash else "sdpa", "text_config": "sdpa"}


def find_model(name: str, progress: Progress = log_progress) -> Path:
    """Return the folder of a model given by its folder or its name on the hub; downloads it if needed."""
    folder = Path(name).expanduser()
    if folder.exists() or folder.is_absolute() or name.startswith((".", "~")):
        if not (folder / "config.json").is_file():
            what = "has no config.json" if folder.is_dir() else "is no folder"
            raise EngineUnavailable(
                f"{folder} {what}, so it holds no model.",
                f"Set transformers.model to the folder that config.json and *.safetensors are in. {ELSEWHERE}",
            )
        return folder
    progress("download", 0.0)
    try:
        return Path(snapshot_download(name, allow_patterns=PATTERNS, tqdm_class=_bar(progress, "download")))
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise EngineUnavailable(
            f"There is no model named {name!r} on the hub, or it is not public.",
            f"Check transformers.model, or log in with `hf auth login`. {ELSEWHERE}",
        ) from error
    except GatedRepoError as error:
        raise EngineUnavailable(
            f"The model {name} asks for its terms to be accepted.", "Run `hf auth login`."
        ) from error
    except (HfHubHTTPError, OSError, RuntimeError) as error:
        raise EngineUnavailable(
            f"The model {name} is not on this machine and cannot be downloaded: {_first_line(error)}",
            f"Connect to the network, or run `hf download {name}` where there is one and set transformers.model to the "
            f"folder (about 17 GB for the default). {ELSEWHERE}",
        ) from error


def _config(folder: Path) -> PreTrainedConfig:
    try:
        config = cast(PreTrainedConfig, AutoConfig.from_pretrained(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(
            f"{folder / 'config.json'} cannot be read: {_first_line(error)}", "Download the model again."
        ) from error
    if config.model_type != FAMILY:
        raise EngineUnavailable(
            f"The model in {folder} is of the kind {config.model_type}; this engine runs {FAMILY}.",
            f"Choose a Qwen3-VL model. {ELSEWHERE}",
        )
    return config


def _check_preparation(folder: Path) -> None:
    """Check that the model expects photos as `pixels` prepares them: else it would misread them without an error."""
    path = folder / "preprocessor_config.json"
    try:
        stated = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise EngineUnavailable(f"{path} cannot be read: {error}", "Download the model again.") from error
    ours = {
        "patch_size": PATCH,
        "merge_size": MERGE,
        "temporal_patch_size": FRAMES,
        "image_mean": [MEAN] * 3,
        "image_std": [DEVIATION] * 3,
    }
    other = [name for name, value in ours.items() if stated.get(name, value) != value]
    if other:
        raise EngineUnavailable(
            f"The model in {folder} wants photos prepared in another way: {', '.join(other)}.",
            f"Choose a Qwen3-VL model. {ELSEWHERE}",
        )


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cast(PreTrainedTokenizerBase, AutoTokenizer.from_pretrained(folder))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineUnavailable(
            f"The tokenizer in {folder} cannot be loaded: {_first_line(error)}", "Download the model again."
        ) from error


def _check_memory(folder: Path, config: PreTrainedConfig, dtype: torch.dtype, device: torch.device) -> None:
    """Check the free memory before loading, which takes minutes, rather than after."""
    stored = config.dtype if isinstance(config.dtype, torch.dtype) else torch.bfloat16
    files = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    needed = int(files * dtype.itemsize / stored.itemsize * ROOM)
    free = free_bytes(device)
    if needed > free:
        raise _too_little(folder.name, device, f"{needed / 2**30:.1f} GiB needed, {free / 2**30:.1f} GiB free")


def free_bytes(device: torch.device) -> int:
    """Free memory of a device now, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)


def ready(model: Qwen3VLForConditionalGeneration, tokenizer: PreTrainedTokenizerBase) -> Loaded:
    """Wrap a model on its device together with the numbers that an engine needs."""
    text = cast(Qwen3VLTextConfig, model.config.text_config)
    heads = text.num_key_value_heads or text.num_attention_heads
    ends = model.generation_config.eos_token_id if model.generation_config else None
    ids = {tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
    return Loaded(
        model,
        tokenizer,
        frozenset(int(one) for one in ids if isinstance(one, int)),
        text.vocab_size,
        2 * text.num_hidden_layers * heads * text.head_dim * model.dtype.itemsize,
        WIDE_TENSORS * text.intermediate_size * model.dtype.itemsize,
        free_bytes(model.device),
    )


def _too_little(model: str, device: torch.device, detail: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The device {device} has too little memory for {model}: {detail}.",
        f"Free memory, choose another device (transformers.device) or a smaller Qwen3-VL model. {ELSEWHERE}",
    )


def _no_weights(folder: Path, detail: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The weights in {folder} cannot be loaded: {detail}",
        f"Download the model again; a file may be missing or cut off. {ELSEWHERE}",
    )


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


@contextmanager
def _reported(progress: Progress) -> Iterator[None]:
    """Report the progress that transformers would draw as a bar; a process loads one model at a time."""
    bar = _bar(progress, "weights")
    before = set_tqdm_hook(lambda _factory, args, kwargs: bar(*args, **kwargs))
    try:
        yield
    finally:
        set_tqdm_hook(before)


def _bar(progress: Progress, stage: str) -> type[Any]:
    """A progress bar class that draws nothing and reports every twentieth part."""

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            self._told = -1
            super().__init__(*args, **{**kwargs, "disable": False, "file": _Nowhere(), "mininterval": 3600})
            self._tell()

        def update(self, n: float | None = 1) -> bool | None:
            super().update(n)
            self._tell()
            return None

        def __iter__(self) -> Iterator[Any]:
            for one in self.iterable or ():
                yield one
                self.update(1)
            self.close()

        def _tell(self) -> None:
            step = int(20 * self.n / self.total) if self.total else 0
            if step > self._told:
                self._told = step
                progress(stage, step / 20)

    return Bar


class _Nowhere:
    def write(self, _text: str) -> None:
        """Draw nothing."""

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""
