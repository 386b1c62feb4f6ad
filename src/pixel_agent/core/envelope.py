"""Readings and errors as clients see them: over HTTP, in the store, in exports. Pydantic models of the core types."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from pixel_agent.core import Alert, Box, Notice, Quality, Review, Row, Scan, Source
from pixel_agent.core.errors import PixelAgentError, Refused


class NoticeOut(BaseModel):
    """A remark with a stable code."""

    code: str
    message: str

    @classmethod
    def of(cls, notice: Notice) -> NoticeOut:
        """Convert a core `Notice`."""
        return cls(code=notice.code, message=notice.message)


class AlertOut(BaseModel):
    """A condition that needs action."""

    code: str
    severity: str
    message: str
    bbox: Box | None

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        """Convert a core `Alert`."""
        return cls(code=alert.code, severity=alert.severity, message=alert.message, bbox=alert.bbox)


class EngineOut(BaseModel):
    """The engine and model that answered."""

    name: str
    model: str
    version: str
    simulated: bool


class QualityOut(BaseModel):
    """How well the photo can be read."""

    sharpness: float
    brightness: float
    contrast: float
    glare: float
    tilt_deg: float | None
    readable: bool
    advice: list[NoticeOut]

    @classmethod
    def of(cls, quality: Quality) -> QualityOut:
        """Convert a core `Quality`; the shares are rounded to 4 decimals."""
        return cls(
            sharpness=round(quality.sharpness, 4),
            brightness=round(quality.brightness, 4),
            contrast=round(quality.contrast, 4),
            glare=round(quality.glare, 4),
            tilt_deg=quality.tilt_deg,
            readable=quality.readable,
            advice=[NoticeOut.of(notice) for notice in quality.advice],
        )


class ImageOut(BaseModel):
    """The uploaded photo: size in pixels after rotation to upright."""

    width: int
    height: int
    sha256: str
    media_type: str
    quality: QualityOut


class RowOut(BaseModel):
    """An item or a finding: the task's own fields, and the evidence that every row carries."""

    model_config = ConfigDict(extra="allow")

    bbox: Box | None = Field(description="Left, top, right, bottom in pixels of the original; null if not located.")
    source: str
    confidence: float | None = Field(description="0-1, null where none was measured.")
    verified_by: list[str]
    review: str

    @classmethod
    def of(cls, row: Row) -> RowOut:
        """Convert a core `Row`; the evidence replaces a task field of the same name."""
        evidence: dict[str, JsonValue] = {
            "bbox": list(row.bbox) if row.bbox else None,
            "source": row.source.value,
            "confidence": None if row.confidence is None else round(row.confidence, 4),
            "verified_by": [source.value for source in row.verified_by],
            "review": row.review.value,
        }
        return cls.model_validate({**row.fields, **evidence})

    def as_row(self) -> Row:
        """Convert back to a core `Row`."""
        return Row(
            fields=self.model_extra or {},
            bbox=self.bbox,
            source=Source(self.source),
            confidence=self.confidence,
            verified_by=tuple(Source(source) for source in self.verified_by),
            review=Review(self.review),
        )


class TokensOut(BaseModel):
    """Counts of the tokens that a model read and wrote."""

    visual: int
    prompt: int
    completion: int


class Envelope(BaseModel):
    """The answer to a scan, in one form for all tasks and engines."""

    scan_id: str
    status: str
    task: str
    engine: EngineOut
    image: ImageOut | None
    store_id: str | None
    captured_at: datetime | None
    items: list[RowOut]
    findings: list[RowOut]
    alerts: list[AlertOut]
    summary: str
    totals: dict[str, JsonValue]
    warnings: list[NoticeOut]
    raw_text: str
    tokens: TokensOut | None
    timings: dict[str, float] = Field(description="Milliseconds of each stage.")
    shared: str = Field(description="`in_flight` or `cache` where the answer was shared with another scan, else empty.")
    simulated: bool
    parts: list[Envelope] = Field(default=[], description="The single scans behind a comparison.")

    @classmethod
    def of(cls, scan: Scan) -> Envelope:
        """Convert a finished core `Scan`, with the parts of a comparison."""
        reading = scan.reading
        return cls(
            scan_id=scan.scan_id,
            status=scan.status.value,
            task=scan.task.id,
            engine=EngineOut(
                name=scan.engine.name,
                model=scan.engine.model,
                version=scan.engine.version,
                simulated=scan.engine.simulated,
            ),
            image=_image(scan),
            store_id=scan.spec.store_id,
            captured_at=scan.captured_at or scan.received_at,
            items=[RowOut.of(row) for row in reading.items],
            findings=[RowOut.of(row) for row in reading.findings],
            alerts=[AlertOut.of(alert) for alert in reading.alerts],
            summary=reading.summary,
            totals=dict(reading.totals),
            warnings=[NoticeOut.of(notice) for notice in reading.warnings],
            raw_text=reading.raw_text,
            tokens=None
            if scan.tokens is None
            else TokensOut(visual=scan.tokens.visual, prompt=scan.tokens.prompt, completion=scan.tokens.completion),
            timings={stage: round(ms, 3) for stage, ms in scan.timings.items()},
            shared=scan.shared,
            simulated=scan.engine.simulated,
            parts=[cls.of(part) for part in scan.parts],
        )


class Problem(BaseModel):
    """An error in the form of RFC 9457, with a stable `code` and advice."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    advice: str
    queue_length: int | None = None
    estimated_wait_ms: int | None = None

    @classmethod
    def of(cls, error: PixelAgentError) -> Problem:
        """Convert an error of `core.errors`."""
        refused = error if isinstance(error, Refused) else None
        return cls(
            type=f"urn:pixel-agent:problem:{error.code}",
            title=error.title,
            status=error.status,
            detail=error.message,
            code=error.code,
            advice=error.advice,
            queue_length=refused.queue_length if refused else None,
            estimated_wait_ms=ceil(refused.wait_s * 1000) if refused else None,
        )


def _image(scan: Scan) -> ImageOut | None:
    if scan.photo_sha256 is None or scan.quality is None or scan.width is None or scan.height is None:
        return None
    return ImageOut(
        width=scan.width,
        height=scan.height,
        sha256=scan.photo_sha256,
        media_type=scan.media_type or "",
        quality=QualityOut.of(scan.quality),
    )
