"""Benchmarks of reading quality: text, tags, dates and codes."""
