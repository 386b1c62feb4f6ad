"""Constrained decoding for `generation`: at every step only tokens that the task's schema allows can be chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import xgrammar
from pydantic import JsonValue
from transformers import PreTrainedTokenizerBase

from pixel_agent.core.errors import InvalidRequest

CACHE_BYTES = 256 * 2**20
"""Cache size for compiled grammars; with a large vocabulary, one task's grammar takes a few megabytes."""

Matcher = xgrammar.GrammarMatcher
"""The state of one answer in its grammar; each answer needs a new one, because it remembers the tokens written."""


class Grammars:
    """Compiles each schema once, follows one grammar per row, and masks forbidden tokens.

    `vocabulary` is the width of the model's logits, which can be larger than the tokenizer's vocabulary.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, vocabulary: int, end_tokens: Sequence[int]) -> None:
        info = xgrammar.TokenizerInfo.from_huggingface(
            tokenizer, vocab_size=vocabulary, stop_token_ids=list(end_tokens)
        )
        self._compiler = xgrammar.GrammarCompiler(info, max_threads=4, cache_limit_bytes=CACHE_BYTES)
        self._vocabulary = vocabulary
        self._plain = _without_control(info.decoded_vocab, vocabulary)

    def matcher(self, schema: Mapping[str, JsonValue]) -> Matcher:
        """A new matcher at the start of the schema's JSON, on one line. Raises InvalidRequest for a bad schema."""
        try:
            # With free white space a model could spend all its tokens on it.
            grammar = self._compiler.compile_json_schema(json.dumps(schema, ensure_ascii=False), any_whitespace=False)
        except (RuntimeError, ValueError) as error:
            raise InvalidRequest(
                f"The JSON Schema cannot guide a model: {str(error).splitlines()[-1][:200]}",
                "Use type, enum, properties, required, items, anyOf and the length limits.",
            ) from error
        return Matcher(grammar)

    def allow(self, logits: torch.Tensor, matchers: Sequence[Matcher | None]) -> None:
        """Set the logits (rows x vocabulary) of forbidden tokens to minus infinity, in place; None allows all."""
        guided = [row for row, matcher in enumerate(matchers) if matcher is not None]
        if not guided:
            return
        mask = xgrammar.allocate_token_bitmask(len(matchers), self._vocabulary)
        for row, matcher in enumerate(matchers):
            if matcher is not None:
                matcher.fill_next_token_bitmask(mask, row)
        mask &= self._plain
        xgrammar.apply_token_bitmask_inplace(logits, mask.to(logits.device, non_blocking=True), indices=guided)


def _without_control(tokens: Sequence[bytes], vocabulary: int) -> torch.Tensor:
    """Bit mask of the tokens without control characters: JSON on one line has none, but the grammar of a string with
    bounded length allows them."""
    mask = xgrammar.allocate_token_bitmask(1, vocabulary)
    words = mask.numpy().view(np.uint32)
    for token, text in enumerate(tokens):
        if any(byte < 32 for byte in text):
            words[0, token // 32] &= ~np.uint32(1 << token % 32)
    return mask
