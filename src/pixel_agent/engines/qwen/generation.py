"""The decoding loop of `model`: processes all prompts, then generates one token per step for every unfinished row.

Prompts of equal length are processed together, without padding; a finished row leaves at once and costs no further
step. Every row has its own prompt, photo, grammar, sampling and length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, TypeVar

import torch
from transformers import Qwen3VLForConditionalGeneration, Qwen3VLModel

from pixel_agent.core import Sampling
from pixel_agent.engines.qwen.features import PhotoFeatures, View
from pixel_agent.engines.qwen.kv_cache import RowCache
from pixel_agent.engines.qwen.token_stream import TokenStream

if TYPE_CHECKING:
    from pixel_agent.engines.qwen.grammars import Grammars, Matcher

T = TypeVar("T")
GREEDY = Sampling()
CACHE = "cache" if "cache" in signature(Qwen3VLModel.forward).parameters else "past_key_values"
"""Name of the argument for keys and values in the installed release of transformers: `cache` from 5.24 on."""


@dataclass(slots=True, eq=False)
class Generation:
    """One answer to generate. `ids` is the prompt with a placeholder for each visual token of `view`.

    `position` is the rotary position of the next token: a photo uses fewer positions than tokens.
    """

    ids: list[int]
    view: View
    answer: TokenStream
    sampling: Sampling = GREEDY
    matcher: Matcher | None = None
    random: torch.Generator | None = None
    position: int = 0

    @property
    def room(self) -> int:
        """Largest number of tokens of the row: its prompt and its longest answer."""
        return len(self.ids) + self.answer.max_tokens


class Writer:
    """Generates answers with one model on the caller's thread; call it from one thread only.

    `prefill_tokens` limits how many prompt tokens go through the model at once (a single longer row is accepted).
    """

    def __init__(
        self,
        model: Qwen3VLForConditionalGeneration,
        features: PhotoFeatures,
        grammars: Grammars | None,
        prefill_tokens: int,
    ) -> None:
        self._model = model
        self._device = model.device
        self._features = features
        self._grammars = grammars
        self._prefill_tokens = prefill_tokens
        self._layers = len(model.model.language_model.layers)
        self._image_token = int(model.config.image_token_id)

    @torch.inference_mode()
    def write(
        self,
        rows: Sequence[Generation],
        wanted: Callable[[Generation], bool] = lambda _row: True,
        ended: Callable[[Generation], None] = lambda _row: None,
    ) -> None:
        """Complete the answer of every row. `wanted` is called before each step; on False the row is cancelled.

        `ended` is called for each finished row while the others continue.
        """
        longest = max(len(row.ids) for row in rows)
        cache = RowCache(self._layers, len(rows), longest)
        live, logits = self._read_prompts(rows, cache, wanted)
        padding = _padding(live, longest, self._device)
        while live:
            tokens = self._pick(logits, live)
            for place in reversed(range(len(live))):
                if not wanted(live[place]):
                    live[place].answer.cancel()
                elif live[place].answer.take(tokens[place]):
                    ended(live[place])
                else:
                    continue
                cache.drop(place)
                _drop(live, place)
                _drop(tokens, place)
                if padding is not None:
                    padding[place] = padding[len(live)]
            if live:
                logits = self._step(live, tokens, cache, padding)

    def _read_prompts(
        self, rows: Sequence[Generation], cache: RowCache, wanted: Callable[[Generation], bool]
    ) -> tuple[list[Generation], torch.Tensor]:
        live: list[Generation] = []
        logits: list[torch.Tensor] = []
        for group in self._groups(rows):
            for row in group:
                if not wanted(row):
                    row.answer.cancel()
            group = [row for row in group if not row.answer.finish_reason]
            if group:
                cache.fill(len(live), len(group), len(group[0].ids))
                logits.append(self._prefill(group, cache))
                live += group
        cache.filled()
        return live, torch.cat(logits) if logits else torch.empty(0)

    def _groups(self, rows: Sequence[Generation]) -> Iterator[list[Generation]]:
        """Groups of rows with equal prompt length, as large as `prefill_tokens` allows."""
        by_length: dict[int, list[Generation]] = {}
        for row in rows:
            by_length.setdefault(len(row.ids), []).append(row)
        for length, same in by_length.items():
            size = max(1, self._prefill_tokens // length)
            for first in range(0, len(same), size):
                yield same[first : first + size]

    def _prefill(self, group: Sequence[Generation], cache: RowCache) -> torch.Tensor:
        """Process the prompts and return their last logits; fills the cache and sets each row's `position`."""
        ids = torch.tensor([row.ids for row in group], device=self._device)
        kinds = (ids == self._image_token).int()
        grid = torch.tensor([row.view.grid for row in group], device=self._device)
        # Without these kinds, positions would be those of plain text, and the photo would look like one long line.
        positions, shifts = self._model.model.get_rope_index(ids, kinds, image_grid_thw=grid)
        hidden = self._model.model(
            input_ids=ids,
            position_ids=positions,
            **{CACHE: cache},
            mm_token_type_ids=kinds,
            mm_encoder_outputs={"image": self._features.of([row.view for row in group])},
            use_cache=True,
        ).last_hidden_state
        for row, shift in zip(group, shifts.flatten().tolist(), strict=True):
            row.position = len(row.ids) + int(shift)
        return self._logits(hidden)

    def _step(
        self, live: Sequence[Generation], tokens: Sequence[int], cache: RowCache, padding: torch.Tensor | None
    ) -> torch.Tensor:
        positions = torch.tensor([row.position for row in live], device=self._device)
        hidden = self._model.model.language_model(
            input_ids=torch.tensor(tokens, device=self._device).unsqueeze(1),
            position_ids=positions.view(1, -1, 1).expand(3, -1, 1),
            attention_mask=None if padding is None else _mask(padding[: len(live)], cache.span.length + 1),
            **{CACHE: cache},
            use_cache=True,
        ).last_hidden_state
        cache.advance()
        for row in live:
            row.position += 1
        return self._logits(hidden)

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.lm_head(hidden[:, -1])
        return logits.float()

    def _pick(self, logits: torch.Tensor, live: Sequence[Generation]) -> list[int]:
        """Choose the next token of every row."""
        if self._grammars is not None:
            self._grammars.allow(logits, [row.matcher for row in live])
        tokens: list[int] = logits.argmax(dim=-1).tolist()
        for place, row in enumerate(live):
            if row.sampling.temperature > 0:
                tokens[place] = sample(logits[place], row.sampling, row.random)
            if row.matcher is not None:
                row.matcher.accept_token(tokens[place])
        return tokens


def sample(logits: torch.Tensor, sampling: Sampling, random: torch.Generator | None = None) -> int:
    """Sample a token from the most likely ones whose total probability is at least `top_p`."""
    chances = torch.softmax(logits / sampling.temperature, dim=-1)
    if sampling.top_p < 1:
        ordered, ids = chances.sort(descending=True)
        ordered[(ordered.cumsum(0) - ordered) >= max(sampling.top_p, 1e-6)] = 0
        return int(ids[torch.multinomial(ordered, 1, generator=random)])
    return int(torch.multinomial(chances, 1, generator=random))


def _padding(rows: Sequence[Generation], longest: int, device: torch.device) -> torch.Tensor | None:
    """Number of unused positions at the left of each row; None if no row has any, which allows faster attention."""
    lengths = [longest - len(row.ids) for row in rows]
    return torch.tensor(lengths, device=device) if any(lengths) else None


def _mask(padding: torch.Tensor, length: int) -> torch.Tensor:
    """Attention mask, rows x 1 x 1 x length: True at positions that a row can attend to."""
    return (torch.arange(length, device=padding.device) >= padding.unsqueeze(1))[:, None, None]


def _drop(kept: list[T], place: int) -> None:
    """Remove the finished row at `place`: the last row moves there."""
    last = kept.pop()
    if place < len(kept):
        kept[place] = last
