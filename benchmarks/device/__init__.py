"""Benchmark of the model on an accelerator: every way to run it, in one table."""
