"""The data types of Pixel Agent, shared by every stage: frozen, and without the behaviour of any stage.

One request becomes, in this order: `ScanRequest` → `Photo` → `Job` → `Batch` → `Output` → `Draft` → `Reading` → `Scan`.

Nothing here imports a stage. Import these types from `core`; import `errors`, `settings` and `envelope` as modules.
"""

from __future__ import annotations

from pixel_agent.core.engine import Batch, EngineInfo, Job, Output, Tokens
from pixel_agent.core.photo import (
    VISUAL_TOKEN_SIDE,
    Assessment,
    Box,
    Code,
    Notice,
    Photo,
    Pixels,
    Point,
    Quad,
    Quality,
    TextLine,
    bounding_box,
    sha256_of,
)
from pixel_agent.core.reading import Alert, Change, Draft, Reading, Review, Row, Severity, Source
from pixel_agent.core.scan import OnEvent, Scan, ScanRequest, Status
from pixel_agent.core.spec import ScanSpec
from pixel_agent.core.task import (
    Capability,
    Finish,
    FinishContext,
    Lang,
    Message,
    Plan,
    Priority,
    Sampling,
    Support,
    Task,
)

__all__ = [
    "VISUAL_TOKEN_SIDE",
    "Alert",
    "Assessment",
    "Batch",
    "Box",
    "Capability",
    "Change",
    "Code",
    "Draft",
    "EngineInfo",
    "Finish",
    "FinishContext",
    "Job",
    "Lang",
    "Message",
    "Notice",
    "OnEvent",
    "Output",
    "Photo",
    "Pixels",
    "Plan",
    "Point",
    "Priority",
    "Quad",
    "Quality",
    "Reading",
    "Review",
    "Row",
    "Sampling",
    "Scan",
    "ScanRequest",
    "ScanSpec",
    "Severity",
    "Source",
    "Status",
    "Support",
    "Task",
    "TextLine",
    "Tokens",
    "bounding_box",
    "sha256_of",
]
