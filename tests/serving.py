"""The application with a store, on the simulated engine, for the tests of stored data."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from pydantic import JsonValue

from pixel_agent.api.app import create_app
from pixel_agent.core.settings import load
from pixel_agent.jobs import recorder
from pixel_agent.service.service import ScanService, build_service
from pixel_agent.storage.store import Store

FAST: dict[str, JsonValue] = {
    "engine": "simulated",
    "simulated": {"base_ms": 1, "per_item_ms": 0},
    "photo": {"processes": 0},  # starting processes takes longer than most tests
}
SLOW: dict[str, JsonValue] = {"simulated": {"base_ms": 3_600_000, "slo_ms": None}, "server": {"drain_timeout_s": 0.1}}
"""A device that takes an hour for anything."""
PATIENT: dict[str, dict[str, JsonValue]] = {"admission": {"slo_ms": 0}, "store": {"append_timeout_s": 60}}
"""Nobody is refused, and no record comes late, because the machine is slow."""


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, and who asks it."""

    service: ScanService
    client: httpx.AsyncClient

    @property
    def store(self) -> Store:
        return self.service.storage

    async def scan(self, photo: bytes, name: str = "a.jpg", **fields: str) -> str:
        """Scan a photo; the id of its record."""
        answer = await self.client.post(
            "/v1/scans", files={"photos": (name, photo)}, data={"task": "text_read", **fields}
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["scan_id"])

    async def get(self, path: str, status: int = 200, **query: str | float) -> dict[str, JsonValue]:
        """What a path answers."""
        answer = await self.client.get(path, params=query or None)
        assert answer.status_code == status, answer.content[:400]
        body: dict[str, JsonValue] = answer.json()
        return body


def patient(settings: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Settings under which no answer depends on how fast the machine is, unless they say otherwise."""
    merged = dict(settings)
    for section, values in PATIENT.items():
        given = settings.get(section, {})
        assert isinstance(given, dict)
        merged[section] = {**values, **given}
    return merged


@asynccontextmanager
async def serving(settings: dict[str, JsonValue]) -> AsyncIterator[Served]:
    """Start the application, and stop it."""
    service = build_service(load(patient({**FAST, **settings}), environment={}))
    app = create_app(service)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            recorder, "CATCH_UP_S", 60.0
        )  # who asks for a record just written waits for it, however slow the disk
        async with app.router.lifespan_context(app):
            await service.until_ready()
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                yield Served(service, client)
