"""Composition, and the pipeline of one scan."""
