"""Errors as answers, and the parts of the OpenAPI document that several operations share."""

from __future__ import annotations

from http import HTTPStatus
from math import ceil
from typing import Final, cast

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pixel_agent.core.envelope import Problem
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.schemas.chat import ChatError
from pixel_agent.schemas.scans import LegacyError

Responses = dict[int | str, dict[str, object]]

PROBLEM: Final = "application/problem+json"
ANY: Final = "Any other error."
_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}


LEGACY_PATH: Final = "/scan"
CHAT_PATHS: Final = ("/v1/chat/completions", "/v1/models")
"""Where errors have a form of their own: that of the first rebuild, and that of the OpenAI protocol."""


def error_response(path: str, error: PixelAgentError) -> JSONResponse:
    """An error in the form of this path."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(max(1, ceil(error.retry_after_s)))}
    if path == LEGACY_PATH:
        return JSONResponse(LegacyError.of(error).model_dump(), error.status, headers)
    if path.startswith(CHAT_PATHS):
        return JSONResponse(ChatError.of(error).model_dump(), error.status, headers)
    return problem_response(Problem.of(error), headers)


def problem_response(problem: Problem, headers: dict[str, str]) -> JSONResponse:
    """A problem as RFC 9457 has it."""
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, headers, media_type=PROBLEM)


def problems(*states: int) -> Responses:
    """The errors of an operation by status, as RFC 9457 has them."""
    return {state: _problem(HTTPStatus(state).phrase) for state in states}


def any_problem() -> Responses:
    """What every operation may answer: a problem of another status. It takes the place of FastAPI's own 422."""
    return {"default": _problem(ANY)}


def other_errors(model: type[LegacyError | ChatError], *states: int) -> Responses:
    """The errors of an operation whose contract has a form of its own."""
    by_status: Responses = {state: {"model": model} for state in states}
    return {**by_status, "default": {"model": model, "description": ANY}}


def pictures(*kinds: str) -> Responses:
    """A binary answer of these media types. The last one is for generated clients, which know no pictures."""
    return {200: {"content": dict.fromkeys((*kinds, "application/octet-stream"), _BINARY)}}


def request_header(name: str, description: str, **schema: object) -> dict[str, object]:
    """An optional header of a request, as a parameter of the document."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


IDEMPOTENCY_KEY: Final = request_header(
    "Idempotency-Key",
    "The same key with the same request is answered once: a repetition gets the first answer.",
    type="string",
    minLength=1,
    maxLength=255,
)
PREFER: Final = request_header(
    "Prefer", "`respond-async`: answer 202 once the scan is on the disk, and run it later.", type="string"
)


def inlined(model: type[BaseModel]) -> dict[str, dict[str, object]]:
    """A model's JSON Schema without references, which would point nowhere inside a request body."""
    schema = model.model_json_schema(ref_template="{model}")
    parts = schema.pop("$defs", {})
    parts["JsonValue"] = {}  # anything, to any depth

    def resolve(node: object) -> object:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve({**parts[node["$ref"]], **{k: v for k, v in node.items() if k != "$ref"}})
            return {key: resolve(value) for key, value in node.items() if key != "discriminator"}
        return [resolve(value) for value in node] if isinstance(node, list) else node

    return cast("dict[str, dict[str, object]]", resolve(schema))


def json_body(model: type[BaseModel], *, required: bool = True) -> dict[str, object]:
    """The request body of an operation that takes this model as JSON."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": inlined(model)}}}}


def _problem(description: str) -> dict[str, object]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {PROBLEM: {"schema": schema}}}
