"""Stores scans, photos, batches, reviews and events with SQLAlchemy: in SQLite by default, in PostgreSQL by URL."""
