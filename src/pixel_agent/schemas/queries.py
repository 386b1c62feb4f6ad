"""Filters of recorded scans as query parameters, the same for the list, for exports and for statistics."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pixel_agent.core import Severity, Status
from pixel_agent.schemas.records import ReviewState
from pixel_agent.schemas.text import Text

MAX_SCAN_IDS = 1000


def _moment(value: object) -> object:
    """Accept ISO 8601 as in answers; a plus sign that the query decoding turned into a blank is restored."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value.strip().replace(" ", "+") if "T" in value else value.strip())
    except ValueError:
        raise ValueError("must be a time or a day like 2026-11-22T08:00:00Z or 2026-11-22 (UTC)") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _gtin(value: str) -> str:
    if not (value.isascii() and value.isdigit() and 8 <= len(value) <= 14):
        raise ValueError("must be 8 to 14 digits")
    return value


def _known(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9000:
        raise ValueError("must lie between the years 1970 and 9000")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_known)]


class PeriodQuery(BaseModel):
    """Filters by task, store and time of receipt. An empty parameter is ignored."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        unknown = [str(name)[:40] for name in given if name not in cls.model_fields]
        if unknown:
            raise ValueError(f"there is no {unknown[0]!r}; accepted are {', '.join(cls.model_fields)}")
        return {name: value for name, value in given.items() if value != ""}

    task: Text | None = Field(None, description="By id, Chinese or English name.")
    store_id: Text | None = Field(None, max_length=200)
    since: Moment | None = Field(None, description="Received at or after; ISO 8601, UTC unless it says otherwise.")
    until: Moment | None = Field(None, description="Received before.")


class FilterQuery(PeriodQuery):
    """All filters of the history; a scan must match all that are given."""

    status: list[Status] = Field([], description="One or several.")
    batch_id: Text | None = Field(None, max_length=64)
    q: Text | None = Field(None, max_length=200, description="Words that all occur in the reading, the file's name, …")
    gtin: Annotated[str, AfterValidator(_gtin)] | None = Field(None, description="8 to 14 digits.")
    review: ReviewState | None = Field(None, description="`advised` is the work list.")
    severity: Severity | None = Field(None, description="The worst of a scan's findings and alerts.")
    scan_id: list[Text] = Field([], max_length=MAX_SCAN_IDS, description="Only these.")


class ListQuery(FilterQuery):
    """A query for one page of the history."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=200, description="`next` of the page before.")


class ExportQuery(FilterQuery):
    """A query for an export: the scans, the format and the language."""

    format: Literal["csv", "jsonl", "xlsx", "coco", "html", "truth"] = "csv"
    lang: Literal["zh", "en"] = "zh"
    export_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_-]{8,64}$",
        description="Chosen by the client: `GET /v1/exports/{export_id}` then says how far the export is.",
    )
