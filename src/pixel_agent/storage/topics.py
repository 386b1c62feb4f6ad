"""Counts the topics of findings and alerts per scan; the overview of a shop lists the most frequent ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Reading, Row, Severity
from pixel_agent.core.text import storable
from pixel_agent.storage.records import Topic
from pixel_agent.storage.tables import scan_topics, topics

OTHER = "other"
LONGEST = 80
_PASSED = frozenset({"pass", "ok"})
_SEVERITIES = frozenset(severity.value for severity in Severity)
_LABELS = ("rule_id", "hazard", "item", "object", "status", "kind", "type", "name")
"""Fields that name the topic of a finding, closed lists of words first: free text rarely occurs twice."""


def topics_of(reading: Reading) -> tuple[Topic, ...]:
    """The topics of a reading's problems; passed checks do not count."""
    failed = (row for row in reading.findings if _word(row, "status") not in _PASSED)
    findings = Counter((_label(row), _severity(row)) for row in failed)
    alerts = Counter((_cut(alert.code), alert.severity.value) for alert in reading.alerts)
    return (
        *(Topic("finding", *about, number) for about, number in findings.items()),
        *(Topic("alert", *about, number) for about, number in alerts.items()),
    )


async def add(conn: AsyncConnection, ended: Sequence[tuple[int, Sequence[Topic]]]) -> None:
    """Store the topics of scans, given by `seq`."""
    if not any(about for _, about in ended):
        return
    known = {number_of(topic): topic for _, about in ended for topic in about}
    insert_into = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    words = [{"topic": number, **_words_of(known[number])} for number in sorted(known)]  # in one order: no deadlock
    await conn.execute(insert_into(topics).on_conflict_do_nothing(), words)
    rows = [{"seq": seq, "topic": number_of(topic), "number": topic.number} for seq, about in ended for topic in about]
    await conn.execute(insert(scan_topics), rows)


def number_of(topic: Topic) -> int:
    """The stored number of a topic: 63 bits of BLAKE2b; any two of a million topics collide once in ten million."""
    said = "\n".join((topic.kind, topic.label, topic.severity))
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big") >> 1


def _words_of(topic: Topic) -> dict[str, str]:
    return {"kind": topic.kind, "label": topic.label, "severity": topic.severity}


def _label(row: Row) -> str:
    return next((words for name in _LABELS if (words := _word(row, name))), OTHER)


def _severity(row: Row) -> str:
    said = _word(row, "severity")
    return said if said in _SEVERITIES else ""


def _word(row: Row, name: str) -> str:
    value = row.fields.get(name)
    return _cut(value) if isinstance(value, str) else ""


def _cut(text: str) -> str:
    """The text in one line that a database accepts, not longer than its column."""
    return " ".join(storable(text).split())[:LONGEST]
