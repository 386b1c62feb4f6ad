"""Records as they go into files: small builders that the tests of the formats share."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from pixel_agent.storage.exports.base import Exporter
from pixel_agent.storage.exports.entry import Entry
from pixel_agent.tasks import Catalogue

HOSTILE = "<img src=x onerror=alert(1)>\u202egnp.exe"


def row(bbox: list[int] | None = None, **fields: JsonValue) -> dict[str, JsonValue]:
    evidence: dict[str, JsonValue] = {
        "bbox": [*bbox] if bbox else None,
        "source": "model",
        "confidence": 0.5,
        "verified_by": [],
        "review": "none",
    }
    return {**fields, **evidence}


def entry(
    number: int = 1,
    *,
    task: str = "price_tag",
    items: Iterable[dict[str, JsonValue]] = (),
    findings: Iterable[dict[str, JsonValue]] = (),
    corrections: Iterable[dict[str, JsonValue]] = (),
    **record: JsonValue,
) -> Entry:
    reading: dict[str, JsonValue] = {
        "image": {"width": 400, "height": 300, "sha256": f"{number:064x}", "media_type": "image/png"},
        "items": list(items),
        "findings": list(findings),
        "alerts": [],
        "summary": "",
        "totals": {},
        "warnings": [],
    }
    known: dict[str, JsonValue] = {
        "scan_id": f"{number:032x}",
        "status": "completed",
        "task": task,
        "store_id": "店 1",
        "batch_id": None,
        "filename": "货架.jpg",
        "received_at": "2026-11-22T08:30:00Z",
        "finished_at": None,
        "captured_at": None,
        "engine": "embedded",
        "simulated": False,
        "corrections": list(corrections),
        "reviews": [],
        "reading": reading,
    }
    return Entry(number, {**known, **record})


def corrected(
    field: str, model_value: JsonValue, value: JsonValue, *, part: str = "items", row: int = 0, at: str = "09:00"
) -> dict[str, JsonValue]:
    return {
        "review_id": 1,
        "at": f"2026-11-22T{at}:00Z",
        "by": "王芳",
        "part": part,
        "row": row,
        "field": field,
        "value": value,
        "model_value": model_value,
        "carried_from": None,
    }


def failed(number: int = 1) -> Entry:
    return entry(number, status="failed", reading=None, problem={"detail": "The engine died."})


def written(exporter: Exporter, *entries: Entry) -> bytes:
    """The whole file, taken in pages of two."""
    pages = [entries[start : start + 2] for start in range(0, len(entries), 2)]
    try:
        return b"".join([exporter.begin(), *(exporter.add(page) for page in pages), *exporter.end()])
    finally:
        exporter.close()


CATALOGUE = Catalogue()
PRICE_TAG = CATALOGUE.find("price_tag")
