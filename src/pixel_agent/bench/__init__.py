"""Benchmarks, each a command under `pixel-agent bench`: see `app.py`."""
