"""Wire types of the OpenAI chat protocol: requests, answers, chunks and errors.

Unknown fields are ignored, as is usual in this protocol; a known field that would change the answer and is not
supported is rejected.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, JsonValue, field_validator

from pixel_agent.core import Output, Priority
from pixel_agent.core.errors import PixelAgentError, Refused

PRIORITIES = tuple(Priority)
"""Most urgent first: the integers 0, 1 and 2 of the field `priority`."""


class ImageUrl(BaseModel):
    """The photo's location: a data URL, or http(s) if the operator allows it."""

    url: str


class TextPart(BaseModel):
    """Text in a message."""

    type: Literal["text"]
    text: str


class ImagePart(BaseModel):
    """A photo in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class MessageIn(BaseModel):
    """One message of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[Part], Field(fail_fast=True)]


class JsonSchema(BaseModel):
    """The JSON Schema that an answer must match; `name` and `strict` are accepted and ignored."""

    json_schema: dict[str, JsonValue] = Field(alias="schema")


class ResponseFormat(BaseModel):
    """Format of the answer: free text, any JSON object, or JSON of a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None


class StreamOptions(BaseModel):
    """What a stream contains in addition to the text."""

    include_usage: bool = False


def _strings(value: object) -> object:
    return [] if value is None else [value] if isinstance(value, str) else value


def _priority(value: object) -> object:
    """vLLM's integers, lower is more urgent; the names of priorities are accepted too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return PRIORITIES[min(max(value, 0), len(PRIORITIES) - 1)]
    return value


class ChatBody(BaseModel):
    """A chat completion request. Decoding is greedy unless a temperature is given."""

    model: str
    messages: list[MessageIn] = Field(min_length=1, max_length=256, fail_fast=True)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], BeforeValidator(_strings)] = Field(
        [], max_length=4, fail_fast=True
    )
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    response_format: ResponseFormat | None = None
    user: str | None = Field(None, max_length=200)
    priority: Annotated[Priority, BeforeValidator(_priority)] = Priority.INTERACTIVE
    deadline_ms: int | None = Field(None, gt=0, le=86_400_000)

    # Fields that would change the answer and are not supported: only the neutral value is accepted.
    n: int | None = None
    tools: list[JsonValue] | None = None
    functions: list[JsonValue] | None = None
    logprobs: bool | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    logit_bias: dict[str, float] | None = None

    @field_validator("n", "repetition_penalty")
    @classmethod
    def _one(cls, value: float | None) -> float | None:
        if value is not None and value != 1:
            raise ValueError("only 1 is supported")
        return value

    @field_validator("tools", "functions", "logprobs", "frequency_penalty", "presence_penalty", "min_p", "logit_bias")
    @classmethod
    def _nothing(cls, value: object) -> object:
        if value:
            raise ValueError("is not supported")
        return value

    @field_validator("top_k")
    @classmethod
    def _all(cls, value: int | None) -> int | None:
        if value is not None and value > 0:
            raise ValueError("is not supported; use top_p")
        return value


class Usage(BaseModel):
    """Number of tokens: the prompt's (the photo's included), and the answer's."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int

    @classmethod
    def of(cls, output: Output) -> Usage | None:
        """Convert from `Output`; None if the engine does not count tokens."""
        if output.tokens is None:
            return None
        prompt = output.tokens.visual + output.tokens.prompt
        completion = output.tokens.completion
        return cls(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion)


class MessageOut(BaseModel):
    """The model's message."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The answer; there is always one."""

    index: int = 0
    message: MessageOut
    logprobs: None = None
    finish_reason: str


class Completion(BaseModel):
    """A complete answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None


class Delta(BaseModel):
    """The new part of the answer in a chunk."""

    role: Literal["assistant"] | None = None
    content: str | None = None


class ChunkChoice(BaseModel):
    """The new part of the only answer."""

    index: int = 0
    delta: Delta
    logprobs: None = None
    finish_reason: str | None = None


class Chunk(BaseModel):
    """One event of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None = None


class Model(BaseModel):
    """The model of the engine."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "pixel-agent"


class ModelList(BaseModel):
    """All models: only one."""

    object: Literal["list"] = "list"
    data: list[Model]


class ChatErrorBody(BaseModel):
    """The error, and the advice."""

    message: str
    type: str
    param: str | None = None
    code: str


class ChatError(BaseModel):
    """An error in the form of the OpenAI protocol."""

    error: ChatErrorBody

    @classmethod
    def of(cls, error: PixelAgentError) -> ChatError:
        """Convert an error of `core.errors`."""
        kind = (
            "invalid_request_error" if error.status < 500 else "overloaded_error" if isinstance(error, Refused) else ""
        )
        message = f"{error.message} {error.advice}".strip()
        return cls(error=ChatErrorBody(message=message, type=kind or "server_error", code=error.code))
