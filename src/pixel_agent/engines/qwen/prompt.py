"""Turns a conversation into token ids: the chat template, with one placeholder per visual token. Used by `model`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from transformers import PreTrainedTokenizerBase

from pixel_agent.core import Message
from pixel_agent.core.errors import InvalidRequest

IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
PLACEHOLDER = "<|image_pad|>"
KEPT = 512
"""Number of conversations in the cache: a task uses the same prompt for every photo."""


class Prompts:
    """Encodes conversations as token ids. Control tokens in texts are broken up, so that no text can act as system."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> None:
        self._tokenizer = tokenizer
        self._max_tokens = max_tokens
        self._placeholder = tokenizer.get_vocab()[PLACEHOLDER]
        special = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
        self._control = re.compile("|".join(re.escape(token) for token in special))
        self._ids = lru_cache(KEPT)(self._encode)

    def ids(self, conversation: Sequence[Message], visual_tokens: int) -> list[int]:
        """The whole prompt with `visual_tokens` placeholders.

        Raises InvalidRequest if the conversation has not exactly one photo or too many tokens.
        """
        before, after = self._ids(tuple(conversation))
        return [*before, *[self._placeholder] * visual_tokens, *after]

    def _encode(self, conversation: tuple[Message, ...]) -> tuple[list[int], list[int]]:
        text = self._text(conversation)
        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if ids.count(self._placeholder) != 1:
            raise InvalidRequest("A conversation holds exactly one photo.", "Send one photo with the messages.")
        if len(ids) > self._max_tokens:
            raise InvalidRequest(
                f"The messages have {len(ids):,} tokens; the limit is {self._max_tokens:,}.", "Ask in fewer words."
            )
        at = ids.index(self._placeholder)
        return ids[:at], ids[at + 1 :]

    def _text(self, conversation: tuple[Message, ...]) -> str:
        if self._tokenizer.chat_template is None:
            turns = [f"<|im_start|>{one.role}\n{self._joined(one)}<|im_end|>\n" for one in conversation]
            return "".join(turns) + "<|im_start|>assistant\n"
        messages: Any = [{"role": one.role, "content": self._parts(one)} for one in conversation]
        return str(self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def _joined(self, message: Message) -> str:
        return "".join(IMAGE if part is None else self._plain(part) for part in message.parts)

    def _parts(self, message: Message) -> list[dict[str, str]]:
        return [{"type": "image"} if p is None else {"type": "text", "text": self._plain(p)} for p in message.parts]

    def _plain(self, text: str) -> str:
        return self._control.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
