"""Which fields the finished rows of a task carry: the columns of a table."""

from __future__ import annotations

from pixel_agent.core import Task

CODE_DETAILS = ("add_on", "production_date", "expiry_date", "date_type", "lot", "in_store", "proven")
"""What only some codes say."""

CODE_FIELDS = ("gtin_source", "symbology", "text", "gs1", *CODE_DETAILS)
"""What a code adds to a row it is joined with, or to the row it makes."""

FINDING_FIELDS = ("status", "severity", "evidence", "action")


def columns_of(task: Task, inner: Task | None = None) -> tuple[str, ...]:
    """The task's columns in order, without `kind` and what every row carries; those of its schema where it names none.

    `inner` is the task of a comparison, whose rows carry its fields.
    """
    if inner is not None:
        return ("change", *columns_of(inner))
    return task.columns or _schema_fields(task)


def _schema_fields(task: Task) -> tuple[str, ...]:
    """Fields of the rows that a model answers, and values outside lists, which become a row of their own."""
    columns: dict[str, None] = {}
    properties = task.schema.get("properties")
    for name, part in properties.items() if isinstance(properties, dict) else []:
        items = part.get("items") if isinstance(part, dict) else None
        fields = items.get("properties") if isinstance(items, dict) else None
        columns |= dict.fromkeys(fields if isinstance(fields, dict) else [] if isinstance(items, dict) else [name])
    return tuple(name for name in columns if name not in ("bbox_2d", "kind"))
