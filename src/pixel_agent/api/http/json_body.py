"""JSON bodies: limits before validation, since `{"photos": [{}, {}, …]}` takes 3 bytes an item but 2 kB in errors."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import from_json

from pixel_agent.core.errors import InvalidRequest

MAX_SIGNS: Final = 100_000
"""Maximum count of `,`, of `:`, of `{` and of `[` in a body, those inside texts included. Base64 contains none."""
MAX_VALUES: Final = 25_000
"""Maximum number of values and keys in a body; an option of a task can contain 20,000."""
MAX_DEPTH: Final = 64
"""Maximum nesting; a JSON Schema in a chat request needs the most."""
MAX_NAMES: Final = 64
"""Maximum number of fields at the top level of the body."""
THREAD_BYTES: Final = 64 * 1024
"""A larger body is parsed in a thread, so that the event loop stays free."""
_BOM: Final = b"\xef\xbb\xbf"

Model = TypeVar("Model", bound=BaseModel)


async def parse_object(body: bytes, advice: str) -> dict[str, JsonValue]:
    """Parse a body as a JSON object. Raises InvalidRequest if it is not an object, or exceeds a limit above."""
    if len(body) <= THREAD_BYTES:
        return _parse(body, advice)
    return await asyncio.to_thread(_parse, body, advice)


async def parse_model(model: type[Model], body: bytes, advice: str) -> Model:
    """Parse and validate a body as this model. Raises InvalidRequest."""
    return validated(model, await parse_object(body, advice), advice)


def validated(model: type[Model], given: dict[str, JsonValue], advice: str) -> Model:
    """Validate these values as the model. Raises InvalidRequest."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidRequest(explain(error), advice) from None


def explain(error: ValidationError) -> str:
    """Describe pydantic's errors in one readable sentence, without echoing long input."""
    parts = []
    for problem in error.errors(include_input=False, include_url=False)[:5]:
        where = ".".join(str(part) for part in problem["loc"])[:80] or "body"
        what = "is not a known field" if problem["type"] == "extra_forbidden" else problem["msg"]
        parts.append(f"{where}: {what}")
    return "; ".join(parts) + "."


def _parse(body: bytes, advice: str) -> dict[str, JsonValue]:
    if any(body.count(sign) > MAX_SIGNS for sign in (b",", b":", b"{", b"[")):
        raise _too_many(advice)
    try:
        given = from_json(body.removeprefix(_BOM), allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise InvalidRequest(f"The body is not JSON: {error}.", advice) from None
    if not isinstance(given, dict):
        raise InvalidRequest("The body is not a JSON object.", advice)
    if len(given) > MAX_NAMES:
        raise InvalidRequest(f"The body has {len(given)} fields; at most {MAX_NAMES} are taken.", advice)
    _check_size(given, advice)
    return given


def _check_size(given: JsonValue, advice: str) -> None:
    level: list[JsonValue] = [given]
    values = depth = 0
    while level:
        depth += 1
        values += len(level)
        if values > MAX_VALUES:
            raise _too_many(advice)
        if depth > MAX_DEPTH:
            raise InvalidRequest(f"The body is nested more than {MAX_DEPTH} levels deep.", advice)
        level = [inner for value in level for inner in _inside(value)]


def _inside(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_many(advice: str) -> InvalidRequest:
    return InvalidRequest(f"The body holds more than {MAX_VALUES} values.", advice)
