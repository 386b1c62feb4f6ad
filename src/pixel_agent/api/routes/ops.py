"""Operations: liveness, readiness, metrics, stats and settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from prometheus_client import CONTENT_TYPE_LATEST

from pixel_agent.api.http.problems import Responses, problems
from pixel_agent.api.http.sse import HEADERS, event
from pixel_agent.api.routes.stats_history import StatsHistory
from pixel_agent.core.settings import Settings, describe
from pixel_agent.schemas.operations import Alive, Ready, SettingOut, SettingsOut
from pixel_agent.schemas.stats import Stats, StatsColumns
from pixel_agent.service.service import ScanService


@asynccontextmanager
async def _sampled(app: FastAPI) -> AsyncIterator[None]:
    """Record the last quarter of an hour while the application runs."""
    app.state.history = history = StatsHistory(app.state.service.stats)
    sampling = asyncio.create_task(history.run(), name="stats-history")
    try:
        yield
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling


_METRICS: Responses = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_EVENTS: Responses = {200: {"content": {"text/event-stream": {}}}, **problems(400)}

router = APIRouter(tags=["operations"], lifespan=_sampled)


@router.get("/livez", summary="Is the process alive")
async def livez() -> Alive:
    """Answers 200 while the event loop runs."""
    return Alive()


@router.get("/readyz", summary="Can it take scans", responses=problems(503))
async def readyz(request: Request) -> Ready:
    """200 once the engine is warm; 503 with the reason before that, during shutdown, and when the engine is down."""
    service: ScanService = request.app.state.service
    service.check_ready()
    return Ready(engine=service.engine.info.name, model=service.engine.info.model)


@router.get("/metrics", summary="Prometheus metrics", response_class=Response, responses=_METRICS)
async def metrics(request: Request) -> Response:
    """Metrics of every stage, queue, batches, replicas, devices and rejections."""
    service: ScanService = request.app.state.service
    return Response(service.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/stats", summary="What the service is doing")
async def stats(request: Request) -> Stats:
    """Latencies of the last minute, queue, batches with the reason of the last decision, replicas, device, machine."""
    service: ScanService = request.app.state.service
    return service.stats()


@router.get("/v1/stats/history", summary="The last quarter of an hour")
async def stats_history(request: Request) -> StatsColumns:
    """One point per second, as columns, and advice on the number of replicas."""
    history: StatsHistory = request.app.state.history
    return history.columns()


@router.get("/v1/stats/events", summary="The same, live", response_class=StreamingResponse, responses=_EVENTS)
async def stats_events(
    request: Request,
    interval_s: Annotated[float, Query(ge=0.1, le=60)] = 1.0,
    history: Annotated[bool, Query(description="Begin with `history`, and send each new `point`.")] = False,
) -> StreamingResponse:
    """Server-sent events: one `stats` event per interval, until the client disconnects or the server stops."""
    service: ScanService = request.app.state.service
    kept: StatsHistory = request.app.state.history

    async def events() -> AsyncIterator[str]:
        yield "retry: 2000\n\n"
        sent = None
        if history:
            sent = kept.latest
            yield event("history", kept.columns().model_dump_json())
        while not service.admission.draining:
            yield event("stats", service.stats().model_dump_json())
            newest = kept.latest if history else None
            if newest is not None and (sent is None or newest.point.t != sent.point.t):
                sent = newest
                yield event("point", newest.model_dump_json())
            await asyncio.sleep(interval_s)

    return StreamingResponse(events(), media_type="text/event-stream", headers=HEADERS)


@router.get("/v1/settings", summary="Settings in force")
async def settings_in_force(request: Request) -> SettingsOut:
    """Every setting with its value, default and description; secrets are masked."""
    service: ScanService = request.app.state.service
    rows = zip(describe(service.settings), describe(Settings()), strict=True)
    return SettingsOut(
        engine=service.engine.info.name,
        model=service.engine.info.model,
        settings=[
            SettingOut(name=name, value=_without_password(value), default=default, description=text)
            for (name, value, text), (_, default, _) in rows
        ],
    )


def _without_password(value: str) -> str:
    """Mask the user name and the password in the URLs of a value."""
    return re.sub(r"//[^/@\s,]+@", "//***@", value)
