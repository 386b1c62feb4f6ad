"""Errors as HTTP responses, and the parts of the OpenAPI document that several operations share."""

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
"""Paths whose errors have another form: the legacy form of `/scan`, and that of the OpenAI protocol."""


def error_response(path: str, error: PixelAgentError) -> JSONResponse:
    """An error as a response, in the form that this path uses."""
    headers = {} if error.retry_after_s is None else {"Retry-After": str(max(1, ceil(error.retry_after_s)))}
    if path == LEGACY_PATH:
        return JSONResponse(LegacyError.of(error).model_dump(), error.status, headers)
    if path.startswith(CHAT_PATHS):
        return JSONResponse(ChatError.of(error).model_dump(), error.status, headers)
    return problem_response(Problem.of(error), headers)


def problem_response(problem: Problem, headers: dict[str, str]) -> JSONResponse:
    """A problem as an `application/problem+json` response (RFC 9457)."""
    return JSONResponse(problem.model_dump(exclude_none=True), problem.status, headers, media_type=PROBLEM)


def problems(*states: int) -> Responses:
    """OpenAPI responses for these error statuses, as problems (RFC 9457)."""
    return {state: _problem(HTTPStatus(state).phrase) for state in states}


def any_problem() -> Responses:
    """The OpenAPI default response: a problem of any other status. It replaces FastAPI's own 422."""
    return {"default": _problem(ANY)}


def other_errors(model: type[LegacyError | ChatError], *states: int) -> Responses:
    """OpenAPI responses for these error statuses, for an operation with another error form."""
    by_status: Responses = {state: {"model": model} for state in states}
    return {**by_status, "default": {"model": model, "description": ANY}}


def pictures(*kinds: str) -> Responses:
    """The OpenAPI response for image bytes of these types; a generic type is added for generated clients."""
    return {200: {"content": dict.fromkeys((*kinds, "application/octet-stream"), _BINARY)}}


def request_header(name: str, description: str, **schema: object) -> dict[str, object]:
    """An optional request header, as an OpenAPI parameter."""
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
    """A model's JSON Schema without references, which would not resolve inside a request body."""
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
    """The OpenAPI request body of an operation that takes this model as JSON."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": inlined(model)}}}}


def _problem(description: str) -> dict[str, object]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {PROBLEM: {"schema": schema}}}
