"""The service as a whole, without HTTP and without records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from pixel_agent.core import ScanRequest, ScanSpec, sha256_of
from pixel_agent.core.settings import load
from pixel_agent.engines.base import Limits
from pixel_agent.engines.simulated import SimulatedEngine
from pixel_agent.service.monitor import GpuSample
from pixel_agent.service.service import ScanService, build_service

FULL = GpuSample(0, "card", 1.0, 80 * 2**30 - 100 * 2**20, 80 * 2**30, 300.0, 70.0, "GPU-0")
"""A GPU that somebody else uses: 100 MiB are free, less than batches are to leave free."""


@asynccontextmanager
async def beside_a_full_gpu() -> AsyncIterator[ScanService]:
    settings: dict[str, JsonValue] = {
        "engine": "simulated",
        "simulated": {"base_ms": 100, "per_item_ms": 0, "slo_ms": None},
        "monitor": {"interval_s": 3600},
    }
    service = build_service(load(settings, environment={}), keep=False)
    service.monitor.latest = replace(service.monitor.latest, gpus=(FULL,))
    await service.start()
    await service.until_ready()
    try:
        yield service
    finally:
        await service.stop()


async def batch_sizes(service: ScanService, jpeg: bytes) -> tuple[int, ...]:
    """How six scans that come together are batched: the first alone, as the device is idle, the others behind it."""
    task = service.catalogue.find("text_read")
    request = ScanRequest("a", ScanSpec(task.id), task, jpeg, sha256_of(jpeg), datetime.now(UTC), fresh=True)
    await asyncio.gather(*(service.scan(replace(request, scan_id=f"{n}")) for n in range(6)))
    return service.batcher.stats().batch_sizes


async def test_a_full_gpu_bounds_no_engine_that_does_not_run_on_it(jpeg: bytes) -> None:
    async with beside_a_full_gpu() as service:
        assert max(await batch_sizes(service, jpeg)) > 1


async def test_a_full_gpu_bounds_the_engine_that_runs_on_it(jpeg: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedEngine, "limits", Limits(16, 16 * 256, gpu="GPU-0"))
    async with beside_a_full_gpu() as service:
        assert set(await batch_sizes(service, jpeg)) == {1}
