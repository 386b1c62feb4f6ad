"""The tables. Times are whole milliseconds since 1970 (UTC), JSON is text: both work the same in SQLite and PostgreSQL.

`scans` has the columns to filter, sort and claim; the long texts are in `readings`, so that a list reads little. The
searched words are in `scan_words`, which each database indexes in its own way: see `storage/search.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite assigns numbers only in a column declared INTEGER, and reuses numbers without AUTOINCREMENT.
_Number = BigInteger().with_variant(Integer, "sqlite")
_Millis = BigInteger()
_QUEUED = text("status = 'queued'")

photos = Table(
    "photos",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(40), nullable=False, server_default=""),
    Column("width", Integer),
    Column("height", Integer),
    Column("created_at", _Millis, nullable=False),
    Column("removed_at", _Millis, doc="When the file was deleted to make room, while readings still name it."),
    Index(None, "created_at"),
)

batches = Table(
    "batches",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=True),
    Column("batch_id", String(32), nullable=False, unique=True),
    Column("name", String(200), nullable=False, server_default=""),
    Column("state", String(12), nullable=False, doc="open (more photos may come), running, completed, cancelled"),
    Column("task", String(80), nullable=False),
    Column("priority", String(12), nullable=False),
    Column("store_id", String(200)),
    Column("lang", String(2), nullable=False),
    Column("question", Text),
    Column("force", Boolean, nullable=False),
    Column("options", Text, nullable=False),
    Column("client", String(200), nullable=False, server_default=""),
    Column("created_at", _Millis, nullable=False),
    Column("closed_at", _Millis),
    Column("finished_at", _Millis),
    sqlite_autoincrement=True,
)

scans = Table(
    "scans",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=True),
    Column("scan_id", String(32), nullable=False, unique=True),
    Column("origin", String(8), nullable=False, doc="sync or async"),
    Column("status", String(16), nullable=False),
    Column("task", String(80), nullable=False),
    Column("priority", String(12), nullable=False),
    Column("rank", Integer, nullable=False, doc="0 interactive, 1 normal, 2 bulk: the order of claiming"),
    Column("store_id", String(200)),
    Column("lang", String(2), nullable=False),
    Column("question", Text),
    Column("force", Boolean, nullable=False),
    Column("options", Text, nullable=False),
    Column("filename", String(400)),
    Column("client", String(200), nullable=False, server_default=""),
    Column("photo_sha256", String(64), ForeignKey("photos.sha256")),
    Column("batch_id", String(32), ForeignKey("batches.batch_id")),
    Column("batch_index", Integer),
    Column("rerun_of", String(32), doc="The scan whose photo this one reads again."),
    Column("received_at", _Millis, nullable=False),
    Column("deadline_at", _Millis),
    Column("finished_at", _Millis),
    # Execution
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("owner", String(40), doc="The process that has claimed it, with the number of the claim."),
    Column("lease_until", _Millis),
    Column("available_at", _Millis, doc="Not claimed before: a pause after a failure that may pass."),
    # Outcome
    Column("engine", String(40)),
    Column("simulated", Boolean, nullable=False, server_default="0"),
    Column("captured_at", _Millis),
    Column("summary", Text, nullable=False, server_default=""),
    Column("items", Integer, nullable=False, server_default="0"),
    Column("findings", Integer, nullable=False, server_default="0"),
    Column("alerts", Integer, nullable=False, server_default="0"),
    Column("severity", String(10), doc="The worst of findings and alerts."),
    Column("review", String(10), nullable=False, server_default="none"),
    Column("total_ms", Float),
    Column("error_code", String(60)),
    Column("error", Text, doc="The problem body."),
    Index(None, "received_at", "seq"),
    Index(None, "task", "received_at", "seq"),
    Index(None, "status", "received_at", "seq"),
    Index(None, "store_id", "received_at", "seq"),
    Index(None, "review", "received_at", "seq"),
    Index(None, "severity", "received_at", "seq"),
    Index(None, "batch_id", "batch_index"),
    Index(None, "photo_sha256", "task", "review"),
    Index(None, "status", "rank", "seq"),
    Index(None, "lease_until"),
    Index("ix_scans_batch_status", "batch_id", "status"),
    # Only queued scans are searched by deadline; ended ones never are.
    Index("ix_scans_deadline", "deadline_at", sqlite_where=_QUEUED, postgresql_where=_QUEUED),
    # All columns that the overview of shops sums up, so that it never reads the rows themselves.
    Index("ix_scans_overview", "store_id", "received_at", "status", "findings", "alerts", "review"),
    sqlite_autoincrement=True,
)

readings = Table(
    "readings",
    metadata,
    Column("seq", _Number, ForeignKey("scans.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False, doc="The envelope as JSON, as it was answered."),
)

scan_codes = Table(
    "scan_codes",
    metadata,
    Column("gtin", String(14), primary_key=True, doc="14 digits, with leading zeros"),
    Column("seq", _Number, ForeignKey("scans.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Index(None, "seq"),
)

scan_words = Table(
    "scan_words",
    metadata,
    Column("seq", _Number, ForeignKey("scans.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("words", Text, nullable=False, doc="Each distinct token once, between blanks: see `store/search.py`."),
)

topics = Table(
    "topics",
    metadata,
    Column("topic", BigInteger, primary_key=True, autoincrement=False, doc="A number made of the other three."),
    Column("kind", String(8), nullable=False, doc="finding or alert"),
    Column("label", String(80), nullable=False, doc="What it is about: a rule, a hazard, an alert's code, an object."),
    Column("severity", String(10), nullable=False, doc="Empty where nobody rated it."),
)

# Numbers, not words: a shop's overview groups hundreds of thousands of rows.
scan_topics = Table(
    "scan_topics",
    metadata,
    Column("seq", _Number, ForeignKey("scans.seq", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("topic", BigInteger, ForeignKey("topics.topic"), primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False, doc="How many of the scan's rows say so."),
    sqlite_with_rowid=False,
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("seq", _Number, ForeignKey("scans.seq", ondelete="CASCADE"), nullable=False),
    Column("at", _Millis, nullable=False),
    Column("reviewer", String(200), nullable=False),
    Column("action", String(10), nullable=False, doc="confirm, correct, comment; undone ones have undone_at"),
    Column("part", String(10), doc="items or findings; null: the whole scan"),
    Column("row_index", Integer),
    Column("field", String(80)),
    Column("value", Text, doc="What the person says, as JSON."),
    Column("model_value", Text, doc="What stood there before any person came, as JSON."),
    Column("comment", Text, nullable=False, server_default=""),
    Column("undone_at", _Millis),
    Column(
        "carried_from",
        String(32),
        doc="The scan of the same photo whose review this copies, made when it was read again.",
    ),
    Index(None, "seq", "id"),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    Column("seq", _Number, primary_key=True, autoincrement=True),
    Column("at", _Millis, nullable=False),
    Column("kind", String(40), nullable=False, doc="scan.completed, scan.failed, scan.alert, batch.completed, …"),
    Column("scan_id", String(32)),
    Column("batch_id", String(32)),
    Column("data", Text, nullable=False, doc="What happened, as JSON."),
    Index(None, "batch_id", "seq"),
    Index(None, "scan_id", "seq"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook_id", String(32), primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", Text, nullable=False, doc="Kinds of events as JSON; an empty list: all."),
    Column("secret", Text, nullable=False),
    Column("created_at", _Millis, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Number, primary_key=True, autoincrement=True),
    Column("webhook_id", String(32), ForeignKey("webhooks.webhook_id", ondelete="CASCADE"), nullable=False),
    Column("event_seq", _Number, ForeignKey("events.seq", ondelete="CASCADE"), nullable=False),
    Column("subject", String(32), nullable=False, doc="The scan or batch whose events keep their order."),
    Column("state", String(10), nullable=False, doc="pending, delivered, dead"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", _Millis, nullable=False),
    Column("owner", String(40)),
    Column("lease_until", _Millis),
    Column("last_error", Text, nullable=False, server_default=""),
    Column("delivered_at", _Millis),
    UniqueConstraint("webhook_id", "event_seq"),
    Index(None, "state", "id"),
    Index(None, "webhook_id", "state", "next_at"),
    Index(None, "webhook_id", "subject", "id"),
    Index(None, "event_seq"),
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(255), primary_key=True),
    Column("client", String(200), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column(
        "answer", Text, doc="Which scans or batch it made, as JSON; null while the first request is still under way."
    ),
    Column("created_at", _Millis, nullable=False),
    Index(None, "created_at"),
)
