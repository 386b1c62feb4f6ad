"""Lists the fields of a task's finished rows: the columns of tables and exports."""

from __future__ import annotations

from pixel_agent.core import Task

CODE_DETAILS = ("add_on", "production_date", "expiry_date", "date_type", "lot", "in_store", "proven")
"""Fields that only some codes have."""

CODE_FIELDS = ("gtin_source", "symbology", "text", "gs1", *CODE_DETAILS)
"""Fields that a code adds to its row, or to the new row made for it."""

FINDING_FIELDS = ("status", "severity", "evidence", "action")


def columns_of(task: Task, inner: Task | None = None) -> tuple[str, ...]:
    """The task's columns in order, without `kind` and the fields of every row; taken from its schema if it names none.

    `inner` is the inner task of a comparison: its fields are columns too.
    """
    if inner is not None:
        return ("change", *columns_of(inner))
    return task.columns or _schema_fields(task)


def _schema_fields(task: Task) -> tuple[str, ...]:
    """The row fields of the model's schema, and its values outside lists, which become a separate row."""
    columns: dict[str, None] = {}
    properties = task.schema.get("properties")
    for name, part in properties.items() if isinstance(properties, dict) else []:
        items = part.get("items") if isinstance(part, dict) else None
        fields = items.get("properties") if isinstance(items, dict) else None
        columns |= dict.fromkeys(fields if isinstance(fields, dict) else [] if isinstance(items, dict) else [name])
    return tuple(name for name in columns if name not in ("bbox_2d", "kind"))
