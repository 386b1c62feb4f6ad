"""A server under load: plans, clients that count, reports."""
