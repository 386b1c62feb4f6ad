"""Records of scans, their photos, batches, reviews and events, over SQLAlchemy: SQLite by default, PostgreSQL by URL."""
