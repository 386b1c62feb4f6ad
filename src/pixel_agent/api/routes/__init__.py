"""Routes of the API: one module and router per family of endpoints."""
