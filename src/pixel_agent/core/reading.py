"""What a reading says: rows with their evidence, alerts, and the draft before code has checked it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.photo import Box, Notice

Change: TypeAlias = Literal["resolved", "remaining", "new"]
"""What a comparison says of a row."""


class Source(StrEnum):
    """Who says what a row states."""

    BARCODE = "barcode"
    TEXT = "text"
    MODEL = "model"
    RULE = "rule"
    HUMAN = "human"


class Review(StrEnum):
    """Whether a person should look, or has looked."""

    NONE = "none"
    ADVISED = "advised"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


class Severity(StrEnum):
    """How much a finding matters."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something somebody should act on."""

    code: str
    severity: Severity
    message: str
    bbox: Box | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a reading, an item or a finding, with its evidence.

    `confidence` is None where nobody measured one; it is never invented.
    """

    fields: Mapping[str, JsonValue]
    bbox: Box | None = None
    source: Source = Source.MODEL
    confidence: float | None = None
    verified_by: tuple[Source, ...] = ()
    review: Review = Review.NONE


@dataclass(frozen=True, slots=True)
class Draft:
    """What an engine understood, before code has checked and computed anything.

    `extra` holds the task's own top-level values that are neither items nor findings (`answer`, `slots_total`).
    """

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    summary: str = ""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The checked answer to a task. `totals` holds what code computed (rates, counts, shares)."""

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    alerts: tuple[Alert, ...] = ()
    summary: str = ""
    totals: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()
    raw_text: str = ""
    complete: bool = True
