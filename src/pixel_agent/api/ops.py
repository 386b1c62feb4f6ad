"""For the operator: is it alive, is it ready, and what is it doing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from pixel_agent.service import ScanService
from pixel_agent.stats import Stats, snapshot

router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    """The process answers."""

    status: str = "alive"


class Ready(BaseModel):
    """The engine has warmed up and takes scans."""

    status: str = "ready"
    engine: str
    model: str


@router.head("/livez", include_in_schema=False)
@router.get("/livez", summary="Is the process alive")
async def livez() -> Alive:
    """Answers as long as the event loop turns."""
    return Alive()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", summary="Can it take scans")
async def readyz(request: Request) -> Ready:
    """200 once the engine has warmed up; 503 with the reason before that, while it stops, and when the engine is down."""
    service: ScanService = request.app.state.service
    service.check_ready()
    return Ready(engine=service.engine.info.name, model=service.engine.info.model)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response)
async def metrics(request: Request) -> Response:
    """Histograms of every stage, queue, batches, replicas, devices, refusals."""
    service: ScanService = request.app.state.service
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/stats", summary="What the service is doing")
async def stats(request: Request) -> Stats:
    """Latencies of the last minute, queue, batches with the reason of the last decision, replicas, device, machine."""
    return snapshot(request.app.state.service)


@router.get("/v1/stats/events", summary="The same, live", response_class=StreamingResponse)
async def stats_events(request: Request, interval_s: Annotated[float, Query(ge=0.1, le=60)] = 1.0) -> StreamingResponse:
    """Server-sent events, one `stats` event per interval, until the client leaves or the server stops."""
    service: ScanService = request.app.state.service

    async def events() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        while not service.admission.draining:
            yield f"event: stats\ndata: {snapshot(service).model_dump_json()}\n\n"
            await asyncio.sleep(interval_s)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get("/", include_in_schema=False)
async def home() -> RedirectResponse:
    """The interactive description of the service."""
    return RedirectResponse("/docs")
