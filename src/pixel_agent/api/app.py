"""The FastAPI application around one `ScanService`: routers, middleware, error responses, start and stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from pixel_agent.api.http.browsers import BrowserGuard
from pixel_agent.api.http.head import HeadAsGet
from pixel_agent.api.http.problems import LEGACY_PATH, any_problem, error_response, problem_response
from pixel_agent.api.http.proxies import ProxyHeaders, networks
from pixel_agent.api.http.security_headers import SecurityHeaders
from pixel_agent.api.http.sse import known
from pixel_agent.api.routes import (
    async_scans,
    batches,
    chat,
    compare,
    exports,
    history,
    ops,
    reviews,
    scans,
    shops,
    terminal,
    webhooks,
)
from pixel_agent.core.envelope import Problem
from pixel_agent.core.errors import InvalidRequest, PixelAgentError
from pixel_agent.schemas.scans import LegacyError
from pixel_agent.service.service import ScanService


def create_app(service: ScanService) -> FastAPI:
    """Create the ASGI application; it starts and stops the service in its lifespan."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app: FastAPI = FastAPIOffline(
        title="Pixel Agent",
        summary="像素特工. Photos of shelves, price tags, kitchens and storefronts in; checked, structured readings out.",
        version=version("pixel-agent"),
        lifespan=lifespan,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        responses=any_problem(),
    )
    app.state.service = service
    app.add_middleware(HeadAsGet)
    app.add_middleware(BrowserGuard, settings=service.settings.server)
    app.add_middleware(ProxyHeaders, trusted=networks(service.settings.server.trusted_proxies))
    app.add_middleware(SecurityHeaders)
    app.include_router(scans.router)
    app.include_router(async_scans.router)
    app.include_router(batches.router)
    for router in (history.router, reviews.router, shops.router, compare.router):
        app.include_router(router)
    app.include_router(chat.router)
    app.include_router(ops.router)
    app.include_router(webhooks.router)
    app.include_router(exports.router)
    terminal.add_terminal(app)
    app.add_exception_handler(PixelAgentError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_error)
    app.add_exception_handler(HTTPException, _on_error)
    app.add_exception_handler(Exception, _on_error)
    return app


async def _on_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, HTTPException):
        return _http_problem(request, error)
    path = request.url.path
    if isinstance(error, RequestValidationError):
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
        error = InvalidRequest(f"{places}.", "See /docs for what is accepted.")
    return error_response(path, known(error))


def _http_problem(request: Request, error: HTTPException) -> JSONResponse:
    """Map the framework's own errors to problems: an unknown path, a wrong method."""
    headers = dict(error.headers or {})
    if request.url.path == LEGACY_PATH:
        legacy = LegacyError(message=str(error.detail), code=f"http_{error.status_code}", advice="POST a photo here.")
        return JSONResponse(legacy.model_dump(), error.status_code, headers)
    problem = Problem(
        type=f"urn:pixel-agent:problem:http_{error.status_code}",
        title=str(error.detail),
        status=error.status_code,
        detail=str(error.detail),
        code=f"http_{error.status_code}",
        advice="See /docs for the paths and methods of this service.",
    )
    return problem_response(problem, headers)
