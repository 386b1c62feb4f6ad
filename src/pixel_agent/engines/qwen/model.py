"""Answers a batch of jobs with a loaded Qwen3-VL model: joins prompts, photos, grammars and the decoding loop."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import torch

from pixel_agent.core import Job, Message, Output, Sampling, Tokens
from pixel_agent.core.errors import OutOfMemory, PixelAgentError, ReplicaLost
from pixel_agent.core.settings import TransformersSettings
from pixel_agent.engines.qwen.features import PhotoFeatures, View
from pixel_agent.engines.qwen.generation import Generation, Writer
from pixel_agent.engines.qwen.loading import Loaded
from pixel_agent.engines.qwen.pixels import on_grid
from pixel_agent.engines.qwen.prompt import Prompts
from pixel_agent.engines.qwen.token_stream import TokenStream

if TYPE_CHECKING:
    from pixel_agent.engines.qwen.grammars import Grammars

log = logging.getLogger("pixel_agent.qwen")

MEMORY_SHARE = 0.85
"""Share of the free memory that is used for planning; allocators leave gaps."""


class QwenModel:
    """A loaded model with its prompts, grammars and caches. Create and use it on one thread only."""

    def __init__(self, settings: TransformersSettings, loaded: Loaded) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self._settings = settings
        self.loaded = loaded
        self.features = PhotoFeatures(self.loaded.model, settings.photo_memory_bytes)
        self._prompts = Prompts(self.loaded.tokenizer, settings.max_prompt_tokens)
        self._grammars = _grammars(self.loaded) if settings.constrained else None
        self._writer = Writer(self.loaded.model, self.features, self._grammars, settings.prefill_tokens)
        started = time.perf_counter()
        self._warm_up()
        log.info("event=model_ready device=%s warm_up_s=%.1f", loaded.model.device, time.perf_counter() - started)

    @property
    def gpu(self) -> str | None:
        """The UUID of the GPU that the model is on, as NVML gives it; None on another device."""
        device = self.loaded.model.device
        return f"GPU-{torch.cuda.get_device_properties(device).uuid}" if device.type == "cuda" else None

    @property
    def room_tokens(self) -> int:
        """Total tokens, prompts and answers of all rows together, that fit in the device's memory; at least one."""
        kept = self._settings.photo_memory_bytes
        reading = self._settings.prefill_tokens * self.loaded.reading_bytes_per_token
        free = int(MEMORY_SHARE * self.loaded.free_bytes) - kept - reading
        return max(1, free // self.loaded.bytes_per_token)

    def answer(
        self,
        jobs: Sequence[Job],
        wanted: Callable[[Job], bool],
        answered: Callable[[Job, Output], None] = lambda _job, _output: None,
    ) -> list[Output | PixelAgentError]:
        """Return the answers in order; the answer of an invalid job is its error. `wanted` is called before each step.

        `answered` is called on this thread for each answer as soon as it is complete, while others are still generated.

        Raises OutOfMemory when the device has too little for the batch, ReplicaLost when the device failed.
        """
        try:
            return self._answer(jobs, wanted, answered)
        except torch.OutOfMemoryError as error:
            failure: PixelAgentError = OutOfMemory(f"A batch of {len(jobs)} photos does not fit: {error}")
        except torch.AcceleratorError as error:
            failure = ReplicaLost(f"The device failed: {error}", "Restart the server if it goes on.")
        except RuntimeError as error:
            if "DefaultCPUAllocator" not in str(error):  # PyTorch's words for too little memory without a GPU
                raise
            failure = OutOfMemory(f"A batch of {len(jobs)} photos does not fit: {error}")
        # Outside the handlers: inside, the traceback would still reference the batch's tensors.
        _free_memory()
        raise failure

    def release(self) -> None:
        """Release the device's memory."""
        del self.loaded, self.features, self._writer, self._grammars, self._prompts
        _free_memory()

    def _answer(
        self, jobs: Sequence[Job], wanted: Callable[[Job], bool], answered: Callable[[Job, Output], None]
    ) -> list[Output | PixelAgentError]:
        rows: dict[int, Generation] = {}
        failed: dict[int, PixelAgentError] = {}
        for place, job in enumerate(jobs):
            try:
                rows[place] = self._row(job)
            except PixelAgentError as error:
                failed[place] = error
        if rows:
            asks = {id(row): jobs[place] for place, row in rows.items()}
            for part in _parts(list(rows.values()), self.room_tokens):
                self._writer.write(
                    part,
                    lambda row: wanted(asks[id(row)]),
                    lambda row: answered(asks[id(row)], _output(row)),
                )
        return [failed[place] if place in failed else _output(rows[place]) for place in range(len(jobs))]

    def _row(self, job: Job) -> Generation:
        pixels = on_grid(job.photo.pixels, self._settings.max_pixels)
        view = View((job.photo.sha256, pixels.shape[1], pixels.shape[0]), pixels)
        sampling, task = job.task.sampling, job.task
        return Generation(
            ids=self._prompts.ids(job.conversation, view.tokens),
            view=view,
            answer=TokenStream(
                min(task.max_new_tokens, self._settings.max_new_tokens),
                self.loaded.end_tokens,
                sampling,
                self._decode,
                job.on_text,
            ),
            sampling=sampling,
            matcher=self._grammars.matcher(task.schema) if self._grammars and task.schema else None,
            random=self._random(sampling.seed),
        )

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self.loaded.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _random(self, seed: int | None) -> torch.Generator | None:
        return None if seed is None else torch.Generator(self.loaded.model.device).manual_seed(seed)

    def _warm_up(self) -> None:
        """Run every code path once, so that the first photo is not slower."""
        view = View(("", 256, 256), np.full((256, 256, 3), 127, np.uint8))
        texts = ("1", "1 1")  # prompts of two lengths: with padding, and once one has ended, without
        prompts = [self._prompts.ids((Message("user", (None, text)),), view.tokens) for text in texts]
        ends = self.loaded.end_tokens
        rows = [
            Generation(ids, view, TokenStream(2 + n, ends, Sampling(), self._decode)) for n, ids in enumerate(prompts)
        ]
        self._writer.write(rows)


def _parts(rows: Sequence[Generation], room_tokens: int) -> Iterator[list[Generation]]:
    """Split rows into parts that fit in memory: each row of a part takes as much as the part's longest."""
    part: list[Generation] = []
    for row in sorted(rows, key=lambda row: row.room):
        if part and (len(part) + 1) * row.room > room_tokens:
            yield part
            part = []
        part.append(row)
    yield part


def _output(row: Generation) -> Output:
    tokens = Tokens(row.view.tokens, len(row.ids) - row.view.tokens, row.answer.tokens)
    return Output(text=row.answer.text, tokens=tokens, finish_reason=row.answer.finish_reason)


def _grammars(loaded: Loaded) -> Grammars | None:
    if find_spec("xgrammar") is None:
        log.warning("event=unconstrained: without the package xgrammar a model may write broken JSON")
        return None
    from pixel_agent.engines.qwen.grammars import Grammars

    return Grammars(loaded.tokenizer, loaded.vocabulary, sorted(loaded.end_tokens))


def _free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
