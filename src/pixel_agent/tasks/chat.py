"""Builds the task of one chat request: it runs like every scan, but the model's answer is returned unread."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pixel_agent.core import Capability, Draft, FinishContext, Reading, Sampling, Task


def chat_task(schema: Mapping[str, JsonValue], max_new_tokens: int, sampling: Sampling, pixel_budget: int) -> Task:
    """Build the task of one conversation. An empty `schema` means free text; the prompt is `ScanRequest.messages`."""
    return Task(
        id="chat",
        zh="对话",
        en="Chat",
        about_zh="OpenAI 聊天协议的一次对话。",
        about_en="One conversation over the OpenAI chat protocol.",
        needs=frozenset({Capability.LANGUAGE}),
        wants=frozenset(),
        schema=schema,
        prompt_zh="",
        prompt_en="",
        finish=_unread,
        pixel_budget=pixel_budget,
        max_new_tokens=max_new_tokens,
        sampling=sampling,
    )


def _unread(_draft: Draft, _facts: FinishContext) -> Reading:
    raise AssertionError("a conversation is answered in the model's own words, never read")
