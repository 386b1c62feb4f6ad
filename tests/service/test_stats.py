"""Stats show the real state, over HTTP, as events, as metrics, and on a terminal."""

from __future__ import annotations

import httpx
import pytest
from rich.console import Console

from pixel_agent.cli.top_screen import screen, watch
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.stats import Stats
from tests.api.routes.test_scans import running


async def scanned(client: httpx.AsyncClient, jpeg: bytes, count: int = 3) -> Stats:
    for number in range(count):
        await client.post("/scan", files={"file": jpeg + bytes([number])})
    await client.post("/scan", files={"file": b"no photo"})
    return Stats.model_validate_json((await client.get("/v1/stats")).content)


async def test_stats_count_answers_errors_and_batches(jpeg: bytes) -> None:
    async with running() as client:
        stats = await scanned(client, jpeg)
    assert stats.scans.outcomes == {"completed": 3, "photo_type_unsupported": 1}
    assert stats.batches.items == 3
    assert stats.scans.p50_ms is not None
    assert 0 < stats.device.busy_s < stats.uptime_s
    assert stats.queue.inside_scans == 0
    assert stats.batches.why


async def test_metrics_are_prometheus_text(jpeg: bytes) -> None:
    async with running() as client:
        await scanned(client, jpeg)
        text = (await client.get("/metrics")).text
    for name in (
        'pixel_agent_stage_seconds_bucket{le="0.005",stage="photo"}',
        'pixel_agent_queue_length{priority="bulk"} 0.0',
        'pixel_agent_replica_state{replica="0",state="ready"} 1.0',
        "pixel_agent_batch_items_sum 3.0",
        'pixel_agent_ended_total{outcome="completed"} 3.0',
    ):
        assert name in text, name


async def test_refusals_show_their_reason(jpeg: bytes) -> None:
    async with running(admission={"max_scans": 1, "max_bytes": 10}) as client:
        answer = await client.post("/scan", files={"file": jpeg})
        stats = Stats.model_validate_json((await client.get("/v1/stats")).content)
        text = (await client.get("/metrics")).text
    assert answer.status_code == 503
    assert stats.scans.refused == {"queue_full": 1}
    assert 'pixel_agent_refused_total{reason="queue_full"} 1.0' in text


async def test_the_screen_shows_what_matters(jpeg: bytes) -> None:
    async with running() as client:
        stats = await scanned(client, jpeg)
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    with console.file:
        console.print(screen(stats))
        text = console.export_text()
    assert "3 completed" in text
    assert "P50 / P95 / P99" in text
    assert "no GPU is watched" in text


def test_watching_nothing_is_a_clear_error() -> None:
    with pytest.raises(InvalidRequest, match="No Pixel Agent answers"):
        watch("http://127.0.0.1:9", once=True)
