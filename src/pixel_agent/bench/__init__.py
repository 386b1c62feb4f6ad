"""Benchmarks, each a command under `pixel-agent bench`."""
