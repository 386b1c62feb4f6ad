"""Wire types of reviews, and of the model's accuracy."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pixel_agent.schemas.text import Text, Value

Part: TypeAlias = Literal["items", "findings"]


class ReviewIn(BaseModel):
    """A review of a reading: confirmation, correction or comment."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["confirm", "correct", "comment"]
    part: Part | None = Field(None, description="`items` or `findings`; without it, the whole scan is meant.")
    row: int | None = Field(None, ge=0, description="Which row of the part, from 0.")
    field: Text | None = Field(None, max_length=80, description="`correct`: which field of the row.")
    value: Value = Field(None, description="`correct`: what is right; null where it cannot be read.")
    by: Text | None = Field(None, max_length=200, description="Name of the reviewer; else the client's address.")
    comment: Text = Field("", max_length=4000)


class FieldAccuracy(BaseModel):
    """Accuracy of one field: number of reviewed values, and of correct ones."""

    field: str
    reviewed: int
    correct: int
    accuracy: float = Field(description="0-1.")


class TaskAccuracy(BaseModel):
    """Accuracy of one task."""

    task: str
    scans_reviewed: int
    fields: list[FieldAccuracy]


class AccuracyOut(BaseModel):
    """The model's accuracy over all reviewed scans."""

    tasks: list[TaskAccuracy]
