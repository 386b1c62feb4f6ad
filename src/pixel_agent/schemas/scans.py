"""Wire types of scan requests and their answers; the last two classes belong to the legacy `/scan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import from_json

from pixel_agent.core import Lang, Priority, ScanSpec, Task
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.schemas.text import Text, without_nul

_ASKED = {field.name for field in fields(ScanSpec)}


MAX_SIGNS = 50_000
"""Maximum count of `,`, of `:`, of `[` and of `{` in options given as text; a task takes 20,000 values."""


def _options(value: object) -> object:
    """Parse options that a form sends as text. A value that JSON cannot represent is rejected."""
    if isinstance(value, str) and any(value.count(sign) > MAX_SIGNS for sign in ",:[{"):
        raise ValueError("holds too many values")
    try:
        parsed = from_json(value or "{}", allow_inf_nan=False) if isinstance(value, str) else value
        json.dumps(parsed, allow_nan=False)  # 1e999 is valid JSON, but becomes infinite
    except (ValueError, RecursionError):
        raise ValueError('must be a JSON object, for example {"threshold_deg": 10}') from None
    return parsed


class ScanFields(BaseModel):
    """The fields of a scan except its photos; they have the same names in the query, a form and JSON."""

    model_config = ConfigDict(extra="forbid")

    task: str = ""
    question: Text | None = Field(None, max_length=4000)
    store_id: Text | None = Field(None, max_length=200)
    priority: Priority = Priority.INTERACTIVE
    deadline_ms: int | None = Field(None, gt=0, le=86_400_000)
    lang: Lang = "zh"
    force: bool = False
    options: Annotated[dict[str, JsonValue], BeforeValidator(_options), AfterValidator(without_nul)] = {}

    def spec(self, task: Task, client: str) -> ScanSpec:
        """Convert to a `ScanSpec` for this task and client."""
        return ScanSpec(**{**self.model_dump(include=_ASKED), "task": task.id, "client": client})


class PhotoIn(BaseModel):
    """One photo in a JSON request: base64, with or without a `data:` prefix."""

    model_config = ConfigDict(extra="forbid")

    data: str
    filename: str | None = None


class ScanBody(ScanFields):
    """A scan request as JSON."""

    photos: list[PhotoIn | str] = Field(fail_fast=True)


class RerunIn(BaseModel):
    """Changes for reading a photo again; what is not given stays as it was."""

    model_config = ConfigDict(extra="forbid")

    task: Text | None = None
    options: Annotated[dict[str, JsonValue], AfterValidator(without_nul)] | None = None


class FailedPart(BaseModel):
    """One of several photos that could not be scanned."""

    scan_id: str
    status: str
    error: Problem


class ScanList(BaseModel):
    """The answer to a request with several photos, in order."""

    scan_id: str = Field(description="Of the request as a whole.")
    status: str = Field(description="`completed` if every photo is, `failed` if none could be scanned, else `partial`.")
    task: str
    scans: list[Envelope | FailedPart]


def overall_status(parts: Sequence[Envelope | FailedPart]) -> str:
    """The combined status of several photos."""
    states = {part.status for part in parts}
    if states == {"completed"} or states == {"failed"}:
        return states.pop()
    return "partial"


class LegacyAnswer(BaseModel):
    """The answer of the legacy `/scan`, plus the scan itself."""

    status: str
    result: str
    scan: Envelope


class LegacyError(BaseModel):
    """The error of the legacy `/scan`, plus a stable code and advice."""

    status: str = "error"
    message: str
    code: str
    advice: str

    @classmethod
    def of(cls, error: PixelAgentError) -> LegacyError:
        """Convert an error of `core.errors`."""
        return cls(message=error.message, code=error.code, advice=error.advice)
