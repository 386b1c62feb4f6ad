"""Batches as they go over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from pixel_agent.core.envelope import Problem
from pixel_agent.storage.records import moment

if TYPE_CHECKING:  # clients import this module, and have no use for a database
    from collections.abc import Sequence

    from pixel_agent.storage.batches import BatchRecord


class RefusedPhoto(BaseModel):
    """A photo of this request that was not taken, and why."""

    filename: str
    error: Problem


class BatchOut(BaseModel):
    """A batch and how far it is. Times are UTC."""

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

    @classmethod
    def of(cls, record: BatchRecord, eta_s: float | None, refused: Sequence[RefusedPhoto] = ()) -> BatchOut:
        """From the store's noun."""
        return cls(
            batch_id=record.batch_id,
            name=record.name,
            status=record.state,
            task=record.task,
            priority=record.priority.value,
            store_id=record.store_id,
            total=record.total,
            done=record.done,
            counts=dict(record.counts),
            eta_s=eta_s,
            created_at=moment(record.created_at),
            finished_at=None if record.finished_at is None else moment(record.finished_at),
            refused=list(refused),
        )


class BatchPage(BaseModel):
    """A page of batches, newest first."""

    batches: list[BatchOut]
    next: str | None = Field(description="The cursor of the next page; null on the last.")
