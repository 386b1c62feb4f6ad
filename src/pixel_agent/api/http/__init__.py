"""What lies below the routes: uploads, events, idempotency, headers."""
