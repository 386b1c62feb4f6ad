"""The `openai` engine: sends scans to one or several servers that implement the OpenAI chat protocol.

The pool has one slot (an engine of this class) for every request that the servers can have in flight, and gives each
slot one scan at a time. So no scan waits for a batch to end: the servers' own batching stays full, and this service's
queue decides the order until a server can take one more request. All slots share one `ServerPool`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from math import inf

import httpx

from pixel_agent.core import Batch, Capability, EngineInfo, Job, Output, Plan, Task
from pixel_agent.core.errors import DeadlineExceeded, EngineUnavailable, PixelAgentError, ScanCancelled
from pixel_agent.core.settings import OpenAISettings
from pixel_agent.engines.base import Limits, plan_by_capability
from pixel_agent.engines.openai.call import Call, CallFailed, send
from pixel_agent.engines.openai.dialects import DIALECTS, data_url, request_body
from pixel_agent.engines.openai.health import Address, HealthEvent, next_pause
from pixel_agent.engines.openai.server_pool import Server, ServerPool, Supervised

log = logging.getLogger("pixel_agent.openai")

CAPABILITIES = frozenset(Capability)
MAX_TOKENS = 1_000_000
"""No real limit: a slot takes one photo, and the pixel budget limits its tokens."""


class OpenAIEngine:
    """One slot of a server pool. `run` sends all jobs at the same time, each as its own request."""

    def __init__(self, server_pool: ServerPool, name: str = "openai") -> None:
        self._servers = server_pool
        self._settings = server_pool.settings
        self._name = name
        self._running: dict[Job, asyncio.Task[Output | PixelAgentError]] = {}
        self._client: httpx.AsyncClient | None = None
        self._lost: PixelAgentError | None = None
        self._tell: Callable[[BaseException], None] = lambda _error: None

    @property
    def info(self) -> EngineInfo:
        """Name and model of the engine; the model is known after a server's first answer."""
        return EngineInfo(self._name, self._servers.model, version("pixel-agent"))

    @property
    def limits(self) -> Limits:
        """One photo per slot."""
        return Limits(1, MAX_TOKENS)

    @property
    def slo_s(self) -> float | None:
        """None: the response time depends on the servers."""
        return None

    def plan(self, task: Task) -> Plan:
        """Full support for every task, codes from the barcodes stage, at the photo size that the settings allow."""
        return plan_by_capability(task, CAPABILITIES, pixel_budget=self._settings.max_pixels)

    def when_lost(self, tell: Callable[[BaseException], None]) -> None:
        """Notify once, on the event loop, when no server is left, even while no batch runs here."""
        self._tell = tell
        if self._lost is not None:
            tell(self._lost)

    async def start(self) -> None:
        """Wait for a healthy server. Raises EngineUnavailable that names the fault of each server."""
        await self._servers.join(self._lose)
        self._client = self._servers.new_client()

    async def run(self, batch: Batch) -> Sequence[Output | PixelAgentError]:
        """Answer every job separately; the answer of a failed job is its error."""
        self._running = {job: asyncio.ensure_future(self._answer(job)) for job in batch.jobs}
        try:
            answers = await asyncio.gather(*self._running.values(), return_exceptions=True)
        finally:
            for task in self._running.values():
                task.cancel()
            self._running = {}
        return [_settled(answer) for answer in answers]

    def forget(self, job: Job) -> None:
        """Close the job's request: servers stop generating when the client disconnects."""
        task = self._running.get(job)
        if task is not None:
            task.cancel()

    async def stop(self) -> None:
        """Leave the server pool; the last slot that leaves closes it."""
        client, self._client = self._client, None
        try:
            if client is not None:
                await client.aclose()
        finally:
            await self._servers.leave(self._lose)

    def _lose(self, error: PixelAgentError) -> None:
        self._lost = error
        self._tell(error)

    async def _answer(self, job: Job) -> Output | PixelAgentError:
        until = asyncio.get_running_loop().time() + self._settings.timeout_s
        try:
            async with asyncio.timeout_at(min(until, job.deadline or inf)) as patience:
                return await self._try(job, min(until, job.deadline or inf))
        except TimeoutError:
            if not patience.expired():
                raise
            if job.deadline is not None and job.deadline <= until:
                return DeadlineExceeded("The deadline passed while the model server answered.", "Allow more time.")
            return EngineUnavailable(f"No model server answered within {self._settings.timeout_s:g} s.")
        except PixelAgentError as error:
            return error

    async def _try(self, job: Job, until: float) -> Output:
        """Try one server after another while a retry can help; a full server is not a failure, only a wait."""
        settings = self._settings
        photo = await self._servers.encode(lambda: data_url(job.photo, settings.max_pixels, settings.jpeg_quality))
        loop, failures, avoid = asyncio.get_running_loop(), 0, None
        while True:
            try:
                async with self._servers.server(until, avoid) as server:
                    return await self._send(job, server, photo)
            except CallFailed as failure:
                if not failure.again:
                    raise failure.error from None
                if failure.event is HealthEvent.REFUSED:
                    continue
                failures += 1
                pause = next_pause(failures, settings.retries, until - loop.time(), self._servers.pace)
                if pause is None:
                    raise failure.error from None
                avoid = server
                await asyncio.sleep(pause)

    async def _send(self, job: Job, server: Server, photo: bytes) -> Output:
        """Send one request in the server's dialect; retry without each extra field that the server rejects.

        Missing support for priorities or stream usage is remembered for the server. A rejected schema is not: the fault
        can be in this job's own schema.
        """
        spoken, client = server.dialect or DIALECTS["plain"], self._client
        if client is None:
            raise EngineUnavailable("The engine has not been started.")
        while True:
            call = Call(
                url=f"{server.address.url}/chat/completions",
                server=server.address.name,
                body=request_body(job, server.model, spoken, photo, stream=job.on_text is not None),
                visual_tokens=job.tokens,
                on_text=job.on_text,
            )
            try:
                return await send(client, call)
            except CallFailed as failure:
                simpler = spoken.without(failure.complaint) if failure.complaint else None
                if simpler is None:
                    raise
                log.warning("event=extra_refused server=%s complaint=%r", call.server, failure.complaint)
                spoken = simpler
                if server.dialect is not None:
                    server.dialect = replace(
                        server.dialect, priorities=simpler.priorities, stream_usage=simpler.stream_usage
                    )


def openai_engines(
    settings: OpenAISettings, addresses: Sequence[Address], name: str = "openai", supervised: Supervised | None = None
) -> Sequence[Callable[[], OpenAIEngine]]:
    """Return one factory per slot: a slot for each request that can be in flight. All slots share one server pool."""
    server_pool = ServerPool(settings, addresses, supervised)
    return [lambda: OpenAIEngine(server_pool, name)] * (settings.max_in_flight * max(1, len(addresses)))


def _settled(answer: Output | PixelAgentError | BaseException) -> Output | PixelAgentError:
    if isinstance(answer, Output | PixelAgentError):
        return answer
    if isinstance(answer, asyncio.CancelledError):
        return ScanCancelled("Nobody waited for the scan any more.")
    raise answer
