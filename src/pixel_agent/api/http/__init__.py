"""HTTP machinery that the routes use: uploads, events, idempotency, headers."""
