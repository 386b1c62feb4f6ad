"""The database, the recorder, exports and webhooks under load."""
