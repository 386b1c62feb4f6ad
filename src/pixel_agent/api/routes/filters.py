"""Which scans are asked for, in a query: the same names for the list, for exports and for numbers over scans."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from pixel_agent.core import Severity, Status
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.storage.records import ReviewState, ScanFilter, millis
from pixel_agent.tasks import Catalogue

MAX_SCAN_IDS = 1000

T = TypeVar("T")


def without_nul(value: T) -> T:
    """A text, or JSON with texts in it, as it is. Raises ValueError for NUL, which no PostgreSQL takes."""
    if _holds_nul(value):
        raise ValueError("must not hold the character NUL")
    return value


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(name) or _holds_nul(inner) for name, inner in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _moment(value: object) -> object:
    """ISO 8601, as it stands in answers; a plus sign that a query turned into a blank is taken for one."""
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


Text = Annotated[str, AfterValidator(without_nul)]
Value = Annotated[JsonValue, AfterValidator(without_nul)]
Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_known)]


class PeriodQuery(BaseModel):
    """Scans of a task and a store, received in a time. What is empty is not asked for."""

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
    """All filters of the history; what is given must all hold."""

    status: list[Status] = Field([], description="One or several.")
    batch_id: Text | None = Field(None, max_length=64)
    q: Text | None = Field(None, max_length=200, description="Words that all occur in the reading, the file's name, …")
    gtin: Annotated[str, AfterValidator(_gtin)] | None = Field(None, description="8 to 14 digits.")
    review: ReviewState | None = Field(None, description="`advised` is the work list.")
    severity: Severity | None = Field(None, description="The worst of a scan's findings and alerts.")
    scan_id: list[Text] = Field([], max_length=MAX_SCAN_IDS, description="Only these.")


class ListQuery(FilterQuery):
    """A page of the history."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=200, description="`next` of the page before.")


class ExportQuery(FilterQuery):
    """What is exported, and how."""

    format: Literal["csv", "jsonl", "xlsx", "coco", "html"] = "csv"
    lang: Literal["zh", "en"] = "zh"


def scan_filter(query: PeriodQuery, catalogue: Catalogue) -> ScanFilter:
    """The store's noun of a query. Raises UnknownTask, and InvalidRequest where `until` is not after `since`."""
    if query.since and query.until and query.until <= query.since:
        raise InvalidRequest("`until` is not after `since`.", "Give a later `until`, or leave it out.")
    wanted = ScanFilter(
        task=catalogue.find(query.task).id if query.task else None,
        store_id=query.store_id,
        since=millis(query.since) if query.since else None,
        until=millis(query.until) if query.until else None,
    )
    if not isinstance(query, FilterQuery):
        return wanted
    return ScanFilter(
        task=wanted.task,
        statuses=tuple(query.status),
        store_id=wanted.store_id,
        batch_id=query.batch_id,
        since=wanted.since,
        until=wanted.until,
        text=query.q,
        gtin=query.gtin,
        review=query.review,
        severity=query.severity,
        scan_ids=tuple(query.scan_id),
    )
