"""The OpenAI chat protocol: a question about one photo runs through the same pipeline as a scan; the answer is text."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import Response
from jsonschema import Draft202012Validator, SchemaError
from pydantic import JsonValue

from pixel_agent.api.http.clients import client_of, new_scan_id
from pixel_agent.api.http.fetch import photo_at
from pixel_agent.api.http.json_body import parse_model
from pixel_agent.api.http.problems import json_body, other_errors
from pixel_agent.api.http.sse import EventStream, Write, comment
from pixel_agent.api.http.uploads import cancel_on_disconnect, read_body
from pixel_agent.api.routes.scans import arriving
from pixel_agent.core import Message, Output, Priority, Sampling, ScanRequest, ScanSpec, Task
from pixel_agent.core.digest import hash_photo
from pixel_agent.core.errors import EngineError, InvalidRequest, PixelAgentError, TooManyPhotos, UnknownModel
from pixel_agent.core.settings import ChatSettings
from pixel_agent.schemas.chat import (
    ChatBody,
    ChatError,
    Choice,
    Chunk,
    ChunkChoice,
    Completion,
    Delta,
    ImagePart,
    MessageIn,
    MessageOut,
    Model,
    ModelList,
    ResponseFormat,
    TextPart,
    Usage,
)
from pixel_agent.service.service import ScanService
from pixel_agent.tasks.chat import chat_task

MAX_SCHEMA = 64 * 1024
"""Maximum characters of a JSON Schema in a request."""

router = APIRouter(tags=["chat"])
_STARTED = int(datetime.now(UTC).timestamp())
_ERRORS = other_errors(ChatError, 400, 404, 408, 413, 415, 422, 502, 503, 504)


@router.post(
    "/v1/chat/completions",
    summary="Ask the model about a photo (OpenAI chat protocol)",
    name="complete_chat",
    responses={200: {"model": Completion, "content": {"text/event-stream": {}}}, **_ERRORS},
    openapi_extra=json_body(ChatBody),
)
async def complete(request: Request) -> Response:
    """Send text and one photo as an `image_url` part (a data URL). The answer comes whole; with `stream`, in chunks."""
    service: ScanService = request.app.state.service
    async with AsyncExitStack() as held:
        arrival = held.enter_context(arriving(request, service, Priority.BULK, most=1))
        content = await read_body(request, service.settings, most=1, grow=arrival.grow)
        body = await parse_model(ChatBody, content, "See docs/api.md for what the chat protocol takes here.")
        asked = await _request(service, body, client_of(request))
        held.enter_context(service.admission.enter_all([asked], arrival))
        answer = _Answer(asked.scan_id, service.engine.info.model)
        if body.stream:
            usage = body.stream_options is not None and body.stream_options.include_usage
            return EventStream(partial(_told, service, asked, answer, usage), _error_chunk, held.pop_all())
        output = await cancel_on_disconnect(request, service.chat(asked))
    return Response(answer.whole(output).model_dump_json(), media_type="application/json")


@router.get("/v1/models", name="list_models", summary="The model that answers", responses=other_errors(ChatError))
async def models(request: Request) -> ModelList:
    """The list contains one model: the engine's."""
    return ModelList(data=[_model(request.app.state.service)])


@router.get(
    "/v1/models/{name:path}", name="get_model", summary="One model", responses=other_errors(ChatError, 400, 404)
)
async def model(request: Request, name: str) -> Model:
    """One model by its id."""
    service: ScanService = request.app.state.service
    _check_model(service, name)
    return _model(service)


async def _told(service: ScanService, asked: ScanRequest, answer: _Answer, usage: bool, write: Write) -> None:
    """Stream the answer in chunks. The queue position is sent as a comment, which clients skip."""
    begun = taken_back = False

    def tell(name: str, values: Mapping[str, JsonValue]) -> None:
        nonlocal begun, taken_back
        if name == "queued":
            write(comment(f"queued position={values['position']} estimated_ms={values['estimated_ms']}"))
        elif name == "stage" and values["stage"] == "engine" and not begun:
            begun = True
            write(_data(answer.chunk(Delta(role="assistant", content=""))))
        elif name == "text" and not taken_back:
            taken_back = values.get("restart") is True
            if not taken_back:
                write(_data(answer.chunk(Delta(content=str(values["text"])))))

    output = await service.chat(replace(asked, on_event=tell))
    if taken_back:  # the engine failed and started the answer again: sent chunks cannot be withdrawn
        raise EngineError("The engine was lost while it answered.", "Send the request again.")
    write(_data(answer.chunk(Delta(), output.finish_reason)))
    if usage:
        write(_data(answer.totals(output)))
    write("data: [DONE]\n\n")


class _Answer:
    """Builds the parts of one answer, with the fields that all of them share."""

    def __init__(self, scan_id: str, model: str) -> None:
        self._id = f"chatcmpl-{scan_id}"
        self._created = int(datetime.now(UTC).timestamp())
        self._model = model

    def whole(self, output: Output) -> Completion:
        choice = Choice(message=MessageOut(content=output.text), finish_reason=output.finish_reason)
        return Completion(
            id=self._id, created=self._created, model=self._model, choices=[choice], usage=Usage.of(output)
        )

    def chunk(self, delta: Delta, finish_reason: str | None = None) -> Chunk:
        choice = ChunkChoice(delta=delta, finish_reason=finish_reason)
        return Chunk(id=self._id, created=self._created, model=self._model, choices=[choice])

    def totals(self, output: Output) -> Chunk:
        return Chunk(id=self._id, created=self._created, model=self._model, choices=[], usage=Usage.of(output))


def _data(chunk: Chunk | ChatError) -> str:
    return f"data: {chunk.model_dump_json()}\n\n"


def _error_chunk(error: PixelAgentError) -> str:
    return _data(ChatError.of(error))


def _model(service: ScanService) -> Model:
    return Model(id=service.engine.info.model, created=_STARTED)


def _check_model(service: ScanService, name: str) -> None:
    answers = service.engine.info.model
    if name != answers:
        raise UnknownModel(f"The model {name[:100]!r} does not answer here.", f"Ask for {answers!r}; see /v1/models.")


# Conversion of the body to a request


async def _request(service: ScanService, body: ChatBody, client: str) -> ScanRequest:
    settings = service.settings
    _check_model(service, body.model)
    task = _task(body, settings.chat)
    service.plan(task)
    messages, url = _conversation(body.messages, settings.chat)
    arrived = asyncio.get_running_loop().time()
    data = await photo_at(url, settings.chat, settings.photo)
    client = f"{client} {body.user}" if body.user and settings.chat.trust_user else client
    return ScanRequest(
        scan_id=new_scan_id(),
        spec=ScanSpec(task.id, priority=body.priority, client=client),
        task=task,
        data=data,
        sha256=await hash_photo(data),
        received_at=datetime.now(UTC),
        deadline=arrived + body.deadline_ms / 1000 if body.deadline_ms else None,
        messages=messages,
    )


def _task(body: ChatBody, settings: ChatSettings) -> Task:
    tokens = body.max_completion_tokens or body.max_tokens or min(settings.default_tokens, settings.max_tokens)
    if tokens > settings.max_tokens:
        raise InvalidRequest(
            f"max_tokens: {tokens} are too many; an answer has at most {settings.max_tokens} tokens.",
            "Ask for fewer, or raise chat.max_tokens.",
        )
    sampling = Sampling(
        temperature=body.temperature or 0.0,
        top_p=1.0 if body.top_p is None else body.top_p,
        stop=tuple(body.stop),
        seed=body.seed,
    )
    return chat_task(_schema(body.response_format), tokens, sampling, settings.max_pixels)


def _schema(asked: ResponseFormat | None) -> dict[str, JsonValue]:
    """The JSON Schema that the answer must match; {} for free text."""
    if asked is None or asked.type == "text":
        return {}
    if asked.type == "json_object":
        return {"type": "object"}
    if asked.json_schema is None:
        raise InvalidRequest("response_format: json_schema is missing.", "Send it with its schema.")
    schema = asked.json_schema.json_schema
    try:
        if len(json.dumps(schema)) > MAX_SCHEMA:
            raise InvalidRequest(f"response_format: the schema has more than {MAX_SCHEMA} characters.")
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        reason = error.message[:200] if isinstance(error, SchemaError) else "nested too deeply"
        raise InvalidRequest(f"response_format: not a JSON Schema: {reason}.") from None
    return schema or {"type": ["object", "array", "string", "number", "boolean", "null"]}


def _conversation(messages: list[MessageIn], settings: ChatSettings) -> tuple[tuple[Message, ...], str]:
    """The messages, and the URL of their one photo."""
    urls: list[str] = []
    told: list[Message] = []
    for given in messages:
        content = [TextPart(type="text", text=given.content)] if isinstance(given.content, str) else given.content
        images = [part.image_url.url for part in content if isinstance(part, ImagePart)]
        if images and given.role != "user":
            raise InvalidRequest(f"messages: a photo in a message of the role {given.role}.", "Let the user send it.")
        urls += images
        parts = tuple(part.text if isinstance(part, TextPart) else None for part in content)
        told.append(Message("system" if given.role == "developer" else given.role, parts))
    if len(urls) != 1:
        raise TooManyPhotos(
            f"messages: {len(urls)} photos; a conversation is about exactly one.",
            "Send one image_url part with a data URL.",
        )
    length = sum(len(part) for message in told for part in message.parts if part is not None)
    if length > settings.max_text:
        raise InvalidRequest(f"messages: {length} characters; at most {settings.max_text} are taken.")
    return tuple(told), urls[0]
