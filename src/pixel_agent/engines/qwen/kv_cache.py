"""The key-value cache of a batch in `generation`: one buffer per layer; a finished row leaves at once.

Rows are aligned at their right ends (left padding), so that every step writes at the same position for all rows.
"""

from __future__ import annotations

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

GROWTH = 256
"""Tokens by which the buffer grows: growing copies its content, so it must be rare."""


class RowCache(Cache):
    """Cache of `rows` rows with up to `prompt` prompt tokens each; it grows during generation.

    First `fill` is called for all rows, from the first on; then each step of the model adds one token to all live rows.
    """

    def __init__(self, layers: int, rows: int, prompt: int) -> None:
        self.span = _Span(rows, prompt)
        self._rows = [_Layer(self.span) for _ in range(layers)]
        super().__init__(layers=list(self._rows))

    def fill(self, first: int, count: int, length: int) -> None:
        """Announce the next prompts: those of rows `first` … `first + count - 1`, each `length` tokens long."""
        self.span.filling = (first, count, self.span.prompt - length)
        self.span.live = first + count

    def filled(self) -> None:
        """End the prompt phase: from now on the model runs single steps."""
        self.span.filling = None

    def advance(self) -> None:
        """Complete a step: all layers have added one token."""
        self.span.length += 1

    def drop(self, row: int) -> None:
        """Remove a finished row: the last live row moves to its place."""
        last = self.span.live - 1
        if row != last:
            for layer in self._rows:
                layer.move(last, row)
        self.span.live = last


class _Span:
    """The write position of a cache, shared by all its layers."""

    def __init__(self, rows: int, prompt: int) -> None:
        self.rows = rows
        self.prompt = prompt
        self.live = 0
        self.length = prompt
        self.filling: tuple[int, int, int] | None = None


class _Layer(CacheLayerMixin):
    def __init__(self, span: _Span) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._span = span

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        room = self._span.prompt + GROWTH
        # Zeros, not uninitialised memory: padding is masked, but 0 x NaN is NaN.
        self.keys = key_states.new_zeros(self._span.rows, key_states.shape[1], room, key_states.shape[3])
        self.values = value_states.new_zeros(self._span.rows, value_states.shape[1], room, value_states.shape[3])
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        keys, values = self._kept()
        span = self._span
        if span.filling is not None:
            first, count, start = span.filling
            keys[first : first + count, :, start : span.prompt] = key_states
            values[first : first + count, :, start : span.prompt] = value_states
            return key_states, value_states
        at, live = span.length, span.live
        if at == keys.shape[2]:
            self.keys, self.values = keys, values = _longer(keys, live), _longer(values, live)
        keys[:live, :, at : at + 1] = key_states
        values[:live, :, at : at + 1] = value_states
        return keys[:live, :, : at + 1], values[:live, :, : at + 1]

    def move(self, source: int, target: int) -> None:
        for kept in self._kept():
            kept[target].copy_(kept[source])

    def _kept(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self.keys is None or self.values is None:
            raise RuntimeError("nothing has been written to the cache yet")
        return self.keys, self.values

    def get_seq_length(self) -> int:
        return 0 if self._span.filling is not None else self._span.length

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1


def _longer(kept: torch.Tensor, live: int) -> torch.Tensor:
    rows, heads, room, width = kept.shape
    longer = kept.new_zeros(rows, heads, room + GROWTH, width)
    longer[:live, :, :room] = kept[:live]
    return longer
