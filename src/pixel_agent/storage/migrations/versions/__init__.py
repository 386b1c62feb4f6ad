"""The Alembic revisions, in order."""
