"""Types of a reading: rows with their evidence, alerts, and the draft before it is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from pydantic import JsonValue

from pixel_agent.core.photo import Box, Notice

Change: TypeAlias = Literal["resolved", "remaining", "new"]
"""The result of a comparison for one row."""


class Source(StrEnum):
    """The origin of a row's values."""

    BARCODE = "barcode"
    TEXT = "text"
    MODEL = "model"
    RULE = "rule"
    HUMAN = "human"


class Review(StrEnum):
    """Whether a person should check the row, or has checked it."""

    NONE = "none"
    ADVISED = "advised"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"


class Severity(StrEnum):
    """The importance of a finding."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Alert:
    """A condition that a person should act on."""

    code: str
    severity: Severity
    message: str
    bbox: Box | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a reading, an item or a finding, with its evidence.

    `confidence` is None if it was not measured; it is never invented.
    """

    fields: Mapping[str, JsonValue]
    bbox: Box | None = None
    source: Source = Source.MODEL
    confidence: float | None = None
    verified_by: tuple[Source, ...] = ()
    review: Review = Review.NONE


@dataclass(frozen=True, slots=True)
class Draft:
    """An engine's result before code has checked it and computed totals.

    `extra` contains the task's own top-level values that are neither items nor findings (`answer`, `slots_total`).
    """

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    summary: str = ""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The checked answer to a task. `totals` contains the values that code computed (rates, counts, shares)."""

    items: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()
    alerts: tuple[Alert, ...] = ()
    summary: str = ""
    totals: Mapping[str, JsonValue] = field(default_factory=dict)
    warnings: tuple[Notice, ...] = ()
    raw_text: str = ""
    complete: bool = True
