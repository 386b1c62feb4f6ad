"""HTTP machinery below the routes: uploads, events, idempotency, headers."""
