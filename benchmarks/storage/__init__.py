"""Benchmarks of the storage: the database, the recorder, exports and webhooks under load."""
