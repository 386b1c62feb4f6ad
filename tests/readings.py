"""Stored readings and reviews of them: small builders that the tests of history and review share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.core import Box, EngineInfo, Quality, Reading, Review, Row, Scan, ScanSpec, Source, Status
from pixel_agent.core.envelope import Envelope
from pixel_agent.schemas.reviews import Part
from pixel_agent.storage import scans
from pixel_agent.storage.corrections import Action, ReviewRecord
from pixel_agent.storage.outcome import outcome_of
from pixel_agent.storage.records import NewScan, PhotoRecord, millis
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue

COLA, WATER = "6901234567892", "6921168509256"
ENGINE = EngineInfo("embedded", "test", "1")
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)


def row(bbox: Box | None = None, review: Review = Review.NONE, **fields: JsonValue) -> Row:
    return Row(fields, bbox, Source.TEXT, review=review)


def scan(
    *items: Row,
    findings: Sequence[Row] = (),
    task: str = "price_tag",
    scan_id: str = "a" * 32,
    status: Status = Status.COMPLETED,
    store_id: str | None = None,
    sha256: str | None = "c" * 64,
) -> Scan:
    return Scan(
        scan_id,
        status,
        ScanSpec(task, store_id=store_id),
        Catalogue().find(task),
        ENGINE,
        Reading(tuple(items), tuple(findings)),
        {"total": 12.5},
        AT,
        photo_sha256=sha256,
        media_type="image/jpeg",
        width=1000,
        height=800,
        quality=Quality(0.5, 0.5, 0.5, 0.0),
    )


def envelope(*items: Row, findings: Sequence[Row] = (), task: str = "price_tag", scan_id: str = "a" * 32) -> Envelope:
    return Envelope.of(scan(*items, findings=findings, task=task, scan_id=scan_id))


def said(
    number: int,
    action: Action,
    part: Part | None = None,
    row: int | None = None,
    field: str | None = None,
    value: JsonValue = None,
    *,
    undone: bool = False,
    model_value: JsonValue = None,
) -> ReviewRecord:
    return ReviewRecord(
        number,
        number,
        "Li",
        action,
        part,
        row,
        field,
        value,
        model_value,
        undone_at=99 if undone else None,
    )


async def keep(
    store: Store, kept: Scan, received_at: int = millis(AT), *, rerun_of: str | None = None, photo_bytes: int = 100
) -> int:
    """Record a finished scan as the service does; its `seq`."""
    photo = None if kept.photo_sha256 is None else PhotoRecord(kept.photo_sha256, photo_bytes)
    new = NewScan(
        kept.scan_id,
        "async",
        kept.spec,
        received_at,
        photo=photo,
        filename=kept.filename,
        rerun_of=rerun_of,
    )
    async with store.db.write() as conn:
        return await scans.insert(conn, new, outcome_of(kept))


FIELDS = ("name", "price", "gtin")
values = st.one_of(st.none(), st.integers(0, 99), st.sampled_from(["水", "可乐", "a", "b", COLA, WATER]))
boxes = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(91, 200), st.integers(91, 200)),
)
rows = st.builds(
    lambda box, advised, fields: row(box, Review.ADVISED if advised else Review.NONE, **fields),
    boxes,
    st.booleans(),
    st.fixed_dictionaries(dict.fromkeys(FIELDS, values)),
)
envelopes = st.builds(
    lambda items, findings: envelope(*items, findings=findings), st.lists(rows, max_size=5), st.lists(rows, max_size=3)
)


@st.composite
def reviews(draw: st.DrawFn, most: int = 8) -> list[ReviewRecord]:
    """In order, some undone, some about rows that are not there."""
    found = []
    for number in range(draw(st.integers(0, most))):
        action: Action = draw(st.sampled_from(("confirm", "correct", "comment")))
        whole = action != "correct" and draw(st.booleans())
        found.append(
            said(
                number,
                action,
                None if whole else draw(st.sampled_from(["items", "findings"])),
                None if whole else draw(st.integers(0, 5)),
                draw(st.sampled_from(FIELDS)) if action == "correct" else None,
                draw(values) if action == "correct" else None,
                undone=draw(st.booleans()),
            )
        )
    return found
