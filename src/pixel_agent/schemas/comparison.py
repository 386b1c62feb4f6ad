"""A comparison as it goes over the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from pixel_agent.core.envelope import NoticeOut, RowOut
from pixel_agent.schemas.records import ScanSummary
from pixel_agent.tasks.compare_visits import Change


class ComparisonOut(BaseModel):
    """What differs. Each row says in `scan_id` whose photo shows it, and has the box of that photo."""

    before: ScanSummary = Field(description="Of a visit with several photos, the last one.")
    after: ScanSummary
    before_scans: list[str] = Field(description="All scans of the visit.")
    after_scans: list[str]
    task: str
    resolved: list[RowOut]
    remaining: list[RowOut]
    new: list[RowOut]
    counts: dict[Change, int]
    summary: str
    left_out: int = Field(description="Photos of large visits that were not compared, older than those that were.")
    warnings: list[NoticeOut]
