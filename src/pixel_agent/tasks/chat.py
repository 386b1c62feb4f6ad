"""A conversation as a task: made for one request, it takes the same way as every scan, but is not read afterwards."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pixel_agent.core import Capability, Draft, FinishContext, Reading, Sampling, Task


def chat_task(schema: Mapping[str, JsonValue], max_new_tokens: int, sampling: Sampling, pixel_budget: int) -> Task:
    """The task of one conversation. `schema` {}: free text. The words come from `ScanRequest.messages`."""
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
