"""Wire types of the task catalogue."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ColumnOut(BaseModel):
    """One field of a task's finished rows, with its display names."""

    field: str
    zh: str
    en: str
    words: dict[str, str] = Field(description="Chinese names of its fixed values; empty for free text.")


class TaskOut(BaseModel):
    """One task, and how well the engine in use supports it."""

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
