"""The first schema: scans with their photos, readings and words; batches, reviews, events, webhooks, idempotency.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FULL_TEXT = (
    "CREATE VIRTUAL TABLE scan_words_fts USING fts5("
    "words, content='scan_words', content_rowid='seq', detail='none', columnsize=0, tokenize=\"ascii tokenchars '.'\")",
    "CREATE TRIGGER scan_words_added AFTER INSERT ON scan_words BEGIN "
    "INSERT INTO scan_words_fts(rowid, words) VALUES (new.seq, new.words); END",
    "CREATE TRIGGER scan_words_gone AFTER DELETE ON scan_words BEGIN "
    "INSERT INTO scan_words_fts(scan_words_fts, rowid, words) VALUES ('delete', old.seq, old.words); END",
    "CREATE TRIGGER scan_words_changed AFTER UPDATE ON scan_words BEGIN "
    "INSERT INTO scan_words_fts(scan_words_fts, rowid, words) VALUES ('delete', old.seq, old.words); "
    "INSERT INTO scan_words_fts(rowid, words) VALUES (new.seq, new.words); END",
)
"""SQLite's word index, synchronized by triggers. `storage/search.py` makes the tokens; here they are only split."""

WORDS = "CREATE INDEX ix_scan_words_words ON scan_words USING gin (string_to_array(words, ' ')) WITH (fastupdate = off)"
"""PostgreSQL's word index, without a pending list, which every search would have to scan."""


def upgrade() -> None:
    """Create all tables and indexes."""

    op.create_table(
        "batches",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("batch_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("store_id", sa.String(length=200), nullable=True),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("client", sa.String(length=200), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_batches")),
        sa.UniqueConstraint("batch_id", name=op.f("uq_batches_batch_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "events",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("scan_id", sa.String(length=32), nullable=True),
        sa.Column("batch_id", sa.String(length=32), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_at"), "events", ["at"], unique=False)
    op.create_index(op.f("ix_events_batch_id_seq"), "events", ["batch_id", "seq"], unique=False)
    op.create_index(op.f("ix_events_scan_id_seq"), "events", ["scan_id", "seq"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=200), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", "client", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "photos",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=40), server_default="", nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_photos")),
    )
    op.create_index(op.f("ix_photos_created_at"), "photos", ["created_at"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("event_seq", NUMBER, nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_seq"], ["events.seq"], name=op.f("fk_deliveries_event_seq"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.webhook_id"], name=op.f("fk_deliveries_webhook_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook_id", "event_seq", name=op.f("uq_deliveries_webhook_id_event_seq")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_deliveries_event_seq"), "deliveries", ["event_seq"], unique=False)
    op.create_index(op.f("ix_deliveries_state_id"), "deliveries", ["state", "id"], unique=False)
    op.create_index(
        op.f("ix_deliveries_webhook_id_state_next_at"), "deliveries", ["webhook_id", "state", "next_at"], unique=False
    )
    op.create_index(
        op.f("ix_deliveries_webhook_id_subject_id"), "deliveries", ["webhook_id", "subject", "id"], unique=False
    )
    op.create_table(
        "scans",
        sa.Column("seq", NUMBER, autoincrement=True, nullable=False),
        sa.Column("scan_id", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("priority", sa.String(length=12), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.String(length=200), nullable=True),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("question", sa.Text(), nullable=True),
        sa.Column("force", sa.Boolean(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("filename", sa.String(length=400), nullable=True),
        sa.Column("client", sa.String(length=200), server_default="", nullable=False),
        sa.Column("photo_sha256", sa.String(length=64), nullable=True),
        sa.Column("batch_id", sa.String(length=32), nullable=True),
        sa.Column("batch_index", sa.Integer(), nullable=True),
        sa.Column("rerun_of", sa.String(length=32), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("owner", sa.String(length=40), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("available_at", sa.BigInteger(), nullable=True),
        sa.Column("engine", sa.String(length=40), nullable=True),
        sa.Column("simulated", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("captured_at", sa.BigInteger(), nullable=True),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("findings", sa.Integer(), server_default="0", nullable=False),
        sa.Column("alerts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=True),
        sa.Column("review", sa.String(length=10), server_default="none", nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=True),
        sa.Column("error_code", sa.String(length=60), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.batch_id"], name=op.f("fk_scans_batch_id")),
        sa.ForeignKeyConstraint(["photo_sha256"], ["photos.sha256"], name=op.f("fk_scans_photo_sha256")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_scans")),
        sa.UniqueConstraint("scan_id", name=op.f("uq_scans_scan_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_scans_batch_id_batch_index"), "scans", ["batch_id", "batch_index"], unique=False)
    op.create_index("ix_scans_batch_status", "scans", ["batch_id", "status"], unique=False)
    op.create_index(
        "ix_scans_deadline",
        "scans",
        ["deadline_at"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(op.f("ix_scans_lease_until"), "scans", ["lease_until"], unique=False)
    op.create_index(
        "ix_scans_overview",
        "scans",
        ["store_id", "received_at", "status", "findings", "alerts", "review"],
        unique=False,
    )
    op.create_index(
        op.f("ix_scans_photo_sha256_task_review"), "scans", ["photo_sha256", "task", "review"], unique=False
    )
    op.create_index(op.f("ix_scans_received_at_seq"), "scans", ["received_at", "seq"], unique=False)
    op.create_index(op.f("ix_scans_review_received_at_seq"), "scans", ["review", "received_at", "seq"], unique=False)
    op.create_index(
        op.f("ix_scans_severity_received_at_seq"), "scans", ["severity", "received_at", "seq"], unique=False
    )
    op.create_index(op.f("ix_scans_status_rank_seq"), "scans", ["status", "rank", "seq"], unique=False)
    op.create_index(op.f("ix_scans_status_received_at_seq"), "scans", ["status", "received_at", "seq"], unique=False)
    op.create_index(
        op.f("ix_scans_store_id_received_at_seq"), "scans", ["store_id", "received_at", "seq"], unique=False
    )
    op.create_index(op.f("ix_scans_task_received_at_seq"), "scans", ["task", "received_at", "seq"], unique=False)
    op.create_table(
        "readings",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_readings_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_readings")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("seq", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reviewer", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=10), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=True),
        sa.Column("row_index", sa.Integer(), nullable=True),
        sa.Column("field", sa.String(length=80), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("model_value", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), server_default="", nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("carried_from", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_reviews_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_reviews_seq_id"), "reviews", ["seq", "id"], unique=False)
    op.create_table(
        "scan_codes",
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_scan_codes_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gtin", "seq", name=op.f("pk_scan_codes")),
    )
    op.create_index(op.f("ix_scan_codes_seq"), "scan_codes", ["seq"], unique=False)
    op.create_table(
        "scan_findings",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_scan_findings_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", "kind", "label", "severity", name=op.f("pk_scan_findings")),
    )
    op.create_table(
        "scan_words",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_scan_words_seq"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_scan_words")),
    )

    for statement in FULL_TEXT if op.get_bind().dialect.name == "sqlite" else (WORDS,):
        op.execute(statement)
