"""Small runs prove that the benchmarks work on a machine of any speed; their waits have generous limits."""

from __future__ import annotations

import pytest

from benchmarks.device import contenders
from benchmarks.load import watch
from benchmarks.reference import servers
from benchmarks.storage import recording, run, webhooks

PATIENCE_S = 600.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers start and stop as slowly as they need."""
    monkeypatch.setattr(contenders, "SERVE_START_S", PATIENCE_S)
    monkeypatch.setattr(watch, "TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(recording, "STOP_S", PATIENCE_S)
    monkeypatch.setattr(servers, "START_S", PATIENCE_S)
    monkeypatch.setattr(servers, "STOP_S", PATIENCE_S)
    monkeypatch.setattr(run, "START_S", PATIENCE_S)
    monkeypatch.setattr(webhooks, "LATEST_S", PATIENCE_S)
