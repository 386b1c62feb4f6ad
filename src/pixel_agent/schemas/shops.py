"""Wire types of shops, which the wire calls stores: the list, and one shop over time."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pixel_agent.core.periods import Bucket
from pixel_agent.schemas.queries import Moment


class ShopLineOut(BaseModel):
    """One store in the list."""

    store_id: str
    scans: int
    last_at: datetime
    findings: int
    alerts: int
    advised: int = Field(description="Scans that a person should look at.")


class ShopList(BaseModel):
    """Every store named in a scan, most recently scanned first."""

    stores: list[ShopLineOut]


class TallyOut(BaseModel):
    """Totals of the scans in a period."""

    scans: int
    completed: int
    partial: int
    retake_required: int
    failed: int
    completed_share: float | None = Field(description="0-1; null without scans.")
    readable_share: float | None = Field(description="Scans that were not sent back for a better photo, 0-1.")
    findings: int
    by_severity: dict[str, int] = Field(description="Findings that complain, those without a severity as `unrated`.")
    alerts: int
    advised: int


class BucketOut(TallyOut):
    """Totals of one day or week."""

    start: datetime


class ChangeOut(BaseModel):
    """Change from the previous period."""

    scans: int
    findings: int
    alerts: int
    advised: int
    completed_share: float | None
    readable_share: float | None


class TopicOut(BaseModel):
    """A frequent topic of findings or alerts."""

    kind: str
    label: str
    severity: str | None
    number: int
    previous: int = Field(description="In the period before.")


class ShopOut(BaseModel):
    """A store over time. Days and weeks (from Monday) are in the time zone `utc_offset_min`."""

    store_id: str
    since: datetime
    until: datetime
    bucket: Bucket
    utc_offset_min: int
    total: TallyOut
    previous: TallyOut = Field(description="The same number of days or weeks before.")
    change: ChangeOut
    buckets: list[BucketOut]
    top: list[TopicOut]


class ShopQuery(BaseModel):
    """A query for the period of a store's overview."""

    model_config = ConfigDict(extra="forbid")

    since: Moment | None = Field(None, description="From the day or week of this moment on.")
    until: Moment | None = Field(None, description="Up to the day or week of this moment; else now.")
    bucket: Bucket = "day"
    utc_offset_min: int | None = Field(
        None, ge=-1440, le=1440, description="Minutes that the shop's clock is ahead of UTC; else the server's."
    )
