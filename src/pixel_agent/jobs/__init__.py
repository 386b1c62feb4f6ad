"""Accepted scans: taken in, run later, recorded, retried."""
