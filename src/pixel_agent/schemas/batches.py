"""Wire types of batches."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from pixel_agent.core import Priority
from pixel_agent.core.envelope import Problem
from pixel_agent.schemas.scans import ScanFields
from pixel_agent.schemas.text import Text


class RefusedPhoto(BaseModel):
    """A rejected photo of this request, and the reason."""

    filename: str
    error: Problem


class BatchOut(BaseModel):
    """A batch and its progress. Times are UTC."""

    batch_id: str
    name: str
    status: str = Field(description="`open` (more photos may come), `running`, `completed` or `cancelled`.")
    task: str
    priority: str
    store_id: str | None
    total: int
    done: int
    counts: dict[str, int] = Field(description="Scans by their status.")
    eta_s: float | None = Field(description="Seconds until the end by the rate of the last scans; null if unknown.")
    created_at: datetime
    finished_at: datetime | None
    refused: list[RefusedPhoto] = Field([], description="Of this request.")


class BatchPage(BaseModel):
    """A page of batches, newest first."""

    batches: list[BatchOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class BatchFields(ScanFields):
    """The fields of a batch, which apply to all its photos. `open`: more photos will follow."""

    priority: Priority = Priority.BULK
    deadline_ms: None = None
    name: Text = Field("", max_length=200)
    open: bool = False
