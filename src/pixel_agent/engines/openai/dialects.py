"""Knows the extra fields of each kind of OpenAI-compatible server, and builds request bodies. Used by `engine`."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from uuid import uuid4

import cv2
import numpy as np
import simplejpeg
from pydantic import JsonValue

from pixel_agent.core import Job, Message, Photo, Pixels, Priority
from pixel_agent.photo.smart_resize import visual_size

ResponseFormat = Literal["json_schema", "json_object", "off"]


MAX_USER = 200
"""Longest client name that this service's chat API accepts, in characters."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One kind of server. `priorities` maps priority classes to its numbers (None: not supported); `health` is a path
    from the server's root, empty if the server only offers its list of models.
    """

    kind: str
    response_format: ResponseFormat
    priorities: Mapping[Priority, int] | None = None
    stream_usage: bool = True
    health: str = "/health"

    def without(self, complaint: str) -> Dialect | None:
        """Return the dialect without the extra field that the server's complaint names; None if it names none in use.

        vLLM rejects priorities unless started with `--scheduling-policy priority`, and older servers do not support
        every extra: one more plain request is better than a lost scan.
        """
        words = complaint.casefold()
        if self.priorities is not None and "priority" in words:
            return replace(self, priorities=None)
        about_format = ("response_format", "json_schema", "schema", "grammar", "guided", "structured")
        if self.response_format != "off" and any(word in words for word in about_format):
            return replace(self, response_format="json_object" if self.response_format == "json_schema" else "off")
        if self.stream_usage and "stream_options" in words:
            return replace(self, stream_usage=False)
        return None


_LOWER_FIRST = {priority: rank for rank, priority in enumerate(Priority)}
_HIGHER_FIRST = {priority: -rank for rank, priority in enumerate(Priority)}

DIALECTS: Mapping[str, Dialect] = {
    dialect.kind: dialect
    for dialect in (
        Dialect("vllm", "json_schema", _LOWER_FIRST),
        Dialect("sglang", "json_schema", _HIGHER_FIRST),
        Dialect("lmdeploy", "json_schema"),
        Dialect("llama.cpp", "json_schema"),
        Dialect("pixel-agent", "json_schema", _LOWER_FIRST, health="/readyz"),
        Dialect("plain", "off", health=""),
    )
}
"""Taken from the servers' documentation; SGLang serves higher numbers first unless configured otherwise."""

_OWNERS = {
    "vllm": "vllm",
    "sglang": "sglang",
    "lmdeploy": "lmdeploy",
    "llamacpp": "llama.cpp",
    "llama.cpp": "llama.cpp",
    "pixel-agent": "pixel-agent",
}


def recognise(owned_by: str, has_version: bool) -> Dialect:
    """Recognise a server's dialect by `owned_by` of its models, and by whether it answers `/version` as vLLM does."""
    kind = _OWNERS.get(owned_by.strip().casefold())
    return DIALECTS[kind or ("vllm" if has_version else "plain")]


def request_body(job: Job, model: str, dialect: Dialect, photo: bytes, *, stream: bool) -> bytes:
    """Build the JSON of a chat request; `photo` is the data URL of the job's photo.

    The photo is inserted after encoding: it needs no escaping, and searching it for quotes took a millisecond.
    """
    mark = uuid4().hex
    task, sampling = job.task, job.task.sampling
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [_message(message, mark) for message in job.conversation],
        "max_tokens": task.max_new_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": stream,
    }
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if stream and dialect.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if dialect.kind == "pixel-agent" and job.spec.client:
        body["user"] = job.spec.client[:MAX_USER]  # for fair sharing, if the server trusts this service
    if dialect.priorities is not None:
        body["priority"] = dialect.priorities[job.spec.priority]
    if task.schema and dialect.response_format == "json_schema":
        schema: dict[str, JsonValue] = {"name": task.id[:64], "schema": dict(task.schema), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif task.schema and dialect.response_format == "json_object":
        body["response_format"] = {"type": "json_object"}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace").replace(mark.encode(), photo)


def data_url(photo: Photo, max_pixels: int, quality: int) -> bytes:
    """Encode the prepared photo as a JPEG in exactly the model's input size, so that no server scales it again.

    Blocks for some milliseconds: call it in a worker thread. Raises InvalidPhoto if the photo is too narrow a strip.
    """
    pixels = photo.pixels
    width, height = visual_size(*photo.prepared_size, max_pixels)
    if (width, height) != photo.prepared_size:
        shrinks = width * height < photo.pixels.shape[0] * photo.pixels.shape[1]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=way), np.uint8)
    jpeg: bytes = simplejpeg.encode_jpeg(_contiguous(pixels), quality=quality, colorspace="RGB", colorsubsampling="420")
    return b"data:image/jpeg;base64," + b64encode(jpeg)


def _message(message: Message, photo: str) -> JsonValue:
    if None not in message.parts:
        return {"role": message.role, "content": "".join(part for part in message.parts if part is not None)}
    content: list[JsonValue] = [
        {"type": "image_url", "image_url": {"url": photo}} if part is None else {"type": "text", "text": part}
        for part in message.parts
    ]
    return {"role": message.role, "content": content}


def _contiguous(pixels: Pixels) -> Pixels:
    return pixels if pixels.flags.c_contiguous else pixels.copy()
