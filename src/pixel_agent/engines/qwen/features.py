"""Computes and caches the vision tower's features of photos: the same photo with another task skips the tower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import Qwen3VLForConditionalGeneration
from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

from pixel_agent.core import Pixels
from pixel_agent.core.byte_lru import ByteLru
from pixel_agent.engines.qwen.pixels import MERGE, grid_of, pixel_values


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One photo in the model's size; equal `key`s mean equal pixels."""

    key: tuple[str, int, int]
    pixels: Pixels

    @property
    def grid(self) -> tuple[int, int, int]:
        """Number of frames, rows and columns of patches."""
        return grid_of(self.pixels)

    @property
    def tokens(self) -> int:
        """Number of visual tokens."""
        frames, rows, columns = self.grid
        return frames * rows * columns // MERGE**2


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Embeddings of one photo: tokens x width, once for the input and once for each deepstack layer."""

    levels: tuple[torch.Tensor, ...]

    @property
    def bytes(self) -> int:
        """Device memory of these embeddings, in bytes."""
        return sum(level.nbytes for level in self.levels)


class PhotoFeatures:
    """The vision tower with an LRU cache of at most `max_bytes`. Not thread-safe.

    `hits` and `misses` count photos.
    """

    def __init__(self, model: Qwen3VLForConditionalGeneration, max_bytes: int) -> None:
        self.hits = 0
        self.misses = 0
        self._model = model
        self._cache: ByteLru[tuple[str, int, int], Features] = ByteLru(max_bytes)

    @property
    def bytes(self) -> int:
        """Device memory of the cache, in bytes."""
        return self._cache.bytes

    def of(self, views: Sequence[View]) -> BaseModelOutputWithDeepstackFeatures:
        """The model's `mm_encoder_outputs` for these photos, in order; each distinct photo is computed at most once."""
        cached = {view.key: self._cache.get(view.key) for view in views}
        found = {key: features for key, features in cached.items() if features is not None}
        new = list({view.key: view for view in views if view.key not in found}.values())
        self.hits += len(views) - len(new)
        self.misses += len(new)
        for view, features in zip(new, self._see(new) if new else (), strict=True):
            found[view.key] = features
            self._cache.put(view.key, features, features.bytes)
        rows = [found[view.key].levels for view in views]
        deep = [list(level) for level in zip(*(levels[1:] for levels in rows), strict=True)]
        # The model accepts lists with one tensor per photo, although its types declare plain tensors.
        outputs: Any = {"pooler_output": [levels[0] for levels in rows], "deepstack_features": deep}
        return BaseModelOutputWithDeepstackFeatures(**outputs)

    def _see(self, views: Sequence[View]) -> list[Features]:
        device = self._model.device
        values = torch.cat([pixel_values(view.pixels, device) for view in views])
        grid = torch.tensor([view.grid for view in views], device=device)
        seen = self._model.get_image_features(values, grid, return_dict=True)
        # Copy: a slice would prevent the release of the whole group's features.
        return [
            Features(tuple(level[place].clone() for level in (seen.pooler_output, *seen.deepstack_features)))
            for place in range(len(views))
        ]
