"""One router a family of endpoints."""
