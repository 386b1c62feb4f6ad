"""Wire types of recorded scans: a line of the history, and the whole record with its reading and its reviews."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, Field, JsonValue

from pixel_agent.core.envelope import Envelope, Problem

ReviewState: TypeAlias = Literal["none", "advised", "confirmed", "corrected"]


class PhotoOut(BaseModel):
    """The photo of a scan; a value that is not known yet is null."""

    sha256: str
    width: int | None
    height: int | None
    media_type: str
    bytes: int
    available: bool = Field(description="False once it was deleted to make room; the reading stays.")


class ScanErrorOut(BaseModel):
    """The error of a failed scan, in short."""

    code: str
    detail: str


class ScanSummary(BaseModel):
    """One line of the history. Times are UTC."""

    scan_id: str
    status: str
    task: str
    store_id: str | None
    batch_id: str | None
    priority: str
    lang: str
    filename: str | None
    received_at: datetime
    finished_at: datetime | None
    captured_at: datetime | None
    summary: str
    items: int
    findings: int
    alerts: int
    severity: str | None = Field(description="The worst of findings and alerts; null where there are none.")
    review: str = Field(description="`none`, `advised`, `confirmed` or `corrected`.")
    simulated: bool
    engine: str | None
    total_ms: float | None
    photo: PhotoOut | None
    error: ScanErrorOut | None
    rerun_of: str | None


class CorrectionOut(BaseModel):
    """A corrected value; it replaces the model's value in the reading."""

    review_id: int
    at: datetime
    by: str
    part: str
    row: int | None = Field(description="Null where a carried correction matches no row of the new reading.")
    field: str
    value: JsonValue
    model_value: JsonValue
    carried_from: str | None = Field(description="The scan of the same photo in which it was made, if in another.")


class ReviewOut(BaseModel):
    """One review, undone or not."""

    id: int
    at: datetime
    by: str
    action: str = Field(description="`confirm`, `correct` or `comment`.")
    part: str | None = Field(description="`items` or `findings`; null: the whole scan.")
    row: int | None
    field: str | None
    value: JsonValue
    model_value: JsonValue
    comment: str
    undone: bool
    undone_at: datetime | None
    carried_from: str | None


class LinksOut(BaseModel):
    """Paths of the resources of a scan; null if there is none."""

    self: str
    photo: str | None
    thumbnail: str | None
    annotated: str | None
    report: str | None


class ScanRecordOut(ScanSummary):
    """The whole record of one scan."""

    question: str | None
    force: bool
    options: dict[str, JsonValue]
    attempts: int
    reading: Envelope | None = Field(description="The envelope with all corrections applied.")
    corrections: list[CorrectionOut]
    reviews: list[ReviewOut]
    problem: Problem | None
    links: LinksOut


class ScanRecordList(BaseModel):
    """Several accepted scans, in the order of their photos."""

    scans: list[ScanRecordOut]


class ScanPage(BaseModel):
    """A page of the history, newest first."""

    scans: list[ScanSummary]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class ExportProgressOut(BaseModel):
    """Progress of an export."""

    scans_done: int = Field(description="Scans written to the file so far.")
    scans_total: int = Field(description="Scans that matched when the export began.")
    finished: bool = Field(description="The file is complete, or was given up.")
