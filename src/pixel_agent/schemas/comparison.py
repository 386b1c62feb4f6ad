"""Wire types of comparisons."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from pixel_agent.core import Change, Lang
from pixel_agent.core.envelope import NoticeOut, RowOut
from pixel_agent.schemas.records import ScanSummary
from pixel_agent.schemas.text import Text


class CompareQuery(BaseModel):
    """A query for two scans by their ids, or for two visits of a store for a task."""

    model_config = ConfigDict(extra="forbid")

    before: Text | None = Field(None, description="A scan's id.")
    after: Text | None = Field(None, description="A scan's id.")
    store_id: Text | None = Field(None, max_length=200)
    task: Text | None = None
    before_day: date | None = Field(None, description="The visit of a day instead of the last one before `after`.")
    after_day: date | None = Field(None, description="The visit of a day instead of the latest.")
    utc_offset_min: int | None = Field(None, ge=-1440, le=1440, description="Of those days; else the server's.")
    lang: Lang = "zh"


class ComparisonOut(BaseModel):
    """The differences. The `scan_id` of each row names the scan whose photo shows it; its box refers to that photo."""

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
