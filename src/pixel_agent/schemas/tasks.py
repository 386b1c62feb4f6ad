"""What goes over the wire beside envelopes and problems: lists, the catalogue, the first rebuild's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pixel_agent.core import Lang, Plan, Scan, Task
from pixel_agent.core.envelope import Envelope, Problem
from pixel_agent.core.errors import PixelAgentError
from pixel_agent.tasks.columns import columns_of
from pixel_agent.tasks.options import option_schemas
from pixel_agent.tasks.reading import result_text
from pixel_agent.tasks.wording import VALUES, field_name


class FailedPart(BaseModel):
    """One photo of several that could not be scanned."""

    scan_id: str
    status: str
    error: Problem


class ScanList(BaseModel):
    """The answer to a request with several photos, in their order."""

    scan_id: str = Field(description="Of the request as a whole.")
    status: str = Field(description="`completed` if every photo is, `failed` if none could be scanned, else `partial`.")
    task: str
    scans: list[Envelope | FailedPart]


class LegacyAnswer(BaseModel):
    """What the first rebuild answered, plus the scan itself."""

    status: str
    result: str
    scan: Envelope

    @classmethod
    def of(cls, scan: Scan) -> LegacyAnswer:
        """From the core noun."""
        return cls(status="success", result=result_text(scan), scan=Envelope.of(scan))


class LegacyError(BaseModel):
    """What the first rebuild answered on an error, plus a stable code and advice."""

    status: str = "error"
    message: str
    code: str
    advice: str

    @classmethod
    def of(cls, error: PixelAgentError) -> LegacyError:
        """From an error of ours."""
        return cls(message=error.message, code=error.code, advice=error.advice)


class ColumnOut(BaseModel):
    """One field of a task's finished rows, with the names that people are shown."""

    field: str
    zh: str
    en: str
    words: dict[str, str] = Field(
        description="Chinese names of the fixed words that it may hold; empty for text, which is shown as it was read."
    )

    @classmethod
    def of(cls, field: str) -> ColumnOut:
        """From the wording of tables."""
        return cls(
            field=field, zh=field_name(field, "zh"), en=field_name(field, "en"), words=dict(VALUES.get(field, {}))
        )


class TaskOut(BaseModel):
    """One entry of the catalogue, and how well the engine in use answers it."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    id: str
    zh: str
    en: str
    name: str
    about: str
    support: str
    missing: list[str]
    photos: int
    needs_question: bool
    options: dict[str, JsonValue]
    option_schema: dict[str, JsonValue] = Field(
        description="JSON Schema of each option that is taken, `today` included."
    )
    pixel_budget: int = Field(description="Pixels that a photo is shrunk to before the engine sees it.")
    uses_codes: bool = Field(description="Codes are looked for as well, at full resolution where that helps.")
    columns: list[ColumnOut] = Field(description="Fields of the finished rows in the order in which they are shown.")
    row_schema: dict[str, JsonValue] = Field(alias="schema")

    @classmethod
    def of(cls, task: Task, plan: Plan, lang: Lang) -> TaskOut:
        """From the core nouns."""
        return cls(
            id=task.id,
            zh=task.zh,
            en=task.en,
            name=task.name(lang),
            about=task.about_zh if lang == "zh" else task.about_en,
            support=plan.support.value,
            missing=[capability.value for capability in plan.missing],
            photos=task.photos,
            needs_question=task.needs_question,
            options=dict(task.options),
            option_schema=option_schemas(task),
            pixel_budget=plan.pixel_budget,
            uses_codes=plan.uses_codes,
            columns=[ColumnOut.of(field) for field in columns_of(task)],
            row_schema=dict(task.schema),
        )


def server_timing(timings: Mapping[str, float]) -> str:
    """The `Server-Timing` header: `photo;dur=12.3, engine;dur=125.0`."""
    return ", ".join(f"{stage};dur={ms:.1f}" for stage, ms in timings.items())


def overall_status(parts: Sequence[Envelope | FailedPart]) -> str:
    """One status for several photos."""
    states = {part.status for part in parts}
    if states == {"completed"} or states == {"failed"}:
        return states.pop()
    return "partial"
