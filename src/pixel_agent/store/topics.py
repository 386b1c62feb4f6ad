"""What findings and alerts are about, counted by scan: from it a store's overview says what comes up most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Reading, Row, Severity
from pixel_agent.store.nouns import Topic
from pixel_agent.store.tables import scan_findings

OTHER = "other"
LONGEST = 80
_PASSED = frozenset({"pass", "ok"})
_SEVERITIES = frozenset(severity.value for severity in Severity)
_LABELS = ("rule_id", "hazard", "item", "object", "status", "kind", "type", "name")
"""Fields that say what a finding is about, those with fixed words first: what is written freely is hardly said twice."""


def topics_of(reading: Reading) -> tuple[Topic, ...]:
    """What a reading complains about; checks that were passed are no findings."""
    failed = (row for row in reading.findings if _word(row, "status") not in _PASSED)
    findings = Counter((_label(row), _severity(row)) for row in failed)
    alerts = Counter((_cut(alert.code), alert.severity.value) for alert in reading.alerts)
    return (
        *(Topic("finding", *about, number) for about, number in findings.items()),
        *(Topic("alert", *about, number) for about, number in alerts.items()),
    )


async def add(conn: AsyncConnection, ended: Sequence[tuple[int, Sequence[Topic]]]) -> None:
    """Keep what scans (by `seq`) are about."""
    rows = [{"seq": seq, **topic._asdict()} for seq, topics in ended for topic in topics]
    if rows:
        await conn.execute(insert(scan_findings), rows)


def _label(row: Row) -> str:
    return next((words for name in _LABELS if (words := _word(row, name))), OTHER)


def _severity(row: Row) -> str:
    said = _word(row, "severity")
    return said if said in _SEVERITIES else ""


def _word(row: Row, name: str) -> str:
    value = row.fields.get(name)
    return _cut(value) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    """One line that a database takes, not longer than its column."""
    plain = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return " ".join(plain.split())[:LONGEST]
