"""The tiny random model that the tests of model engines run; built once a session by the fixtures that use it."""

from __future__ import annotations

from benchmarks.tiny_model import build

__all__ = ["build"]
