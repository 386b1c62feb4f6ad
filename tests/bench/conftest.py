"""Small runs prove that the benchmarks work, on a machine of any speed: what they wait for may take its time."""

from __future__ import annotations

import pytest

from pixel_agent.bench import device_contenders, load_watch, recording, reference_servers, store, webhooks

PATIENCE_S = 600.0


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers start and stop as slowly as they need."""
    monkeypatch.setattr(device_contenders, "SERVE_START_S", PATIENCE_S)
    monkeypatch.setattr(load_watch, "TIMEOUT_S", PATIENCE_S)
    monkeypatch.setattr(recording, "STOP_S", PATIENCE_S)
    monkeypatch.setattr(reference_servers, "START_S", PATIENCE_S)
    monkeypatch.setattr(reference_servers, "STOP_S", PATIENCE_S)
    monkeypatch.setattr(store, "START_S", PATIENCE_S)
    monkeypatch.setattr(webhooks, "LATEST_S", PATIENCE_S)
