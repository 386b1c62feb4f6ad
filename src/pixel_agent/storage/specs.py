"""Converts a `ScanSpec` to columns and back: each field has a column of the same name in `scans` and in `batches`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import RowMapping, String, Table

from pixel_agent.core import Priority, ScanSpec
from pixel_agent.core.text import storable

NAMES: Final = tuple(field.name for field in fields(ScanSpec))
_LOADERS: Final[Mapping[str, Any]] = {"priority": Priority, "options": json.loads}


def columns_of(spec: ScanSpec, table: Table) -> dict[str, object]:
    """The values of a spec's columns."""
    return {name: _column(getattr(spec, name), table.c[name].type) for name in NAMES}


def spec_of(row: RowMapping) -> ScanSpec:
    """The spec stored in a row."""
    return ScanSpec(**{name: _LOADERS[name](row[name]) if name in _LOADERS else row[name] for name in NAMES})


def _column(value: object, kind: object) -> object:
    if isinstance(value, Mapping):
        return json.dumps(dict(value))
    if isinstance(value, Priority):
        return value.value
    if isinstance(value, str):
        return storable(value, kind.length if isinstance(kind, String) else None)
    return value
